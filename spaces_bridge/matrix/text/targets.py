"""Targets of `block` and `unblock`: one account, a pattern, or a whole server. Pure."""

import re

LENGTH_MAX = 255
_SERVER = re.compile(r"(?=.*\.)[A-Za-z0-9.\-*?]+(?::\d{1,5})?")
_PATTERN = re.compile(r"@[\x21-\x39\x3b-\x7e]+:[A-Za-z0-9.\-*?\[\]:]+")
_WILD = "*?"


def pattern_of(word: str) -> str | None:
    """Return the pattern for several accounts: `@*:evil.example`, also for `evil.example` alone.

    None: the word is neither a pattern nor a server.
    """
    word = word.rstrip(",;")
    if len(word) > LENGTH_MAX:
        return None
    if word in {"*", "*:*"}:
        return "@*:*"
    if _SERVER.fullmatch(word):
        return f"@*:{word.lower()}"
    if _PATTERN.fullmatch(word) and any(c in word for c in _WILD):
        return word.lower()
    return None
