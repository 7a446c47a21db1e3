"""Whom ``block`` may be about: one account, a pattern, or a whole server. Pure."""

import re
from collections.abc import Collection

from spaces_bridge.app.policy_book import matches
from spaces_bridge.core.errors import Rejected
from spaces_bridge.core.ids import UserId

LENGTH_MAX = 255
_SERVER = re.compile(r"(?=.*\.)[A-Za-z0-9.\-*?]+(?::\d{1,5})?")
_PATTERN = re.compile(r"@[\x21-\x39\x3b-\x7e]+:[A-Za-z0-9.\-*?\[\]:]+")
_WILD = "*?"


def pattern_of(word: str) -> str | None:
    """What stands for several accounts: ``@*:evil.example``, also of ``evil.example`` alone.

    None: the word is no pattern and no server.
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


def refuse_too_wide(target: str, spared: Collection[UserId], bot: UserId) -> None:
    """A pattern must spare the hosts and the bridge itself. Raises Rejected."""
    local, _, server = target.removeprefix("@").partition(":")
    if not local.strip(_WILD) and not server.strip(f"{_WILD}.:"):
        raise Rejected("everybody", "That is everybody. To let nobody new in, write `lock`.")
    if matches(target, bot):
        raise Rejected("ours", "That would keep me out, too.")
    if any(matches(target, user) for user in spared):
        raise Rejected("too_high", "That would keep out the host, a co-host or yourself, too.")
