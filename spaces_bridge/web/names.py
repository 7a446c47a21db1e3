"""Names that guests give themselves, made harmless to read beside others."""

import unicodedata

GRAPHEMES_MAX = 40
MARKS_MAX = 3
"""Combining marks kept on one letter; more is drawing, not writing."""

JOINER = "\u200d"
GUEST = "(guest)"


def clean_name(text: str) -> str:
    """The name in NFC, without controls, bidi marks and piles of accents, at most 40 graphemes.

    Empty when nothing readable is left.
    """
    letters = unicodedata.normalize("NFC", text[:2000])
    kept = "".join(c for c in letters if c == JOINER or not _is_invisible(c))
    clusters = _clusters(" ".join(kept.split()))
    name = "".join(clusters[:GRAPHEMES_MAX]).strip()
    return name if any(unicodedata.category(c)[0] in "LNSP" for c in name) else ""


def shown_name(name: str, user: str, *, guest: bool) -> str:
    """A name as others see it: guests are marked, the nameless go by their id."""
    if not guest:
        return name or user
    return name if name.endswith(GUEST) else f"{name or 'Guest'} {GUEST}"


def _is_invisible(char: str) -> bool:
    category = unicodedata.category(char)
    # white space may stay: it is folded into single blanks afterwards
    return category in ("Cf", "Co", "Cs", "Cn") or (category == "Cc" and not char.isspace())


def _clusters(text: str) -> list[str]:
    """Letters with what belongs to them, close enough to UAX 29 for a limit of length."""
    clusters: list[str] = []
    for char in text:
        if clusters and _continues(clusters[-1], char):
            if unicodedata.category(char) not in ("Mn", "Me") or _marks(clusters[-1]) < MARKS_MAX:
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


def _marks(cluster: str) -> int:
    return sum(unicodedata.category(c) in ("Mn", "Me") for c in cluster)
