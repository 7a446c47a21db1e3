"""Names that people give themselves, made harmless to read beside others."""

import unicodedata

GRAPHEMES_MAX = 40
MARKS_MAX = 3
"""The number of combining marks kept on one letter; more is drawing, not writing."""

CLUSTER_MAX = 12
"""The number of code points of one grapheme; the longest emoji families have ten."""

JOINER = "\u200d"

BLANKS = "\u115f\u1160\u2800\u3164\uffa0"
"""The characters that Unicode calls letters or signs, and that show nothing."""

_AS_EMOJI = "\ufe0f"
_VIRAMA = 9
"""The canonical class of the sign that ties two letters in scripts of India."""

COLONS = frozenset(
    ":\u02d0\u02f8\u0589\u05c3\u1365\u16ec\u205a\u2236\ua789\ufe13\ufe30\ufe55\uff1a\u2a74"
)
"""The characters that read as a colon."""


def clean_name(text: str) -> str:
    """Return the name in NFC, without controls, bidi marks and piles of accents.

    At most 40 graphemes; empty when nothing readable is left.
    """
    kept = "".join(c for c in text[:2000] if c == JOINER or not _is_invisible(c))
    letters = unicodedata.normalize("NFC", " ".join(kept.split()))
    short = "".join(clusters_of(letters)[:GRAPHEMES_MAX])
    words = " ".join(filter(None, map(_word, short.split())))
    name = unicodedata.normalize("NFC", words)
    return name if any(unicodedata.category(c)[0] in "LNSP" for c in name) else ""


def account_name(name: object, user: str) -> str:
    """Return an account's display name, made harmless; without one, the localpart."""
    cleaned = clean_name(name) if isinstance(name, str) else ""
    return cleaned or clean_name(user.removeprefix("@").partition(":")[0]) or user[:40]


def before_a_colon(name: str) -> str:
    """Return the name on one line and without colons, for texts such as "NAME: words".

    Somebody called "Ada: I resign. Ben" would otherwise put words into Ada's mouth.
    """
    return " ".join("".join(" " if c in COLONS else c for c in name).split())


def _word(text: str) -> str:
    """Return the word without marks that would sit on what is before it, and idle joiners."""
    begins = next((at for at, c in enumerate(text) if not _rides(c)), len(text))
    word = text[begins:]
    return "".join(c for at, c in enumerate(word) if c != JOINER or _joins(word, at))


def _rides(char: str) -> bool:
    return char == JOINER or unicodedata.category(char) in ("Mn", "Me", "Mc")


def _joins(word: str, at: int) -> bool:
    """Return whether the joiner makes one picture of two emoji, or ties two letters of India."""
    before, after = word[at - 1], word[at + 1 : at + 2]
    if unicodedata.combining(before) == _VIRAMA:
        return True
    pictures = before == _AS_EMOJI or unicodedata.category(before) in ("So", "Sk")
    return pictures and after != "" and unicodedata.category(after) == "So"


def _is_invisible(char: str) -> bool:
    if char in BLANKS:
        return True
    category = unicodedata.category(char)
    # white space may stay: it is folded into single blanks afterwards
    return category in ("Cf", "Co", "Cs", "Cn") or (category == "Cc" and not char.isspace())


def clusters_of(text: str) -> list[str]:
    """Return the text's grapheme clusters, close enough to UAX 29 for a limit of length."""
    clusters: list[str] = []
    for char in text:
        if clusters and _continues(clusters[-1], char):
            if _has_room(clusters[-1], char):
                clusters[-1] += char
        elif char != JOINER:
            clusters.append(char)
    return clusters


def _continues(cluster: str, char: str) -> bool:
    if unicodedata.category(char) in ("Mn", "Me", "Mc") or char == JOINER:
        return True
    if "\U0001f3fb" <= char <= "\U0001f3ff":  # skin tones
        return True
    if cluster.endswith(JOINER):
        return unicodedata.category(char) == "So"
    flags = "\U0001f1e6" <= char <= "\U0001f1ff" and "\U0001f1e6" <= cluster <= "\U0001f1ff"
    return flags and len(cluster) == 1


def _has_room(cluster: str, char: str) -> bool:
    is_mark = unicodedata.category(char) in ("Mn", "Me")
    return len(cluster) < CLUSTER_MAX and not (is_mark and _marks(cluster) >= MARKS_MAX)


def _marks(cluster: str) -> int:
    return sum(unicodedata.category(c) in ("Mn", "Me") for c in cluster)
