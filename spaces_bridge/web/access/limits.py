"""Limits on how many of something one address or person may have at the same time."""

from collections import Counter
from collections.abc import Hashable, Iterator
from contextlib import contextmanager

from spaces_bridge.web.problems import too_many


class Places:
    """A limit of `most` places that may be held at the same time, for each key by itself."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._taken: Counter[Hashable] = Counter()

    @contextmanager
    def one(self, key: Hashable) -> Iterator[None]:
        """Hold one of the key's places. Raises Problem 429 when all are taken."""
        if self._taken[key] >= self._most:
            raise too_many()
        self._taken[key] += 1
        try:
            yield
        finally:
            self._taken[key] -= 1
            if not self._taken[key]:
                del self._taken[key]
