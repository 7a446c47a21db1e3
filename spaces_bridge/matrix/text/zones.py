"""Time zones as people write them: `Europe/Berlin`, `UTC`, `+01:00`."""

import difflib
import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from functools import cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from spaces_bridge.core.errors import Rejected
from spaces_bridge.matrix.text import zone_names

REGIONS = (
    "Africa|America|Antarctica|Arctic|Asia|Atlantic|Australia|Brazil|Canada|Chile|Etc|Europe"
    "|Indian|Mexico|Pacific|US"
)
"""Beginnings of the tz database's names, so that `and/or` is no time zone."""

ZONE_PATTERN = (
    rf"(?:(?:{REGIONS})(?:/[A-Za-z0-9_+-]{{1,32}}){{1,2}}"
    r"|(?:UTC|GMT)?\s?[+\u2212-]\d{1,2}(?::?\d{2})?"
    rf"|UTC|GMT|Z|{zone_names.pattern()})"
)
"""The pattern of a time zone, known or not; for case-insensitive matching."""

_OFFSET = re.compile(r"(?:UTC|GMT)?\s?([+\u2212-])(\d{1,2})(?::?(\d{2}))?", re.IGNORECASE)
_MOST_OFFSET = timedelta(hours=14)


def zone_named(name: str) -> tzinfo:
    """Return the zone of that name or offset. Raises Rejected `bad_time`."""
    if name.upper() in ("UTC", "GMT", "Z"):
        return UTC
    if offset := _OFFSET.fullmatch(name):
        return _fixed(name, offset)
    if "/" in name:
        return _of_database(name)
    return _of_common_name(zone_names.bare_name(name), name)


def is_local(name: str) -> bool:
    """Return whether the name says "where I am"."""
    return zone_names.bare_name(name).upper() == zone_names.LOCAL


def refuse_out_of_season(name: str, at: datetime) -> None:
    """Raise Rejected `bad_time` for a name that does not hold on that day.

    Of `CET` in July nobody knows which hour is meant.
    """
    short = zone_names.bare_name(name).upper()
    if short not in zone_names.SEASONAL:
        return
    zone, minutes = zone_names.SEASONAL[short]
    written = timezone(timedelta(minutes=minutes))
    if at.astimezone(_of_database(zone)).utcoffset() != written.utcoffset(at):
        shown = f"{at.astimezone(written):%z}"
        raise Rejected(
            "bad_time",
            f"On that day the clocks of `{zone}` do not show {short}: write `{zone}` for what they"
            f" show, or `{shown[:3]}:{shown[3:]}` for {short}.",
        )


def _of_common_name(short: str, name: str) -> tzinfo:
    if short.upper() in zone_names.AMBIGUOUS:
        *most, last = (f"`{zone}`" for zone in zone_names.AMBIGUOUS[short.upper()])
        raise Rejected(
            "bad_time",
            f"`{name}` can mean more than one time: write {', '.join(most)} or {last}, or an"
            " offset such as `+01:00`.",
        )
    if short.upper() in zone_names.SEASONAL:
        return _of_database(zone_names.SEASONAL[short.upper()][0])
    known = zone_names.COMMON.get(short.upper()) or zone_names.cities().get(short)
    return _of_database(known or name)


def zone_label(zone: tzinfo, at: datetime) -> str:
    """Return the zone's name for people; `zone_named` can read it back."""
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
    """Return the names by their small letters.

    This reads the system's whole table: it takes 0.1 s, so it is done once.
    """
    return {name.lower(): name for name in sorted(available_timezones())}
