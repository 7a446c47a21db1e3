"""What a reaction's key means."""

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
_DECORATION = {0xFE0E, 0xFE0F, *range(0x1F3FB, 0x1F400)}


def plain(key: object) -> str | None:
    """The emoji in one form, without skin tones; None when the key is not one emoji."""
    if not isinstance(key, str) or len(key) > KEY_MAX:
        return None
    bare = "".join(c for c in key if ord(c) not in _DECORATION)
    known = (bare + EMOJI_STYLE, bare, key)
    return next((form for form in known if emoji.is_emoji(form)), None)


def is_hand(key: object) -> bool:
    """Whether the key asks for the floor."""
    return plain(key) in HANDS


def is_bell(key: object) -> bool:
    """Whether the key follows the host."""
    return plain(key) in BELLS


def is_tick(key: object) -> bool:
    """Whether the key asks to be reminded."""
    return plain(key) in TICKS
