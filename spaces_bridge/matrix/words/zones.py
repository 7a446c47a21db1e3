"""Time zones as people write them: ``Europe/Berlin``, ``UTC``, ``+01:00``."""

import difflib
import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from functools import cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from spaces_bridge.core.errors import Rejected

REGIONS = (
    "Africa|America|Antarctica|Arctic|Asia|Atlantic|Australia|Brazil|Canada|Chile|Etc|Europe"
    "|Indian|Mexico|Pacific|US"
)
"""What the tz database's names begin with, so that ``and/or`` is no time zone."""

ABBREVIATIONS = (
    "ACDT|ACST|AEDT|AEST|AKDT|AKST|AST|AWST|BRT|BST|CAT|CDT|CEST|CET|CST|EAT|EDT|EEST|EET|EST|HKT"
    "|HST|IST|JST|KST|MDT|MESZ|MEZ|MSK|MST|NZDT|NZST|PDT|PKT|PST|SAST|SGT|WAT|WEST|WET|WIB"
)
"""Known, and refused: most mean two zones, and people write the winter's name in summer."""

ZONE_PATTERN = (
    rf"(?:(?:{REGIONS})(?:/[A-Za-z0-9_+-]{{1,32}}){{1,2}}"
    r"|(?:UTC|GMT)?\s?[+\u2212-]\d{1,2}(?::?\d{2})?"
    rf"|UTC|GMT|Z|(?-i:{ABBREVIATIONS}))"
)
"""What looks like a time zone, known or not; for case-insensitive matching."""

_OFFSET = re.compile(r"(?:UTC|GMT)?\s?([+\u2212-])(\d{1,2})(?::?(\d{2}))?", re.IGNORECASE)
_MOST_OFFSET = timedelta(hours=14)


def zone_named(name: str) -> tzinfo:
    """The zone of that name or offset. Raises Rejected ``bad_time``."""
    if name.upper() in ("UTC", "GMT", "Z"):
        return UTC
    if offset := _OFFSET.fullmatch(name):
        return _fixed(name, offset)
    if "/" not in name:
        raise Rejected(
            "bad_time",
            f"`{name}` can mean more than one time: write a city such as `Europe/Berlin`, or an"
            " offset such as `+01:00`.",
        )
    return _of_database(name)


def zone_label(zone: tzinfo, at: datetime) -> str:
    """The zone's name for people; it can be read back by ``zone_named``."""
    name = getattr(zone, "key", None) or zone.tzname(at) or ""
    plain = ("", "Z", "GMT", "UCT", "Zulu", "Etc/UTC", "Etc/GMT", "Etc/UCT", "UTC+00:00")
    return "UTC" if name in plain else name


def _fixed(name: str, offset: re.Match[str]) -> tzinfo:
    sign, hours, minutes = offset.groups(default="0")
    amount = timedelta(hours=int(hours), minutes=int(minutes))
    if amount > _MOST_OFFSET or int(minutes) >= 60:
        raise Rejected(
            "bad_time",
            f"There is no time zone `{name.strip()}`: offsets go from `-12:00` to `+14:00`.",
        )
    return timezone(amount if sign == "+" else -amount)


def _of_database(name: str) -> tzinfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return _of_another_spelling(name)


def _of_another_spelling(name: str) -> tzinfo:
    known = _spellings()
    if not known:
        raise Rejected(
            "bad_time",
            "This server has no table of time zones: write an offset from UTC instead, such as"
            " `19:00 +01:00`.",
        )
    if name.lower() in known:
        return ZoneInfo(known[name.lower()])
    close = difflib.get_close_matches(name.lower(), known, n=1, cutoff=0.75)
    hint = known[close[0]] if close else "Europe/Berlin"
    raise Rejected(
        "bad_time",
        f"I do not know the time zone `{name}`: write it like `{hint}`, or an offset such as"
        " `+01:00`.",
    )


@cache
def _spellings() -> dict[str, str]:
    """Small letters -> the name. Reads the system's whole table: 0.1 s, so once."""
    return {name.lower(): name for name in sorted(available_timezones())}
