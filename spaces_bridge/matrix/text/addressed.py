"""The words of a message that are meant for the bot, without what stands around them. Pure.

The one place where commands are normalised before they are compared: keyboards write `！` for
`!`, people copy commands with the backticks they were printed in, or begin with the bot's name.
"""

import difflib
import re
import unicodedata
from collections.abc import Collection, Sequence

from spaces_bridge.core.text.names import BLANKS
from spaces_bridge.matrix.text.verbs import PREFIX, VERBS

QUOTES = {'"': '"', "'": "'", "“": "”", "„": "“", "«": "»", "‘": "’", "`": "`", "「": "」"}
KNOWN = {name: name for name in VERBS} | {
    other: verb.name for verb in VERBS.values() for other in verb.also
}
"""A word that people try -> the name of the command here."""

_MARKS = "`*_~" + "".join({*QUOTES, *QUOTES.values()})
"""Signs around words that set them off: Markdown's, and quotes."""
_AROUND = f"[{re.escape(_MARKS)}]*"
_BEFORE = r"(?:(?:[-•–]|\d{1,2}[.)])\s+)?" + _AROUND + r"\\?"
"""The bullet or number of a list, and the backslash with which Markdown leaves a sign alone."""
_FENCE = re.compile(r"(`{3,}|~{3,})[\w+-]*\s+(.*?)\s*\1", re.DOTALL)
_PREFIX = re.compile(
    rf"{_BEFORE}[!❗¡/]\ufe0f?\s*space(s?)(?:{_AROUND}[:,;.]*{_AROUND}(?=\s|$)|(?=[a-z]))",
    re.IGNORECASE | re.ASCII,
)
_SLIP = re.compile(rf"{_AROUND}[!❗]\s*([a-z]{{3,8}})[:,]?\s+([a-z-]+)", re.IGNORECASE)
_WORD = re.compile(r"[a-z-]+", re.IGNORECASE)
_LINK = r"(?:https?://matrix\.to/#/|matrix:u/)"
_LIKE_PREFIX = 0.75
"""The least ratio of `difflib`: `!sapce` and `!spce` reach it, `!paste` does not."""


def addressed(text: str, *, direct: bool, names: Collection[str] = ()) -> str | None:
    """Return the words meant for the bot, None if none are.

    `names`: what the message calls the bot.
    """
    plain = unwrapped(seen(text).strip())
    called = _after_name(plain, names)
    rest = unwrapped(plain if called is None else called)
    ours = _after_prefix(rest)
    if ours is not None:
        return unwrapped(ours)
    return rest if direct or called is not None else None


def slip(text: str, *, at_home: bool) -> str | None:
    """Return what to write instead of a slip that can hardly be meant for anybody but the bot.

    `at_home`: the text was said in a live space's room, where `!queue` is as good as said to
    the bot. None: the text is no such slip.
    """
    plain = _one_by_one(unwrapped(seen(text).strip())).lower()
    found = _SLIP.match(plain)
    if found is not None and found[2] in KNOWN:
        close = difflib.SequenceMatcher(None, found[1], PREFIX[1:]).ratio() >= _LIKE_PREFIX
        return f"{PREFIX} {KNOWN[found[2]]}" if close else None
    word, *rest = plain.split() or [""]
    if at_home and len(rest) <= 3 and word[:1] in ("!", "❗") and word[1:] in VERBS:
        return f"{PREFIX} {word[1:]}"
    return None


def names_of(bot: str, pills: Sequence[tuple[str, str]]) -> tuple[str, ...]:
    """Return what a message may call the bot by: its id, and the names that links to it show."""
    return (bot, *(name for name, user in pills if user == bot))


def seen(text: str) -> str:
    """Return the text without what nobody sees.

    That is marks of order and width, and joiners that join nothing.
    """
    kept = "".join(c for c in text if c == "\u200d" or unicodedata.category(c) != "Cf")
    kept = re.sub(r"(?<![^\x00-\x7f])\u200d|\u200d(?![^\x00-\x7f])", "", kept)
    return "".join(" " if c in BLANKS else c for c in kept)


def unwrapped(text: str) -> str:
    """Return the text without the signs of code, stress and quotes around the whole of it."""
    while (inner := _inside(text)) != text:
        text = inner
    return text


def bare(word: str) -> str:
    """Return a word to compare with ours: small letters, no signs around, one width."""
    return unicodedata.normalize("NFKC", word).casefold().strip(_MARKS).rstrip(".,;:!?")


def unquoted(text: str) -> str:
    """Return the text without the quotes around the whole of it."""
    if len(text) > 1 and QUOTES.get(text[0]) == text[-1] and text[0] not in text[1:-1]:
        return text[1:-1].strip()
    return text


def _inside(text: str) -> str:
    fence = _FENCE.fullmatch(text)
    if fence is not None:
        return fence[2].strip()
    for mark in ("**", "__", "~~", "``", "*", "_"):
        size = len(mark)
        if len(text) > 2 * size and text.startswith(mark) and text.endswith(mark):
            inner = text[size:-size]
            return text if mark in inner else inner.strip()
    return unquoted(text)


def _after_prefix(text: str) -> str | None:
    plain = _one_by_one(text)
    found = _PREFIX.match(plain)
    if found is None:
        return None
    rest, glued = text[found.end() :], _WORD.match(plain, found.end())
    if glued is not None and glued[0].lower() not in KNOWN:
        return None  # `!spaceship`, which is somebody else's
    return rest.strip()


def _after_name(text: str, names: Collection[str]) -> str | None:
    """Return the words after the bot's name at the beginning, None if it is not there."""
    plain = _one_by_one(text)
    for name in filter(None, names):
        found = re.match(_naming(name), plain, re.IGNORECASE)
        if found is not None:
            return text[found.end() :].strip()
    return _after_short_name(text, plain, names)


def _naming(name: str) -> str:
    escaped = re.escape(_one_by_one(name))
    forms = [escaped, f"@{escaped}"]
    if name.startswith("@"):
        address = f"{_LINK}(?:{escaped}|{re.escape(name[1:])})"
        forms += [rf"\[[^\]\n]{{1,200}}\]\(<?{address}>?\)", address]
    return rf"(?:{'|'.join(forms)})(?:\s*[:,]+|(?=\s|$))"


def _after_short_name(text: str, plain: str, names: Collection[str]) -> str | None:
    """Return the words after a short name, as in `spacesbot: live`.

    Others may bear that word, so only a command may follow it.
    """
    local = next((name[1:].partition(":")[0] for name in names if name.startswith("@")), "")
    if not local:
        return None
    found = re.match(rf"@?(?:{re.escape(local)}|spaces)(?::|,)\s*", plain, re.IGNORECASE)
    if found is None:
        return None
    word = text[found.end() :].partition(" ")[0]
    return text[found.end() :] if bare(word).removeprefix("!") in KNOWN else None


def _one_by_one(text: str) -> str:
    """Return the text with each character in its plain width, so that places stay the same."""
    return "".join(map(_plain, text))


def _plain(char: str) -> str:
    plain = unicodedata.normalize("NFKC", char)
    return plain if len(plain) == 1 else char
