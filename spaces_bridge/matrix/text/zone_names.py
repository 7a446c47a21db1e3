"""Time zones by the names that people have for them: `CET`, `Eastern`, `Berlin`. Pure."""

import re
import unicodedata
from collections.abc import Mapping
from functools import cache
from zoneinfo import available_timezones

from babel import Locale

from spaces_bridge.core.text.folding import folded

LANGUAGES = ("de", "es", "fr")
"""Languages in which cities may be named, besides English: Wien, Londres."""

_SHORT = {
    "ACDT": ("Australia/Adelaide", 630), "ACST": ("Australia/Adelaide", 570),
    "AEDT": ("Australia/Sydney", 660), "AEST": ("Australia/Sydney", 600),
    "AKDT": ("America/Anchorage", -480), "AKST": ("America/Anchorage", -540),
    "AWST": ("Australia/Perth", 480), "BRT": ("America/Sao_Paulo", -180),
    "CAT": ("Africa/Maputo", 120), "CDT": ("America/Chicago", -300),
    "CEST": ("Europe/Berlin", 120), "CET": ("Europe/Berlin", 60),
    "EAT": ("Africa/Nairobi", 180), "EDT": ("America/New_York", -240),
    "EEST": ("Europe/Helsinki", 180), "EET": ("Europe/Helsinki", 120),
    "EST": ("America/New_York", -300), "HKT": ("Asia/Hong_Kong", 480),
    "HST": ("Pacific/Honolulu", -600), "JST": ("Asia/Tokyo", 540), "KST": ("Asia/Seoul", 540),
    "MDT": ("America/Denver", -360), "MESZ": ("Europe/Berlin", 120), "MEZ": ("Europe/Berlin", 60),
    "MSK": ("Europe/Moscow", 180), "MST": ("America/Denver", -420),
    "NZDT": ("Pacific/Auckland", 780), "NZST": ("Pacific/Auckland", 720),
    "PDT": ("America/Los_Angeles", -420), "PKT": ("Asia/Karachi", 300),
    "PST": ("America/Los_Angeles", -480), "SAST": ("Africa/Johannesburg", 120),
    "SGT": ("Asia/Singapore", 480), "WAT": ("Africa/Lagos", 60), "WEST": ("Europe/Lisbon", 60),
    "WET": ("Europe/Lisbon", 0), "WIB": ("Asia/Jakarta", 420),
}  # fmt: skip
_LONG = {
    "EASTERN STANDARD": "EST", "EASTERN DAYLIGHT": "EDT",
    "CENTRAL DAYLIGHT": "CDT",
    "MOUNTAIN STANDARD": "MST", "MOUNTAIN DAYLIGHT": "MDT",
    "PACIFIC STANDARD": "PST", "PACIFIC DAYLIGHT": "PDT",
    "CENTRAL EUROPEAN SUMMER": "CEST", "EASTERN EUROPEAN SUMMER": "EEST",
}  # fmt: skip
SEASONAL: Mapping[str, tuple[str, int]] = _SHORT | {
    name: _SHORT[short] for name, short in _LONG.items()
}
"""Abbreviations -> the zone, and minutes from UTC: people write the winter's name in summer."""

AMBIGUOUS: Mapping[str, tuple[str, ...]] = {
    "AST": ("America/Halifax", "Asia/Riyadh"),
    "BST": ("Europe/London", "Asia/Dhaka"),
    "CENTRAL": ("America/Chicago", "Europe/Berlin"),
    "CST": ("America/Chicago", "Asia/Shanghai", "America/Havana"),
    "CT": ("America/Chicago", "Europe/Berlin"),
    "IST": ("Asia/Kolkata", "Europe/Dublin", "Asia/Jerusalem"),
}
"""Names that mean several zones in use; they are refused with the choice."""

COMMON: Mapping[str, str] = {
    "ET": "America/New_York",
    "EASTERN": "America/New_York",
    "MT": "America/Denver",
    "MOUNTAIN": "America/Denver",
    "PT": "America/Los_Angeles",
    "PACIFIC": "America/Los_Angeles",
    "CENTRAL EUROPEAN": "Europe/Berlin",
    "EASTERN EUROPEAN": "Europe/Helsinki",
    "WESTERN EUROPEAN": "Europe/Lisbon",
}
"""Names that mean one zone in summer and winter."""

LOCAL = "LOCAL"
"""The name of the zone in which the writer is."""

_REGIONS = ("Africa", "America", "Antarctica", "Asia", "Atlantic", "Australia", "Europe")
_OCEANS = ("Indian", "Pacific")
_NO_CITIES = frozenset({"act", "lhi", "nsw", "north", "south", "west", "center"})


@cache
def cities() -> Mapping[str, str]:
    """Return the zones by the folded names of their cities.

    Of several zones of a city, the one with the shortest name counts.
    """
    found = dict[str, str]()
    for zone in sorted(available_timezones(), key=lambda name: (len(name), name), reverse=True):
        region, _, city = zone.partition("/")
        name = folded(city.rpartition("/")[2].replace("_", " "))
        if region in (*_REGIONS, *_OCEANS) and name not in _NO_CITIES:
            found[name] = zone
    for language in LANGUAGES:
        for zone, names in Locale(language).time_zones.items():
            if zone in available_timezones() and "city" in names:
                found.setdefault(folded(names["city"]), zone)
    return found


@cache
def pattern() -> str:
    """Return a pattern of all these names, in text without accents, for `re.VERBOSE`."""
    names = {*SEASONAL, *AMBIGUOUS, *COMMON, LOCAL, *cities(), *map(_unaccented, cities())}
    longest_first = sorted(names, key=lambda name: (-len(name), name))
    known = "|".join(re.escape(name).replace(r"\ ", r"\s+") for name in longest_first)
    return (
        rf"(?:(?:in|en)\s+)?(?P<place>{known})"
        r"(?:\s+(?:time|zeit))?"
    )


def bare_name(text: str) -> str:
    """Return the name to look up, folded: `berlin` of "in Berlin time"."""
    found = re.fullmatch(pattern(), text, re.IGNORECASE)
    return folded(found["place"]) if found else folded(text)


def _unaccented(text: str) -> str:
    letters = unicodedata.normalize("NFD", text)
    return "".join(c for c in letters if unicodedata.category(c) != "Mn")
