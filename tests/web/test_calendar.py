"""A scheduled live space as a calendar's entry: what it says."""

import re
from dataclasses import replace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from spaces_bridge import __version__
from spaces_bridge.core import commands as cmd
from spaces_bridge.core.events import HostChanged
from spaces_bridge.core.evolution import evolve
from spaces_bridge.core.ids import UserId
from spaces_bridge.core.live_space import LiveSpace, Person
from spaces_bridge.web.http.calendar import LINE_MAX, escaped, event, folded
from tests.support.spaces import BEN, HOST, ROOM, after, live_space, scheduled

pytestmark = pytest.mark.unit

START_MS = 1_796_151_600_000
NOW_MS = START_MS - 86_400_000
PAGE = "https://live.example.org/s/first-talk"

HOSTILE = (
    "Talk\r\nEND:VEVENT\nBEGIN:VEVENT\rX:1",
    "BEGIN:VEVENT",
    'a;b,c\\n:"d"',
    "tea\u2028BEGIN:VEVENT\u2029\u0085\x0b\x0c\x1cX:1",
    "\ud800\x00\u202e",
)


def entry(space: LiveSpace) -> list[str]:
    """The entry's lines, unfolded as the specification says."""
    text = event(space, START_MS, PAGE, "example.org", NOW_MS).decode()
    assert text.endswith("\r\n")
    return text.replace("\r\n ", "").split("\r\n")[:-1]


def properties(space: LiveSpace) -> dict[str, str]:
    return dict(line.split(":", 1) for line in entry(space))


def name_in(line: str) -> str:
    return re.split("[:;]", line, maxsplit=1)[0]


def unescaped(value: str) -> str:
    read, rest = "", value
    while rest:
        head, rest = (rest[:2], rest[2:]) if rest[0] == "\\" else (rest[:1], rest[1:])
        read += {"\\n": "\n"}.get(head, head[-1])
    return read


def test_an_entry_says_what_when_and_where() -> None:
    invitation = (
        "Ada hosts a live audio room. Listen in the browser\\, read along\\, ask to speak:"
        f"\\n{PAGE}"
    )
    assert entry(replace(scheduled(), title="Roses, thorns; more")) == [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        f"PRODID:-//Spaces bridge//Spaces bridge {__version__}//EN",
        "CALSCALE:GREGORIAN",
        "METHOD:PUBLISH",
        f"SOURCE;VALUE=URI:{PAGE}/event.ics",
        "REFRESH-INTERVAL;VALUE=DURATION:PT1H",
        "X-PUBLISHED-TTL:PT1H",
        "BEGIN:VEVENT",
        "UID:space1@example.org",
        "SEQUENCE:0",
        "DTSTAMP:20261130T190000Z",
        "DTSTART:20261201T190000Z",
        "DTEND:20261201T200000Z",
        "SUMMARY:Roses\\, thorns\\; more",
        f"DESCRIPTION:{invitation}",
        'ORGANIZER;CN="Ada":matrix:u/ada:example.org',
        f"LOCATION:{PAGE}",
        f"URL:{PAGE}",
        f"CONFERENCE;VALUE=URI;FEATURE=AUDIO;LABEL=Listen:{PAGE}",
        "CLASS:PUBLIC",
        "STATUS:CONFIRMED",
        "END:VEVENT",
        "END:VCALENDAR",
    ]


def test_only_what_ended_before_it_started_is_cancelled() -> None:
    ended = cmd.EndSpace(HOST, 9_000)
    told = {
        name: properties(space)["STATUS"]
        for name, space in {
            "scheduled": scheduled(),
            "live": live_space(),
            "over": after(live_space(), ended),
            "called off": after(scheduled(), ended),
        }.items()
    }
    assert told.pop("called off") == "CANCELLED"
    assert set(told.values()) == {"CONFIRMED"}
    assert "cancelled" in properties(after(scheduled(), ended))["DESCRIPTION"]


def revisions(*commands: cmd.Command) -> list[int]:
    """SEQUENCE at first, and after each command."""
    space, told = after(scheduled(), cmd.AttachRoom(ROOM)), []
    for command in (None, *commands):
        space = space if command is None else after(space, command)
        told.append(int(properties(space)["SEQUENCE"]))
    return told


def test_each_change_of_the_plan_is_a_revision_that_calendars_follow() -> None:
    moved = cmd.Reschedule(HOST, 8_000_000, 5_000)
    assert revisions(
        cmd.Reschedule(HOST, 7_000_000, 4_000),
        moved,
        replace(moved, at_ms=6_000),  # the same time again is no change
        cmd.Retitle(HOST, "Thorns"),
        cmd.Retitle(HOST, "Thorns"),
        cmd.EndSpace(HOST, 9_000),
    ) == [0, 1, 2, 2, 3, 3, 4]


def test_another_host_is_a_revision() -> None:
    space = live_space()
    handed = evolve(space, HostChanged(BEN, HOST))
    assert properties(handed)['ORGANIZER;CN="Ben"'] == "matrix:u/ben:example.org"
    assert properties(handed)["SEQUENCE"] == "1"


def test_what_happens_on_the_evening_itself_is_no_revision() -> None:
    ended = after(live_space(), cmd.SetCaptions(HOST, on=False), cmd.EndSpace(HOST, 9_000))
    assert properties(ended)["SEQUENCE"] == "0"


def test_a_host_whose_id_or_name_is_strange_is_still_an_organizer() -> None:
    odd = UserId("@a/b=+c;d,\\e:[2001:db8::1]:8448")
    space = scheduled()
    named = replace(space, host=odd, people={odd: Person(odd, name='Ada "the\u2028rose": x;y')})
    address = "matrix:u/a%2Fb%3D%2Bc%3Bd%2C%5Ce:[2001:db8::1]:8448"
    assert f"ORGANIZER;CN=\"Ada 'the rose': x;y\":{address}" in entry(named)


def test_a_private_space_is_marked_as_private() -> None:
    assert properties(live_space(private=True))["CLASS"] == "PRIVATE"


def test_an_address_in_other_letters_is_written_in_ascii() -> None:
    lines = event(scheduled(), START_MS, "https://bücher.example/s/ü", "example.org", NOW_MS)
    assert b"URL:https://xn--bcher-kva.example/s/%C3%BC\r\n" in lines


@pytest.mark.parametrize("words", HOSTILE)
def test_hostile_words_stay_words(words: str) -> None:
    plain = scheduled()
    host = replace(plain.person(HOST), name=words)
    lines = entry(replace(plain, title=words, people={HOST: host}))
    assert [*map(name_in, lines)] == [*map(name_in, entry(plain))]
    assert lines == "\n".join(lines).splitlines()  # no other sign breaks a line either


@given(st.text())
@example("\\n")
@example("\r\n")
def test_a_text_is_escaped_into_one_line_and_can_be_read_back(text: str) -> None:
    value = escaped(text)
    assert len(value.splitlines()) <= 1
    read = unescaped(value)
    assert escaped(read) == value
    kept = [c for c in text if c.isalnum() or c in '\\;,:"']
    assert [c for c in read if c.isalnum() or c in '\\;,:"'] == kept


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=300))
@example("ü" * 200)
@example("x" + "👏🏽" * 60)
@example("x" * LINE_MAX)
@example("x" * (LINE_MAX + 1))
def test_long_lines_are_folded_between_letters(line: str) -> None:
    parts = folded(line).split(b"\r\n")
    assert all(len(part) <= LINE_MAX for part in parts)
    assert all(part.startswith(b" ") for part in parts[1:])
    # each part alone is text: no letter is cut
    first, *others = (part.decode() for part in parts)
    assert first + "".join(other[1:] for other in others) == line
    if len(line.encode()) <= LINE_MAX:
        assert len(parts) == 1
