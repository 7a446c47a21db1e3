"""Messages that people write, made harmless to show beside those of others."""

import unicodedata

from spaces_bridge.core.text.names import JOINER, clusters_of

TEXT_MAX = 2000
"""The number of characters of one message."""

_NON_JOINER = "\u200c"
"""The non-joiner separates letters in Persian and in Indian languages; it hides nothing."""


def clean_text(text: str) -> str:
    """Return plain text in NFC with its lines, without other controls, bidi marks, piled accents.

    Longer texts end with "…" after 2,000 characters. Empty when nothing readable is left.
    """
    letters = unicodedata.normalize("NFC", text[: 4 * TEXT_MAX])
    lines: list[str] = []
    for line in map(_clean_line, letters.splitlines()):
        if line or (lines and lines[-1]):  # one empty line at a time, none at the beginning
            lines.append(line)
    cleaned = "\n".join(lines).strip()
    readable = any(unicodedata.category(c)[0] in "LNSP" for c in cleaned)
    return _cut(cleaned) if readable else ""


def _clean_line(line: str) -> str:
    kept = "".join(" " if c.isspace() else c for c in line if not _is_hidden(c))
    return "".join(clusters_of(kept)).rstrip()


def _is_hidden(char: str) -> bool:
    if char in (JOINER, _NON_JOINER) or char.isspace():
        return False
    # an unassigned code point may be tomorrow's emoji; a noncharacter never is
    never = (ord(char) & 0xFFFE) == 0xFFFE or "\ufdd0" <= char <= "\ufdef"
    return never or unicodedata.category(char) in ("Cc", "Cf", "Co", "Cs")


def _cut(text: str) -> str:
    if len(text) <= TEXT_MAX:
        return text
    kept, length = list[str](), 0
    for cluster in clusters_of(text):
        length += len(cluster)
        if length >= TEXT_MAX:
            break
        kept.append(cluster)
    return "".join(kept).rstrip() + "…"
