"""The forms of a written time: what its words say, not yet which moment. Pure, no clock."""

import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import fields, replace

from spaces_bridge.core.text.dates import MONTHS, WEEKDAYS
from spaces_bridge.matrix.text.time_words import in_english
from spaces_bridge.matrix.text.written_time import (
    Written,
    WrittenClock,
    WrittenDate,
)
from spaces_bridge.matrix.text.zones import ZONE_PATTERN

TEXT_MAX = 100

NOTHING = Written()
_BRACKETS = str.maketrans("()[]", "    ")


def read(text: str) -> Written | None:
    """Return what the text says when the whole of it has the form of a time, else None."""
    if len(text) > TEXT_MAX:
        return None
    # full-width signs, blanks that do not break and every script's digits become plain ones
    folded = " ".join(unicodedata.normalize("NFKC", text).split()).rstrip(" ,;.!")
    digits = "".join(str(unicodedata.decimal(c)) if c.isdecimal() else c for c in folded)
    plain = in_english(digits.translate(_BRACKETS)).rstrip(" ,;.!")
    return _from_now(plain) or _day_and_hour(plain)


# --- in 2 hours ----------------------------------------------------------------------------------

# without ASCII, i would match letters of Turkish, too
_FLAGS = re.IGNORECASE | re.ASCII
_MINUTES: Mapping[str, int] = {"m": 1, "h": 60, "d": 1440, "w": 10080}
_BEGIN = re.compile(r"(?:in\s+|\+\s*)(?=\d|an?\s|half\s)", _FLAGS)
_AMOUNT = re.compile(
    r"(?:,\s*|and\s+)?(?P<number>\d{1,6}(?:[.,]\d{1,2})?|half\s+an?|an?)\s*"
    r"(?P<unit>minutes?|mins?|m|hours?|hrs?|h|days?|d|weeks?|w)(?![a-z])\s*",
    _FLAGS,
)


def _from_now(text: str) -> Written | None:
    begin = _BEGIN.match(text)
    if begin is None:
        return None
    at, minutes, units = begin.end(), 0.0, ""
    while at < len(text):
        amount = _AMOUNT.match(text, at)
        if amount is None:
            return None
        unit = amount["unit"][0].lower()
        minutes += _number(amount["number"]) * _MINUTES[unit]
        units, at = units + unit, amount.end()
    if minutes > 0 and set(units) <= {"d", "w"} and minutes % 1440 == 0:
        return Written(days=int(minutes) // 1440, at_this_hour=True)
    return Written(minutes=minutes)


def _number(text: str) -> float:
    if text[0].isdigit():
        return float(text.replace(",", "."))
    return 0.5 if text[0] in "hH" else 1.0


# --- tomorrow 19:00, 1 Dec 7pm UTC ---------------------------------------------------------------

_BETWEEN = re.compile(r"[\s,]*(?:(?:at|on)\s+|@\s*)?", _FLAGS)
_N, _NN, _NNNN, _N6 = r"\d{1,2}", r"\d{2}", r"\d{4}", r"\d{1,6}"
_FRACTION = r"(?: [.,]\d+ )"
_MONTH = "(?P<name>" + "|".join(f"{m[:3]}(?:{m[3:]})?" for m in MONTHS) + r"|sept)\.?"
_MONTHS = "|".join(m[:3] for m in MONTHS)
_HALF = r"\s* (?P<half>[ap])\.?m\.? (?![a-z])"
_HOUR = rf"{_N} (?: :{_NN} )? (?: \s*[ap]\.?m\.? )?"
_END = r"(?= $ | [\s,] )"
_BEFORE_ZONE = r"(?= $ | [\s,] | Z(?![a-z]) | [+\u2212-]\d | UTC | GMT )"


def _year(text: str | None) -> int | None:
    if text is None:
        return None
    return int(text) + (2000 if len(text) == 2 else 0)


def _date(found: re.Match[str]) -> Written:
    return Written(date=WrittenDate(int(found["month"]), int(found["day"]), _year(found["year"])))


def _dotted_date(found: re.Match[str]) -> Written:
    first, second = int(found["day"]), int(found["month"])
    if found["year"] is None and not 1 <= second <= 12 and first < 24 and second < 60:
        doubt = f"`{found[0]}` is no date: write an hour with a colon, `{first:02}:{second:02}`."
        return Written(clock=WrittenClock(first, second), doubt=doubt)
    return _date(found)


def _named_date(found: re.Match[str]) -> Written:
    month = [m[:3].lower() for m in MONTHS].index(found["name"][:3].lower()) + 1
    return Written(date=WrittenDate(month, int(found["day"]), _year(found["year"])))


def _slashed_date(found: re.Match[str]) -> Written:
    first, second, year = int(found["first"]), int(found["second"]), _year(found["year"])
    day_first, month_first = WrittenDate(second, first, year), WrittenDate(first, second, year)
    if first == second or first > 12:
        return Written(date=day_first)
    if second > 12:
        return Written(date=month_first)
    doubt = (
        f"`{found[0]}` can be {day_first} or {month_first}: write it with the month's name, such"
        f" as `{day_first} 19:00`."
    )
    return Written(date=day_first, doubt=doubt)


def _iso(found: re.Match[str]) -> Written:
    return replace(_date(found), clock=_clock(found).clock)


def _near_day(found: re.Match[str]) -> Written:
    return Written(days=1 if found[0][:3].lower() in ("tom", "tmr") else 0)


def _days_ahead(found: re.Match[str]) -> Written:
    days = int(_number(found["number"]))
    return Written(days=days * (7 if found["unit"] in "wW" else 1))


def _weekday(found: re.Match[str]) -> Written:
    number = [d[:3].lower() for d in WEEKDAYS].index(found["weekday"][:3].lower())
    if found["next"] is None:
        return Written(weekday=number)
    name = WEEKDAYS[number]
    doubt = (
        f"`{found[0]}` can be this week's or the week after's: write `{name} 19:00` for the first"
        f" {name} to come, or the date."
    )
    return Written(weekday=number, doubt=doubt)


def _clock(found: re.Match[str]) -> Written:
    parts = {"minute": None, "second": None, "half": None} | found.groupdict()
    half = (parts["half"] or "").lower()
    minute, second = int(parts["minute"] or 0), int(parts["second"] or 0)
    return Written(clock=WrittenClock(int(found["hour"]), minute, second, half))


def _midnight(_found: re.Match[str]) -> Written:
    doubt = "Midnight ends one day and begins another: write `00:00` and the day that begins then."
    return Written(clock=WrittenClock(0), doubt=doubt)


def _noon(_found: re.Match[str]) -> Written:
    return Written(clock=WrittenClock(12))


def _begin_and_end(found: re.Match[str]) -> Written:
    doubt = (
        f"`{found[0]}` names a beginning and an end: write the beginning alone, such as `19:00`."
        " If you mean a time zone, write it like `19:00 UTC-03:00`."
    )
    return Written(clock=WrittenClock(0), doubt=doubt)


def _bare_hour(found: re.Match[str]) -> Written:
    hour = int(found["hour"])
    if 1 <= hour < 12:
        doubt = f"`{found[0]}` is no clear hour: write `{hour:02}:00` or `{hour + 12}:00`."
    else:
        doubt = f"`{found[0]}` is no clear hour: write the minutes too, `{hour:02}:00`."
    return Written(clock=WrittenClock(hour), doubt=doubt)


def _zone(found: re.Match[str]) -> Written:
    return Written(zone=found[0])


# white space in them is for readers: re.VERBOSE
_FORMS: tuple[tuple[str, Callable[[re.Match[str]], Written]], ...] = (
    (
        rf"""(?P<year>{_NNNN}) - (?P<month>{_N}) - (?P<day>{_N}) T
        (?P<hour>{_N}) : (?P<minute>{_NN}) (?: : (?P<second>{_NN}) {_FRACTION}?)?
        {_BEFORE_ZONE}""",
        _iso,
    ),
    (rf"(?P<year>{_NNNN}) ([-/.]) (?P<month>{_N}) \2 (?P<day>{_N}) {_END}", _date),
    (
        rf"""(?P<hour>{_N}) \s* (?:uhr|hours|h) \s* (?P<minute>{_NN}) {_END}
        (?! \s+ (?:{_MONTHS}))""",
        _clock,
    ),
    (rf"(?P<hour>{_N}) (?: [:.] (?P<minute>{_NN}) )? \s* (?:uhr|hours|hrs?) {_END}", _clock),
    (
        rf"""(?P<day>{_N}) \. \s? (?P<month>{_N})
        (?: \. (?: \s? (?P<year>{_NNNN} | (?<=\.){_NN}) )? )? {_END}""",
        _dotted_date,
    ),
    (
        rf"(?P<first>{_N}) ([-/]) (?P<second>{_N}) (?: \2 (?P<year>{_NNNN}|{_NN}) )? {_END}",
        _slashed_date,
    ),
    (
        rf"""(?P<day>{_N}) (?:st|nd|rd|th|\.)? \s* (?:of\s+)? {_MONTH}
        (?: ,? \s* (?P<year>{_NNNN}) )? {_END}""",
        _named_date,
    ),
    (
        rf"{_MONTH} \s* (?P<day>{_N}) (?:st|nd|rd|th)? (?: ,? \s+ (?P<year>{_NNNN}) )? {_END}",
        _named_date,
    ),
    (rf"(?: today | tonight | tomorrow | tmrw ) {_END}", _near_day),
    (rf"in \s+ (?P<number>{_N6}|an?) \s* (?P<unit>[dw]) (?:ays?|eeks?)? {_END}", _days_ahead),
    (
        rf"""(?: (?P<next>next)\s+ | this\s+ )?
        (?P<weekday> mon(?:day)? | tue(?:s|sday)? | wed(?:nesday)? | thu(?:r|rs|rsday)?
        | fri(?:day)? | sat(?:urday)? | sun(?:day)? ) \.? {_END}""",
        _weekday,
    ),
    (
        rf"""{_HOUR} (?: [-–—]\s* | \s+(?:[-–—]|to|until|till)\s+ ) {_HOUR} {_END}""",
        _begin_and_end,
    ),
    (
        rf"""(?P<hour>{_N}) : (?P<minute>{_NN}) (?: : (?P<second>{_NN}) {_FRACTION}? )?
        (?: {_HALF} )? {_BEFORE_ZONE}""",
        _clock,
    ),
    (rf"(?P<hour>{_N}) {_HALF} {_BEFORE_ZONE}", _clock),
    (rf"(?P<hour>{_N}) (?: : (?P<minute>{_NN}) )? \s? h {_END}", _clock),
    (rf"noon {_END}", _noon),
    (rf"midnight {_END}", _midnight),
    (rf"(?P<hour>[01]?\d|2[0-3]) {_END}", _bare_hour),
    (rf"{ZONE_PATTERN} {_END}", _zone),
)
_PIECES = [(re.compile(form, _FLAGS | re.VERBOSE), say) for form, say in _FORMS]


def _day_and_hour(text: str) -> Written | None:
    """Read day, hour and zone in any order, each at most once; None: the text is not that."""
    written, at = NOTHING, 0
    while at < len(text):
        at = _blank_end(text, at)
        piece = _piece(text, at)
        if piece is None:
            return None
        more, at = piece
        together = _together(written, more)
        if together is None:
            return None
        written = together
    return written if _names_a_time(written) else None


def _blank_end(text: str, at: int) -> int:
    between = _BETWEEN.match(text, at)
    return between.end() if between else at


def _piece(text: str, at: int) -> tuple[Written, int] | None:
    for form, say in _PIECES:
        found = form.match(text, at)
        if found is not None:
            return say(found), found.end()
    return None


def _together(written: Written, more: Written) -> Written | None:
    said = {f.name: value for f in fields(more) if (value := getattr(more, f.name)) != f.default}
    if any(getattr(written, name) != getattr(NOTHING, name) for name in said):
        return None
    return replace(written, **said)


def _names_a_time(written: Written) -> bool:
    fixed, near, weekday = written.date, written.days, written.weekday
    if near is not None:
        return fixed is None and weekday is None
    return fixed is not None or weekday is not None or written.clock is not None
