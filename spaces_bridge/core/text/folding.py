"""Folding: texts are compared without accents, case and width, for keyboards that lack a letter.

Pure.
"""

import unicodedata
from functools import lru_cache

_STROKES = str.maketrans(
    {
        "æ": "ae", "œ": "oe", "ø": "o", "đ": "d", "ð": "d", "ħ": "h", "ı": "i", "ł": "l",
        "ŋ": "n", "ŧ": "t", "þ": "th", "ƒ": "f", "ɓ": "b", "ɗ": "d", "ə": "e",
        "’": "'", "‘": "'", "ʼ": "'", "`": "'", "´": "'",
        "‐": "-", "‑": "-", "–": "-", "—": "-",
    }
)  # fmt: skip
"""The letters and signs that Unicode does not take apart by itself."""
_JOINERS = "\u200c\u200d"


@lru_cache(maxsize=4096)
def folded(text: str) -> str:
    """Return the text in small letters without accents, strokes, marks of order and width.

    "Zoë Müller" and "ZOE MULLER" give the same, "Łukasz Ørsted" and "lukasz orsted" too. Vowel
    signs of scripts that write vowels so, and voicing marks of Japan, stay: they are letters.
    """
    if text.isascii():
        return " ".join(text.lower().translate(_STROKES).split())
    plain = unicodedata.normalize("NFKD", text).casefold().translate(_STROKES)
    # casefold may bring new accents, as of İ
    letters = "".join(c for c in unicodedata.normalize("NFKD", plain) if not _is_extra(c))
    return " ".join(unicodedata.normalize("NFC", letters).split())


def _is_extra(char: str) -> bool:
    """Return whether it is an accent above or below, a Hebrew or Arabic point, or invisible."""
    order = unicodedata.combining(char)
    if order:
        return 10 <= order <= 36 or order == 1 or 200 <= order <= 240
    return unicodedata.category(char) == "Cf" or char in _JOINERS or "\ufe00" <= char <= "\ufe0f"
