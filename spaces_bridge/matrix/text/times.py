"""Written times turned into moments, and moments as people read them. Pure.

A moment is integer Unix milliseconds. A text that is no time, or could be two, is refused with
one sentence that says what to write instead: `Rejected` with the code `bad_time`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from spaces_bridge.core.errors import Rejected
from spaces_bridge.core.text.dates import MONTHS, WEEKDAYS, shown_day, shown_moment
from spaces_bridge.matrix.text.time_forms import TEXT_MAX, read
from spaces_bridge.matrix.text.written_time import Written, WrittenClock, WrittenDate
from spaces_bridge.matrix.text.zones import (
    is_local,
    refuse_out_of_season,
    zone_label,
    zone_named,
)

DAYS_AHEAD_MAX = 366
WORDS_MAX = 14
"""The words of the longest time.

It is `on Tue the 1st of December 2026 at 7:30 pm Central European Summer Time`.
"""

MINUTE_MS = 60_000
DAY_MS = 1440 * MINUTE_MS
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def parse_time(text: str, now_ms: int, zone: tzinfo) -> int:
    """Return the moment that the whole text names, always one to come.

    `zone` is the writer's time zone, which counts unless the text names another one. Raises
    Rejected `bad_time`.
    """
    written = read(text)
    if written is None:
        raise _unclear(text, now_ms, zone)
    return _moment(written, now_ms, zone)


def take_time(words: Sequence[str], now_ms: int, zone: tzinfo) -> tuple[int, int]:
    """Return the moment that the first words name, and how many they are.

    They are as many as have the form of a time. Raises Rejected `bad_time`.
    """
    for count in range(min(WORDS_MAX, len(words)), 0, -1):
        written = read(" ".join(words[:count]))
        if written is not None:
            return _moment(written, now_ms, zone), count
    raise _unclear(" ".join(words[:3]), now_ms, zone)


def shown_time(ms: int, zone: tzinfo) -> str:
    """Return the moment for people: `Tue 1 December 2026, 19:00 Europe/Berlin`.

    The text can be read back.
    """
    at = _local(ms, zone)
    # when the clocks go back, the zone's name does not say which of the two hours it is
    label = _offset(at) if _comes_twice(at) else zone_label(zone, at)
    return shown_moment(at, label)


# --- from words to a moment ----------------------------------------------------------------------


def _moment(written: Written, now_ms: int, zone: tzinfo) -> int:
    if written.doubt:
        raise Rejected("bad_time", written.doubt)
    if written.zone and not is_local(written.zone.strip()):
        zone = zone_named(written.zone.strip())
    moment_ms = _moment_in(written, now_ms, zone)
    refuse_out_of_season(written.zone.strip(), _local(moment_ms, UTC))
    return moment_ms


def _moment_in(written: Written, now_ms: int, zone: tzinfo) -> int:
    if written.minutes is not None:
        return _minutes_from_now(written.minutes, now_ms)
    if written.clock is not None:
        moment_ms = _on_a_day(written, _clock(written.clock), now_ms, zone)
    elif written.at_this_hour:
        moment_ms = _days_from_now(written.days or 0, now_ms, zone)
    else:
        raise Rejected("bad_time", "Name the hour too, such as `tomorrow 19:00` or `friday 7pm`.")
    return _near(moment_ms, now_ms)


def _minutes_from_now(minutes: float, now_ms: int) -> int:
    if minutes <= 0:
        raise Rejected("bad_time", "Name a time to come, such as `in 30 minutes`.")
    return _near(_whole_minute(now_ms + round(minutes * MINUTE_MS)), now_ms)


def _days_from_now(days: int, now_ms: int, zone: tzinfo) -> int:
    # the same hour on the clock, also where the clocks change in between
    at = _local(now_ms, zone) + timedelta(days=min(days, 2 * DAYS_AHEAD_MAX))
    return _whole_minute(_ms(at))


def _on_a_day(written: Written, clock: time, now_ms: int, zone: tzinfo) -> int:
    """Return the next such moment. Raises Rejected `bad_time`."""
    moment_ms = now_ms
    for day in _days(written, _local(now_ms, zone).date()):
        at = datetime.combine(day, clock, zone)
        # of an hour that comes twice or never, take the later reading
        moment_ms = max(_ms(at), _ms(at.replace(fold=1)))
        if moment_ms > now_ms:
            _check_weekday(written, at)
            _check_once(at)
            return moment_ms
    raise Rejected(
        "bad_time",
        f"{shown_time(moment_ms, zone)} is in the past: name a time to come, such as"
        " `tomorrow 19:00`.",
    )


def _days(written: Written, today: date) -> Iterable[date]:
    """Return the days that may be meant, the nearest first. Raises Rejected `bad_time`."""
    if written.date is not None:
        return _dates(written.date, today)
    if written.weekday is not None:
        ahead = (written.weekday - today.weekday()) % 7
        return (today + timedelta(days=days) for days in (ahead, ahead + 7))
    if written.days is not None:
        return [today + timedelta(days=min(written.days, 2 * DAYS_AHEAD_MAX))]
    return (today + timedelta(days=days) for days in (0, 1))


def _dates(written: WrittenDate, today: date) -> list[date]:
    if written.year is not None and written.year < today.year:
        raise Rejected("bad_time", f"{written} is in the past: name a day to come.")
    if written.year is not None and written.year > today.year + 2:
        raise _too_far()
    years = [today.year, today.year + 1] if written.year is None else [written.year]
    days = [day for year in years if (day := _date(year, written)) is not None]
    if not days:
        named, when = replace(written, year=None), " or ".join(map(str, years))
        raise Rejected("bad_time", f"There is no {named} in {when}: write a day that exists.")
    return days


def _date(year: int, written: WrittenDate) -> date | None:
    try:
        return date(year, written.month, written.day)
    except ValueError:
        return None


def _clock(written: WrittenClock) -> time:
    hour = written.hour
    if written.half:
        if not 1 <= hour <= 12:
            raise Rejected(
                "bad_time",
                f"There is no `{hour}{written.half}m`: hours go from `1am` to `12pm`, or from"
                " `00:00` to `23:59`.",
            )
        hour = hour % 12 + (12 if written.half == "p" else 0)
    try:
        return time(hour, written.minute, written.second)
    except ValueError:
        shown = f"{hour:02}:{written.minute:02}" + (f":{s:02}" if (s := written.second) else "")
        raise Rejected(
            "bad_time", f"There is no `{shown}` on a clock: hours go from `00:00` to `23:59`."
        ) from None


# --- what cannot be meant ------------------------------------------------------------------------


def _check_weekday(written: Written, at: datetime) -> None:
    if written.weekday is not None and at.weekday() != written.weekday:
        raise Rejected(
            "bad_time",
            f"{at.day} {MONTHS[at.month - 1]} {at.year} is a {WEEKDAYS[at.weekday()]}, not a"
            f" {WEEKDAYS[written.weekday]}: leave one of them out.",
        )


def _check_once(at: datetime) -> None:
    """Raise Rejected for an hour that does not come just once.

    Where clocks change, an hour is left out in spring and comes twice in autumn.
    """
    label = zone_label(at.tzinfo or UTC, at)
    later = at.astimezone(UTC).astimezone(at.tzinfo)
    if later.replace(tzinfo=None) != at.replace(tzinfo=None):
        raise Rejected(
            "bad_time",
            f"The clocks in {label} go forward on {shown_day(at)}, and leave {at:%H:%M} out:"
            f" write `{later:%Y-%m-%d %H:%M} {_offset(later)}`.",
        )
    if _comes_twice(at):
        first, second = (_offset(at.replace(fold=fold)) for fold in (0, 1))
        day = f"{at:%Y-%m-%d %H:%M}"
        raise Rejected(
            "bad_time",
            f"The clocks in {label} go back on {shown_day(at)}, and {at:%H:%M} comes twice: write"
            f" `{day} {first}` or `{day} {second}`.",
        )


def _near(moment_ms: int, now_ms: int) -> int:
    if moment_ms > now_ms + DAYS_AHEAD_MAX * DAY_MS:
        raise _too_far()
    return moment_ms


def _too_far() -> Rejected:
    return Rejected(
        "bad_time", f"That is too far ahead: name a time within the next {DAYS_AHEAD_MAX} days."
    )


def _unclear(text: str, now_ms: int, zone: tzinfo) -> Rejected:
    understood, strange = _reading(text)
    day = _local(now_ms + 7 * DAY_MS, zone)
    examples = (
        f"`{day:%Y-%m-%d} 19:00`, `tomorrow 7pm`, `friday 20:00 Europe/Berlin` or `in 2 hours`"
    )
    plain = "".join(c for c in " ".join(text.split()) if c.isprintable()).replace("`", "'")
    if not plain:
        return Rejected("bad_time", f"Name a time: write it like {examples}.")
    if understood:
        read_as = f"I read `{_short(understood)}`, but not `{_short(strange)}`"
        return Rejected("bad_time", f"{read_as}: write the time alone, like {examples}.")
    shown = _short(plain)
    return Rejected("bad_time", f"I cannot read `{shown}` as a time: write it like {examples}.")


def _reading(text: str) -> tuple[str, str]:
    """Return the longest beginning, or else end, that is a time, and the rest of the text."""
    words = text[:TEXT_MAX].split()
    for count in range(len(words) - 1, 0, -1):
        for these, others in ((words[:count], words[count:]), (words[-count:], words[:-count])):
            if read(" ".join(these)) is not None:
                return " ".join(these), " ".join(others)
    return "", text


def _short(text: str) -> str:
    plain = "".join(c for c in " ".join(text.split()) if c.isprintable()).replace("`", "'")
    return plain if len(plain) <= 40 else f"{plain[:39]}…"


# --- the calendar --------------------------------------------------------------------------------


def _local(ms: int, zone: tzinfo) -> datetime:
    return (_EPOCH + timedelta(milliseconds=ms)).astimezone(zone)


def _ms(at: datetime) -> int:
    return (at.astimezone(UTC) - _EPOCH) // timedelta(milliseconds=1)


def _whole_minute(ms: int) -> int:
    """Round up to a minute: the minute that people are shown is then the very moment."""
    return -(-ms // MINUTE_MS) * MINUTE_MS


def _comes_twice(at: datetime) -> bool:
    first, second = (at.replace(fold=fold).utcoffset() for fold in (0, 1))
    return first is not None and second is not None and first > second


def _offset(at: datetime) -> str:
    return f"{at:%z}"[:3] + ":" + f"{at:%z}"[3:5]
