"""Words for days, months and hours in German, Spanish and French, put in English. Pure.

Accents are left out on both sides: `miércoles` and `miercoles` are the same.
"""

import re
import unicodedata
from collections.abc import Iterator

from spaces_bridge.core.text.dates import MONTHS, WEEKDAYS

_DAYS = (
    "montag dienstag mittwoch donnerstag freitag samstag sonntag",
    "lunes martes miercoles jueves viernes sabado domingo",
    "lundi mardi mercredi jeudi vendredi samedi dimanche",
)
_MONTHS = (
    "januar februar marz april mai juni juli august september oktober november dezember",
    "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre",
    "janvier fevrier mars avril mai juin juillet aout septembre octobre novembre decembre",
)
_OTHERS = {
    "today": "heute abend|heute|hoy|esta noche|esta tarde|aujourd'hui|ce soir",
    "in 2 days": "ubermorgen|pasado manana|apres-demain",
    "tomorrow": "morgen abend|morgen|manana|demain soir|demain",
    "saturday": "sonnabend",
    "january": "janner",
    "september": "setiembre",
    "noon": "12(?::00)? noon|midday|mittags?|mediodia|midi",
    "midnight": "mitternachts?|medianoche|minuit",
    "local time": "ortszeit|lokalzeit|hora local|heure locale|my time|meine zeit|mi hora",
    "hours": "stunden?|horas?|heures?",
    "minutes": "minuten|minutos?",
    "days": "tagen?|tage|dias?|jours?",
    "weeks": "wochen?|semanas?|semaines?",
    "half an": "einer halben|media",
    "an": "einer|einem|eine|einen|una|une|un",
    "in": "dans",
    "of": "de(?= (?:%(months)s))",
}
_SHAPES = (
    # these come before the words: only their neighbours make clear what they mean
    (r"\ben(?= (?:\d|un|media))", "in"),
    (r"\bune demi-heure\b", "half an hour"),
    (r"\b(?:hora|heure) d[eu](?= [a-z])", "in"),
    (r"\b(?:um|gegen|a las|a la|a les|vers)(?= \d)", "at"),
    (r"(?<!\bin )(?<!\bhalf )\ba(?= (?:\d|mi[dn]|medi[ao]))", "at"),
    (r"(?<!\d )(?<!\d)\bam(?= (?:%(days)s|\d{1,2}\.))", "on"),
    (r"\b(?:den|el|le)(?= (?:%(days)s|\d))", "on"),
    (r"\bde (?=\d{4}\b)", ""),
    (r"\b1er(?= )", "1"),
    (r"(?<=\d)(?: heures?| horas?| uhr|h)? (?:de la (?:tarde|noche)|du soir|abends|nachmittags)\b",
     " pm"),
    (r"(?<=\d)(?: heures?| horas?| uhr|h)? (?:de la manana|du matin|morgens)\b", " am"),
    (r"(?<=\d) ?o'? ?clock\b", ""),
    (r"\b([a-z]+)er zeit\b", r"\1 time"),
)  # fmt: skip


def in_english(text: str) -> str:
    """Return the text with its words for time in English; all others stay, without accents."""
    plain = unicodedata.normalize("NFD", text.replace("’", "'"))
    plain = "".join(c for c in plain if unicodedata.category(c) != "Mn")
    for shape, word in _PATTERNS:
        plain = shape.sub(word, plain)
    return " ".join(plain.split())


def _words() -> Iterator[tuple[str, str]]:
    for names in _DAYS:
        yield from zip(names.split(), WEEKDAYS, strict=True)
    for names in _MONTHS:
        yield from zip(names.split(), MONTHS, strict=True)


def _patterns() -> Iterator[tuple[re.Pattern[str], str]]:
    lists = {
        "days": "|".join(" ".join(_DAYS).split()),
        "months": "|".join(" ".join(_MONTHS).split()),
    }
    flags = re.IGNORECASE | re.ASCII
    for shape, word in _SHAPES:
        yield re.compile(shape % lists, flags), word
    for word, others in _OTHERS.items():
        yield re.compile(rf"(?<![\w/])(?:{others % lists})(?![\w/])", flags), word
    for other, word in _words():
        yield re.compile(rf"(?<![\w/]){other}(?![\w/])", flags), word


_PATTERNS = tuple(_patterns())
