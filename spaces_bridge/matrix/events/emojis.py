"""The meanings of a reaction's key."""

import re

import emoji

HANDS = frozenset({"✋", "🖐️", "🤚"})
BELLS = frozenset({"🔔", "🛎️"})
TICKS = frozenset({"✅", "☑️", "✔️"})
FOLLOW = "🔔"
REMIND = "✅"
YES = "✅"
NO = "❌"
NOT_THEM = "🔕"
NOBODY = "🚫"
SEEDS = ("✋", "👏", "❤️", "😂", "💯")
EMOJI_STYLE = "\ufe0f"
KEY_MAX = 32
WORDS = "💬"
"""The emoji that stands in the totals for reactions in words, such as `lol` or `:blobcat:`."""
PICTURES = "🖼️"
"""The emoji for pictures of people's own (MSC4027: the key is the address of a file)."""
_NAMED = re.compile(r":[A-Za-z0-9_+-]{1,30}:")
_DECORATION = {0xFE0E, 0xFE0F, *range(0x1F3FB, 0x1F400)}


def plain(key: object) -> str | None:
    """Return the emoji in one form, without skin tones; None when the key is not one emoji.

    `:clap:`, as people of other chats write it, is that emoji.
    """
    if not isinstance(key, str) or len(key) > KEY_MAX:
        return None
    key = _called(key)
    bare = "".join(c for c in key if ord(c) not in _DECORATION)
    known = (bare + EMOJI_STYLE, bare, key)
    return next((form for form in known if emoji.is_emoji(form)), None)


def counted(key: str) -> str:
    """Return what a reaction counts as in the totals: one emoji, never other people's text.

    Several emoji count as the first; a hand among them asks for nothing.
    """
    if key.startswith("mxc://"):
        return PICTURES
    one = plain(key)
    if one is None and len(key) <= KEY_MAX and not emoji.replace_emoji(key).strip():
        several = [plain(found["emoji"]) for found in emoji.emoji_list(key)]
        one = several[0] if several and several[0] not in HANDS else None
    return one or WORDS


def _called(key: str) -> str:
    if _NAMED.fullmatch(key) is None:
        return key
    return emoji.emojize(key.lower(), language="alias")


def is_hand(key: object) -> bool:
    """Return whether the key asks for the floor."""
    return plain(key) in HANDS


def is_bell(key: object) -> bool:
    """Return whether the key follows the host."""
    return plain(key) in BELLS


def is_tick(key: object) -> bool:
    """Return whether the key asks for a reminder."""
    return plain(key) in TICKS
