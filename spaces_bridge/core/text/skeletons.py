"""Skeletons, after Unicode's UTS #39 and its table of confusables, say what texts look like.

Case, accents, blanks and punctuation tell no two texts apart here. Pure, and quick.
"""

import json
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from functools import cache, lru_cache
from importlib.resources import files

import confusable_homoglyphs

from spaces_bridge.core.text.names import CLUSTER_MAX, GRAPHEMES_MAX

_OVERLAY = 1
_AROUND = range(200, 241)
"""The canonical classes of accents; vowels of India and voicing marks of Japan have others."""

_DRAWN = re.compile(
    r"LATIN LETTER SMALL CAPITAL ([A-Z])|"
    r"(?:CROSSED )?NEGATIVE (?:CIRCLED|SQUARED) LATIN CAPITAL LETTER ([A-Z])"
)
"""Letters in disguise that neither Unicode's table nor NFKC knows."""

_LONGEST = GRAPHEMES_MAX * CLUSTER_MAX
"""The number of characters that are read, of every text the same: more than a name can have.

A reading that saw less of a name than people see would be a place to hide in.
"""


def alike(one: str, other: str) -> bool:
    """Return whether the two texts can be mistaken for each other as they are."""
    return not looks(one).isdisjoint(looks(other))


@lru_cache(maxsize=4096)
def looks(text: str) -> frozenset[str]:
    """Return the looks of the text, in a few readings, each without case, accents and blanks.

    The set is never empty for a text with a visible sign.
    """
    return frozenset(filter(None, map(_bare, readings(text))))


def skeleton(text: str) -> str:
    """Return the internal skeleton of UTS #39: equal for texts that look the same, case apart."""
    if text.isascii():
        return text.translate(_prototypes())
    letters = unicodedata.normalize("NFD", text)
    shown = "".join(c for c in letters if not _is_ignorable(c)).translate(_prototypes())
    return unicodedata.normalize("NFD", shown)


def readings(text: str) -> Iterator[str]:
    """Yield skeletons in lower case, in both orders: "I" looks like "l", and "i" does not.

    Case is folded after the skeleton is made, and before. Each reading is of the whole text, or
    of its first 480 characters.
    """
    text = text[:_LONGEST]
    compatible = unicodedata.normalize("NFKC", text)
    for read in {text, compatible, "".join(map(_undrawn, text))}:
        yield skeleton(read).casefold()
        yield skeleton(read.casefold()).casefold()


def _bare(reading: str) -> str:
    """Return the letters and numbers of a reading; without any, all that can be seen."""
    seen = "".join(c for c in reading if not c.isspace())
    letters = "".join(c for c in seen if unicodedata.category(c)[0] in "LNM" and not _is_accent(c))
    # nobody sees "vv" and "w" apart, and the table has only one half of them
    return letters.replace("vv", "w") if any(map(str.isalnum, letters)) else seen


def _is_accent(char: str) -> bool:
    order = unicodedata.combining(char)
    return order == _OVERLAY or order in _AROUND or unicodedata.category(char) == "Me"


def _is_ignorable(char: str) -> bool:
    """Return whether Unicode calls it Default_Ignorable_Code_Point, as far as it is assigned."""
    return (
        unicodedata.category(char) == "Cf"
        or char in "\u034f\u115f\u1160\u17b4\u17b5\u3164\uffa0"
        or "\u180b" <= char <= "\u180f"
        or "\ufe00" <= char <= "\ufe0f"
        or "\U000e0000" <= char <= "\U000e0fff"
    )


def _undrawn(char: str) -> str:
    if char < "\u1d00":
        return char
    drawn = _DRAWN.fullmatch(unicodedata.name(char, ""))
    return (drawn[1] or drawn[2]).lower() if drawn else char


# --- the table -----------------------------------------------------------------------------------


@cache
def _prototypes() -> Mapping[int, str]:
    """Return the prototype of each character: the one Unicode chose of all that look like it.

    The package's table has each pair both ways, from the look-alike to its prototype first. Many
    look like one prototype, one looks like many letters, and a prototype looks like nothing else.
    """
    packed = files(confusable_homoglyphs).joinpath("confusables.json").read_bytes()
    pairs = {_alone(sign): [_alone(x["c"]) for x in others] for sign, others in _load(packed)}
    place = {sign: number for number, sign in enumerate(pairs)}
    return {
        ord(sign): other
        for sign, (other, *more) in pairs.items()
        if len(sign) == 1
        and not more
        and (len(other) > 1 or len(pairs[other]) > 1 or place[sign] < place[other])
    }


def _load(packed: bytes) -> Iterable[tuple[str, list[dict[str, str]]]]:
    table: dict[str, list[dict[str, str]]] = json.loads(packed)
    return table.items()


def _alone(sign: str) -> str:
    """Return the sign without the marks between which the table has right-to-left letters."""
    return sign[1:-1] if len(sign) > 2 and sign[0] == sign[-1] == "\u200e" else sign
