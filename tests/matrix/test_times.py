"""What people write as a time."""

from datetime import UTC, datetime, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from spaces_bridge.core.errors import Rejected
from spaces_bridge.matrix.text import zones
from spaces_bridge.matrix.text.times import (
    DAY_MS,
    DAYS_AHEAD_MAX,
    MINUTE_MS,
    parse_time,
    shown_time,
    take_time,
)

pytestmark = pytest.mark.unit

BERLIN = ZoneInfo("Europe/Berlin")
NEW_YORK = ZoneInfo("America/New_York")
ZONES = (
    UTC,
    BERLIN,
    NEW_YORK,
    ZoneInfo("Australia/Lord_Howe"),  # clocks change by half an hour
    ZoneInfo("Asia/Kathmandu"),
    timezone(timedelta(hours=-3)),
)


def moment(text: str, zone: tzinfo = BERLIN) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=zone).timestamp() * 1000)


NOW = moment("2026-11-20T18:00")  # a Friday


def refusal(text: str, now_ms: int = NOW, zone: tzinfo = BERLIN) -> str:
    with pytest.raises(Rejected) as rejected:
        parse_time(text, now_ms, zone)
    assert rejected.value.code == "bad_time"
    return rejected.value.text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-12-01 19:00", "2026-12-01T19:00"),
        ("2026-12-01T19:00", "2026-12-01T19:00"),
        ("2026-12-1 19:00:30", "2026-12-01T19:00:30"),
        ("2026/12/01 7pm", "2026-12-01T19:00"),
        ("19:00", "2026-11-20T19:00"),
        ("18:00", "2026-11-21T18:00"),
        ("7pm", "2026-11-20T19:00"),
        ("7:30 pm", "2026-11-20T19:30"),
        ("7:30\u202fp.m.", "2026-11-20T19:30"),
        ("12am", "2026-11-21T00:00"),
        ("12 pm", "2026-11-21T12:00"),
        ("noon", "2026-11-21T12:00"),
        ("at 7pm", "2026-11-20T19:00"),
        ("today 19:00", "2026-11-20T19:00"),
        ("tonight at 20:00", "2026-11-20T20:00"),
        ("tomorrow 19:00", "2026-11-21T19:00"),
        ("19:00 tomorrow", "2026-11-21T19:00"),
        ("friday 20:00", "2026-11-20T20:00"),
        ("friday 17:00", "2026-11-27T17:00"),
        ("This Sat, 8pm", "2026-11-21T20:00"),
        ("8pm on thursday", "2026-11-26T20:00"),
        ("1 Dec 19:00", "2026-12-01T19:00"),
        ("Dec 1 19:00", "2026-12-01T19:00"),
        ("December 1st, 2026 at 7:30 pm", "2026-12-01T19:30"),
        ("1st of december 19:00", "2026-12-01T19:00"),
        ("1 Sept 19:00", "2027-09-01T19:00"),
        ("1.12. 19:00", "2026-12-01T19:00"),
        ("1.12.26 19:00", "2026-12-01T19:00"),
        ("1. 12. 2026 19:00", "2026-12-01T19:00"),
        ("25/12 19:00", "2026-12-25T19:00"),
        ("12/25/2026 19:00", "2026-12-25T19:00"),
        ("Tue 1 Dec 19:00", "2026-12-01T19:00"),
        ("in 2 hours", "2026-11-20T20:00"),
        ("in 30 min", "2026-11-20T18:30"),
        ("in half an hour", "2026-11-20T18:30"),
        ("in 1 hour and 30 minutes", "2026-11-20T19:30"),
        ("in 1,5 hours", "2026-11-20T19:30"),
        ("+90m", "2026-11-20T19:30"),
        ("+1h30m", "2026-11-20T19:30"),
        ("in a week", "2026-11-27T18:00"),
        ("in 3 days", "2026-11-23T18:00"),
        ("in 3 days at 20:00", "2026-11-23T20:00"),
        ("in 1 day 2 hours", "2026-11-21T20:00"),
        ("１９：００", "2026-11-20T19:00"),
        ("١٩:٠٠", "2026-11-20T19:00"),
    ],
)
def test_people_write_times_in_many_ways(text: str, expected: str) -> None:
    assert parse_time(text, NOW, BERLIN) == moment(expected)
    assert parse_time(f"  {text.upper()}. ", NOW, BERLIN) == moment(expected)


@pytest.mark.parametrize(
    ("text", "utc"),
    [
        ("2026-12-01 19:00 UTC", "2026-12-01T19:00"),
        ("2026-12-01T19:00Z", "2026-12-01T19:00"),
        ("2026-12-01T19:00:00.250Z", "2026-12-01T19:00"),
        ("2026-12-01T19:00-03:00", "2026-12-01T22:00"),
        ("2026-12-01 19:00 -03:00", "2026-12-01T22:00"),
        ("2026-12-01 19:00+0530", "2026-12-01T13:30"),
        ("2026-12-01 19:00 Europe/Berlin", "2026-12-01T18:00"),
        ("2026-12-01 19:00 america/new_york", "2026-12-02T00:00"),
        ("2026-12-01 19:00 America/Argentina/Buenos_Aires", "2026-12-01T22:00"),
        ("7pm UTC", "2026-11-20T19:00"),
        ("19:00 GMT-3", "2026-11-20T22:00"),
        ("19:00 UTC +1", "2026-11-20T18:00"),
        ("tomorrow 9:00 Asia/Tokyo", "2026-11-22T00:00"),
    ],
)
def test_a_zone_may_follow(text: str, utc: str) -> None:
    assert parse_time(text, NOW, BERLIN) == moment(utc, UTC)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("01/02 19:00", "`1 February 19:00`"),
        ("1-2-2027 19:00", "1 February 2027 or 2 January 2027"),
        ("next friday 20:00", "`Friday 19:00`"),
        ("19:00-21:00", "a beginning and an end"),
        ("7pm to 9pm", "a beginning and an end"),
        ("tomorrow", "Name the hour"),
        ("1 Dec", "Name the hour"),
        ("tomorrow 7", "`07:00` or `19:00`"),
        ("tomorrow 19", "`19:00`"),
        ("19.30", "`19:30`"),
        ("2026-02-30 19:00", "no 30 February in 2026:"),
        ("29 Feb 19:00", "no 29 February in 2026 or 2027"),
        ("2026-13-01 19:00", "no month 13"),
        ("24:00", "no `24:00`"),
        ("19:60", "no `19:60`"),
        ("13pm", "no `13pm`"),
        ("0am", "no `0am`"),
        ("Mon 1 Dec 19:00", "is a Tuesday, not a Monday"),
        ("today 17:00", "Fri 20 November 2026, 17:00 Europe/Berlin is in the past"),
        ("2026-11-20 18:00", "is in the past"),
        ("1999-12-31 23:59", "31 December 1999 is in the past"),
        ("0000-01-01 00:00", "is in the past"),
        ("2027-11-22 18:00", "within the next 366 days"),
        ("9999-12-31 23:59 -12:00", "within the next 366 days"),
        ("in 367 days", "within the next 366 days"),
        ("in 999999 weeks", "within the next 366 days"),
        ("in 0 minutes", "`in 30 minutes`"),
        ("in 0 days", "`in 30 minutes`"),
        ("19:00 IST", "`Asia/Kolkata`, `Europe/Dublin` or `Asia/Jerusalem`"),
        ("19:00 Europe/Berlinn", "`Europe/Berlin`"),
        ("19:00 Europe/../../etc/passwd", "I read `19:00`, but not `Europe/../../etc/"),
        ("19:00 Asia/Qqqqqqqq", "do not know the time zone `Asia/Qqqqqqqq`"),
        ("19:00 +25:00", "no time zone `+25:00`"),
        ("19:00 munich", "I read `19:00`, but not `munich`"),
        ("UTC", "I cannot read"),
        ("soon `enough`\x1b", "I cannot read `soon 'enough'` as a time"),
        ("x" * 5000, "…` as a time"),
        ("", "Name a time"),
        ("19:00 20:00", "I read `19:00`, but not `20:00`"),
        ("today tomorrow 19:00", "I read `tomorrow 19:00`, but not `today`"),
        ("in 2 fortnights", "I cannot read"),
    ],
)
def test_what_is_no_time_is_answered_with_what_to_write(text: str, said: str) -> None:
    answer = refusal(text)
    assert said in answer
    assert answer.endswith(".")
    assert len(answer) < 250


def test_the_examples_in_an_answer_can_be_written() -> None:
    examples = refusal("whenever").split("`")[3::2]
    assert len(examples) == 4
    for text in examples:
        assert parse_time(text, NOW, BERLIN) > NOW


def test_an_hour_the_clocks_leave_out_is_refused_with_the_one_instead() -> None:
    now = moment("2026-03-27T18:00")
    answer = refusal("2026-03-29 02:30", now)
    assert "leave 02:30 out: write `2026-03-29 03:30 +02:00`." in answer
    assert "02:30" in refusal("sunday 02:30", now)
    assert parse_time("2026-03-29 03:30 +02:00", now, UTC) == moment("2026-03-29T01:30", UTC)
    # a day that is over does not stand in the way of the next
    assert parse_time("02:30", moment("2026-03-29T10:00"), BERLIN) == moment("2026-03-30T02:30")


def test_an_hour_that_comes_twice_is_asked_for_again() -> None:
    now = moment("2026-10-24T18:00")
    answer = refusal("tomorrow 02:30", now)
    first, second = answer.split("`")[1::2]
    summer, winter = (parse_time(text, now, BERLIN) for text in (first, second))
    assert winter - summer == 60 * MINUTE_MS
    assert summer == moment("2026-10-25T00:30", UTC)
    shown = [shown_time(ms, BERLIN) for ms in (summer, winter)]
    assert shown == ["Sun 25 October 2026, 02:30 +02:00", "Sun 25 October 2026, 02:30 +01:00"]


def test_in_days_means_the_same_hour_on_the_clock() -> None:
    before = moment("2026-10-24T18:00")
    assert parse_time("in 1 day", before, BERLIN) == moment("2026-10-25T18:00")
    assert parse_time("in 24 hours", before, BERLIN) == moment("2026-10-25T17:00")


def test_from_now_ends_on_the_minute_that_is_shown() -> None:
    for text in ("in 30 min", "in 3 days"):
        at = parse_time(text, NOW + 40_250, BERLIN)
        assert at == parse_time(text, NOW, BERLIN) + MINUTE_MS


@pytest.mark.parametrize(
    ("words", "used"),
    [
        ("19:00", 1),
        ("7pm Garden hour", 1),
        ("1 Dec 19:00 Garden hour", 3),
        ("tomorrow at 7:30 pm Europe/Berlin Garden hour", 5),
        ("Tue 1 December 2026 at 7:30 pm Europe/Berlin Garden", 8),
        ("in 2 hours 5 friends meet", 3),
        ("19:00 and/or later", 1),
        ("19:00, then tea", 1),
        ("19:00 at the pub", 1),
    ],
)
def test_a_time_ends_where_the_words_go_on(words: str, used: int) -> None:
    taken = words.split()
    assert take_time(taken, NOW, BERLIN) == (
        parse_time(" ".join(taken[:used]), NOW, BERLIN),
        used,
    )


@pytest.mark.parametrize("words", ["", "Garden hour at seven", "tomorrow Garden hour"])
def test_words_without_a_time_are_refused(words: str) -> None:
    with pytest.raises(Rejected) as rejected:
        take_time(words.split(), NOW, BERLIN)
    assert rejected.value.code == "bad_time"


def test_times_are_shown_with_day_and_zone() -> None:
    at = moment("2026-12-01T19:00")
    assert shown_time(at, BERLIN) == "Tue 1 December 2026, 19:00 Europe/Berlin"
    assert shown_time(at, UTC) == "Tue 1 December 2026, 18:00 UTC"
    assert shown_time(at, ZoneInfo("Etc/UTC")) == "Tue 1 December 2026, 18:00 UTC"
    west = timezone(timedelta(hours=-3))
    assert shown_time(at, west) == "Tue 1 December 2026, 15:00 UTC-03:00"


def test_a_server_without_time_zones_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(name: str) -> tzinfo:
        raise ZoneInfoNotFoundError(name)

    monkeypatch.setattr(zones, "ZoneInfo", unknown)
    monkeypatch.setattr(zones, "available_timezones", set[str])
    zones._spellings.cache_clear()
    try:
        assert "no table of time zones" in refusal("19:00 Europe/Berlin")
        assert parse_time("19:00 +01:00", NOW, UTC) == moment("2026-11-20T18:00", UTC)
    finally:
        zones._spellings.cache_clear()


# --- whatever is written -------------------------------------------------------------------------

WORDS = """
0 1 2 7 12 13 24 29 31 99 2026 9999 0000 999999 :00 : . / - + T Z , at on in next this 19:00 02:30
7pm 01/02 1.12. 2026-03-29 2026-10-25 0001-01-01 9999-12-31 Feb Dec UTC +14:00 -12:00 am pm
Europe/Berlin US/Nowhere today tomorrow friday sun noon hours min days weeks half a and ½ ² ٣ İ 🎉
"""
FRAGMENTS = (*WORDS.split(), "\0", "\u202e", "\n")
WRITTEN = st.one_of(
    st.text(max_size=120),
    st.lists(st.sampled_from(FRAGMENTS), max_size=9).map(" ".join),
    st.lists(st.sampled_from(FRAGMENTS), max_size=6).map("".join),
)
NOWS = st.integers(moment("2020-01-01T00:00", UTC), moment("2090-01-01T00:00", UTC))


@settings(deadline=None, max_examples=600)
@given(WRITTEN, NOWS, st.sampled_from(ZONES))
@example("in 366 days 23:59 -12:00", NOW, UTC)
@example("29 Feb 02:30", NOW, BERLIN)
@example("0.\n0", NOW, UTC)
@example("fr\u0131 19:00", NOW, BERLIN)
def test_whatever_is_written_is_a_time_to_come_or_a_refusal(
    text: str, now_ms: int, zone: tzinfo
) -> None:
    try:
        at = parse_time(text, now_ms, zone)
    except Rejected:
        answer = refusal(text, now_ms, zone)
        assert answer.endswith(".")
        assert "\n" not in answer
    else:
        assert now_ms < at <= now_ms + DAYS_AHEAD_MAX * DAY_MS
        assert take_time(text.split(), now_ms, zone)[0] == at


@settings(deadline=None, max_examples=300)
@given(NOWS, st.integers(1, 365 * 1440), st.sampled_from(ZONES), st.sampled_from("T "))
def test_iso_forms_and_shown_times_are_read_back(
    now_ms: int, minutes: int, zone: tzinfo, separator: str
) -> None:
    at_ms = (now_ms // MINUTE_MS + minutes) * MINUTE_MS
    at = datetime.fromtimestamp(at_ms / 1000, zone)
    assert parse_time(at.isoformat(sep=separator), now_ms, UTC) == at_ms
    assert parse_time(at.astimezone(UTC).strftime("%Y-%m-%dT%H:%MZ"), now_ms, zone) == at_ms
    assert parse_time(shown_time(at_ms, zone), now_ms, UTC) == at_ms
