"""Globs as Matrix has them: ``*`` is any text, ``?`` one character; case does not count.

Whoever writes a glob may be hostile: looking never takes longer than glob times text.
"""

from collections.abc import Iterable
from typing import Generic, TypeVar

_T = TypeVar("_T")


def matches(glob: str, text: str) -> bool:
    """Whether the whole text fits. Spec: Appendices, "Glob"."""
    glob, text = glob.lower(), text.lower()
    star, again = -1, 0  # the last ``*``, and where the text goes on behind what it swallowed
    at = here = 0
    while here < len(text):
        if at < len(glob) and glob[at] == "*":
            star, again = at, here
            at += 1
        elif at < len(glob) and glob[at] in {"?", text[here]}:
            at, here = at + 1, here + 1
        elif star >= 0:
            again += 1
            at, here = star + 1, again
        else:
            return False
    return not glob[at:].strip("*")


class GlobTable(Generic[_T]):
    """What is filed under globs, found by a text that fits; most globs have no wildcard."""

    def __init__(self, entries: Iterable[tuple[str, _T]]) -> None:
        self._plain: dict[str, _T] = {}
        self._wild: list[tuple[str, str, str, _T]] = []
        for glob, value in entries:
            low = glob.lower()
            if "*" not in low and "?" not in low:
                self._plain[low] = value
            else:
                self._wild.append((low, _until_wild(low), _until_wild(low[::-1])[::-1], value))

    def find(self, text: str) -> _T | None:
        """Something filed under a glob that the text fits."""
        low = text.lower()
        if low in self._plain:
            return self._plain[low]
        for glob, head, tail, value in self._wild:
            if low.startswith(head) and low.endswith(tail) and matches(glob, low):
                return value
        return None


def _until_wild(glob: str) -> str:
    return glob.replace("?", "*").partition("*")[0]
