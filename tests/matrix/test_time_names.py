"""Hours, days and zones by their common names, in four languages: all is used, or refused."""

from datetime import UTC

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spaces_bridge.core.errors import Rejected
from spaces_bridge.matrix.text import zone_names
from spaces_bridge.matrix.text.creation import Creation, parse_creation, title_names_a_time
from spaces_bridge.matrix.text.times import parse_time
from tests.matrix.test_times import BERLIN, NOW, moment, refusal

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("friday 19:00 Uhr", "2026-11-20T19:00"),
        ("friday 19:00 Uhr Berlin", "2026-11-20T19:00"),
        ("am Freitag um 19 Uhr", "2026-11-20T19:00"),
        ("19 Uhr 30", "2026-11-20T19:30"),
        ("19.30 Uhr", "2026-11-20T19:30"),
        ("8 Uhr abends", "2026-11-20T20:00"),
        ("morgen um 19 Uhr Ortszeit", "2026-11-21T19:00"),
        ("übermorgen 19:00", "2026-11-22T19:00"),
        ("1. Dezember 19 Uhr", "2026-12-01T19:00"),
        ("19 Uhr 1. Dezember", "2026-12-01T19:00"),
        ("19 Uhr 12 Dezember", "2026-12-12T19:00"),
        ("in 2 Stunden", "2026-11-20T20:00"),
        ("mittags", "2026-11-21T12:00"),
        ("19h", "2026-11-20T19:00"),
        ("vendredi à 19h30", "2026-11-20T19:30"),
        ("8 heures du soir", "2026-11-20T20:00"),
        ("demain à midi", "2026-11-21T12:00"),
        ("1er décembre 19 h 30", "2026-12-01T19:30"),
        ("dans une demi-heure", "2026-11-20T18:30"),
        ("el viernes a las 8 de la tarde", "2026-11-20T20:00"),
        ("mañana a las 19:00 hora local", "2026-11-21T19:00"),
        ("1 de diciembre de 2026 a las 19:00 horas", "2026-12-01T19:00"),
        ("en media hora", "2026-11-20T18:30"),
        ("7 o'clock pm", "2026-11-20T19:00"),
        ("12 noon", "2026-11-21T12:00"),
        ("7pm local time", "2026-11-20T19:00"),
    ],
)
def test_hours_and_days_in_four_languages(text: str, expected: str) -> None:
    assert parse_time(text, NOW, BERLIN) == moment(expected)
    assert parse_time(text.upper(), NOW, BERLIN) == moment(expected)


@pytest.mark.parametrize(
    ("name", "utc"),
    [
        ("CET", "18:00"),
        ("cet", "18:00"),
        ("MEZ", "18:00"),
        ("Berlin", "18:00"),
        ("in Berlin", "18:00"),
        ("(Berlin)", "18:00"),
        ("Berlin time", "18:00"),
        ("Berliner Zeit", "18:00"),
        ("Wien", "18:00"),
        ("hora de Madrid", "18:00"),
        ("heure de Paris", "18:00"),
        ("Central European Time", "18:00"),
        ("London", "19:00"),
        ("Londres", "19:00"),
        ("WET", "19:00"),
        ("Tokyo", "10:00"),
        ("JST", "10:00"),
        ("São Paulo", "22:00"),
        ("Sao Paulo time", "22:00"),
    ],
)
def test_a_zone_is_known_by_its_common_name(name: str, utc: str) -> None:
    at = parse_time(f"21 Nov 19:00 {name}", NOW, UTC)
    assert at == moment(f"2026-11-21T{utc}", UTC)


@pytest.mark.parametrize(
    ("name", "utc"),
    [
        ("EST", "00:00"), ("ET", "00:00"), ("Eastern", "00:00"),
        ("Eastern Standard Time", "00:00"),
        ("New York", "00:00"), ("Nueva York", "00:00"), ("MST", "02:00"), ("PST", "03:00"),
        ("Pacific time", "03:00"), ("Los Angeles", "03:00"),
    ],
)  # fmt: skip
def test_american_zones_too(name: str, utc: str) -> None:
    at = parse_time(f"20 Nov 19:00 {name}", NOW, UTC)
    assert at == moment(f"2026-11-21T{utc}", UTC)


def test_the_winters_name_in_summer_is_asked_about() -> None:
    answer = refusal("1 July 2027 19:00 CET")
    assert "write `Europe/Berlin` for what they show, or `+01:00` for CET." in answer
    assert "`-08:00` for PST" in refusal("1 July 2027 19:00 PST")
    assert "`-07:00` for PDT" in refusal("1 Dec 19:00 PDT")
    summer = parse_time("1 July 2027 19:00 CEST", NOW, UTC)
    assert summer == moment("2027-07-01T17:00", UTC)
    assert summer == parse_time("1 July 2027 19:00 Berlin", NOW, UTC)


@pytest.mark.parametrize(
    ("name", "zones"), zone_names.AMBIGUOUS.items(), ids=zone_names.AMBIGUOUS.keys()
)
def test_a_name_of_several_zones_is_refused_with_the_choice(
    name: str, zones: tuple[str, ...]
) -> None:
    for written in (name, name.lower()):
        answer = refusal(f"friday 19:00 {written}")
        assert f"`{written}` can mean more than one time" in answer
        for zone in zones:
            assert f"`{zone}`" in answer
            assert parse_time(f"friday 19:00 {zone}", NOW, BERLIN) > NOW


@pytest.mark.parametrize("name", [*zone_names.SEASONAL, *zone_names.COMMON])
def test_every_name_of_the_tables_is_a_zone_in_one_half_of_the_year(name: str) -> None:
    read, asked = list[int](), list[str]()
    for day in ("15 January 2027", "15 July 2027"):
        try:
            read.append(parse_time(f"{day} 19:00 {name}", NOW, UTC))
        except Rejected as refused:
            asked.append(refused.text)
    assert read
    assert all(name in text for text in asked)


def test_midnight_and_a_bare_oclock_are_asked_about() -> None:
    assert "`00:00`" in refusal("friday midnight")
    assert "`07:00` or `19:00`" in refusal("7 o'clock")


ACCEPTED = (
    "friday 19:00", "tomorrow 7pm", "19 Uhr", "vendredi 19h30", "19:00 Berlin", "7pm ET",
    "2026-12-01 19:00 UTC", "in 2 hours", "el viernes a las 19:00", "1. Dezember 19:00 MEZ",
)  # fmt: skip
STRANGE = ("sharp", "Munich", "oder so", "please", "halb", "\u6771\u4eac", "😀", "BTW")


@given(st.sampled_from(ACCEPTED), st.sampled_from(STRANGE), st.booleans())
def test_every_word_is_used_or_the_reading_is_shown(text: str, strange: str, before: bool) -> None:
    assert parse_time(text, NOW, BERLIN) > NOW
    answer = refusal(f"{strange} {text}" if before else f"{text} {strange}")
    assert f"I read `{text}`, but not `{strange}`:" in answer
    with pytest.raises(Rejected, match="but not"):
        parse_creation(f"Jazz --at {text} {strange} --private", NOW, BERLIN)


@given(st.sampled_from(ACCEPTED))
def test_no_word_of_an_accepted_time_is_idle(text: str) -> None:
    """Each word but small ones changes the moment, or its lack is asked about."""
    words = text.split()
    idle = {"el", "a", "las", "uhr"}
    at = parse_time(text, NOW, UTC)
    for place, word in enumerate(words):
        less = " ".join([*words[:place], *words[place + 1 :]])
        try:
            other = parse_time(less, NOW, UTC)
        except Rejected:
            continue
        today = word.lower() in {"friday", "vendredi", "viernes", "utc"}  # what it is anyway
        assert other != at or today or word.lower() in idle


@pytest.mark.parametrize(
    ("argument", "expected"),
    [
        ("Jazz --at friday 20:00 Uhr Berlin", Creation("Jazz", at_ms=moment("2026-11-20T20:00"))),
        ("Jazz --at friday 20:00 MEZ --private", Creation("Jazz", True, at_ms=NOW + 7_200_000)),
        ("--at friday 20:00 Uhr “Jazz”", Creation("Jazz", at_ms=NOW + 7_200_000)),
        ('--at 20:00 Berlin "by night"', Creation("by night", at_ms=NOW + 7_200_000)),
        ('--at 20:00 "Berlin by night"', Creation("Berlin by night", at_ms=NOW + 7_200_000)),
        ("--at 20:00 --private Munich", Creation("Munich", True, at_ms=NOW + 7_200_000)),
        ('--at "20:00 Berlin" by night', Creation("by night", at_ms=NOW + 7_200_000)),
        ("Jazz -again", Creation("Jazz -again")),
        ("Jazz at 8", Creation("Jazz at 8")),
    ],
)
def test_a_title_keeps_its_words_and_a_time_its_own(argument: str, expected: Creation) -> None:
    assert parse_creation(argument, NOW, BERLIN) == expected


@pytest.mark.parametrize(
    ("argument", "said"),
    [
        ("Bread --at friday 20:00 and roses", "I read `friday 20:00`, but not `and roses`"),
        ("Jazz --at friday 20:00 Munich", "I read `friday 20:00`, but not `Munich`"),
        ("Jazz --at friday 20:00 BST", "`Europe/London` or `Asia/Dhaka`"),
        ("--at 20:00 Munich", "I read `20:00`, but not `Munich`: if that is the title"),
        ("--at friday 20:00 Munich time --private", "but not `Munich time`: if that is the title"),
        ('--at 20:00 Munich "by night"', "I read `20:00`, but not `Munich`"),
        ("--at 20:00 Jazz --speak invited", "I read `20:00`, but not `Jazz`"),
        ("--at 20:00 Berlin by night", "I read `20:00 Berlin`, but not `by night`"),
        ("--at 20:00 Ortszeit Jazz", "I read `20:00 Ortszeit`, but not `Jazz`"),
        ("--at friday 20:00 Monday blues", "I read `friday 20:00`, but not `Monday blues`"),
        ("Jazz --att friday 20:00", "I do not know `--att`"),
        ("Jazz -att friday 20:00", "I do not know `-att`"),
        ("Jazz -privat", "I do not know `-privat`"),
        ("Jazz --private=no", "`--private` stands alone"),
        ("Jazz --at 20:00 --at 21:00", "`--at` is there twice"),
        ("Jazz --speak invited --speak request", "`--speak` is there twice"),
    ],
)
def test_what_is_not_understood_whole_is_asked_about(argument: str, said: str) -> None:
    with pytest.raises(Rejected) as refused:
        parse_creation(argument, NOW, BERLIN)
    assert said in refused.value.text


@pytest.mark.parametrize(
    ("title", "named"),
    [
        ("Jazz at 8", True),
        ("Jazz friday 19:00", True),
        ("Meet at noon", True),
        ("Jazz um 20 Uhr", True),
        ("Jazz", False),
        ("Area 51", False),
        ("Friday", False),
        ("Coffee with Paris", False),
        ("7", False),
    ],
)
def test_a_title_that_names_a_time_is_noticed(title: str, named: bool) -> None:
    assert title_names_a_time(title) is named
