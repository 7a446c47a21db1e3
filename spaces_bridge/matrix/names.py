"""Display names made harmless to read beside others."""

import re
import unicodedata

LENGTH_MAX = 40
JOINER = "\u200d"
_PILED_MARKS = re.compile(
    r"([\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u20d0-\u20ff]{3})[\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u20d0-\u20ff]+"
)


def tidy(name: object, user: str) -> str:
    """A name in NFC, without controls and bidi marks, at most 40 letters; else the localpart."""
    text = unicodedata.normalize("NFC", name[:2000]) if isinstance(name, str) else ""
    kept = "".join(c if not c.isspace() else " " for c in text if c == JOINER or _visible(c))
    short = _PILED_MARKS.sub(r"\1", " ".join(kept.split()))[:LENGTH_MAX].strip(f" {JOINER}")
    return short or user.removeprefix("@").partition(":")[0][:LENGTH_MAX]


def _visible(char: str) -> bool:
    return char.isspace() or unicodedata.category(char) not in ("Cc", "Cf", "Co", "Cs", "Cn")
