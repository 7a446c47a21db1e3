"""What people type, parsed."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spaces_bridge.core.floor import SpeakPolicy
from spaces_bridge.matrix.commands import (
    VERBS,
    Creation,
    Misunderstood,
    Request,
    parse,
    parse_creation,
)

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("body", "direct", "expected"),
    [
        ("!space start", False, Request("start", "")),
        ("  !SPACE   Start  ", False, Request("start", "")),
        ("start", True, Request("start", "")),
        ("!space start", True, Request("start", "")),
        ("start", False, None),
        ("!spaceship start", False, None),
        ("hello everybody", False, None),
        ("!space", False, Request("help", "")),
        ("", True, Request("help", "")),
        ("!space approve  2 ", False, Request("approve", "2")),
        ('!space create "My talk"', False, Request("create", "My talk")),
        ("!space create “My talk”", False, Request("create", "My talk")),
        ('!space create "A" and "B"', False, Request("create", '"A" and "B"')),
        ("> <@bob:x> hi\n> more\n\n!space speak", False, Request("speak", "")),
        ("!space create Evil\u202eklat", False, Request("create", "Evilklat")),
    ],
)
def test_commands_are_understood(body: str, direct: bool, expected: Request | None) -> None:
    assert parse(body, direct=direct) == expected


@pytest.mark.parametrize(
    "body",
    [
        "!space frobnicate",
        "!space end now please",
        "!space create",
        "!space invite",
        "!space create one\n!space create two",
        "!space create a\u2028b",
        "!space create a\x07b",
        "!space create " + "x" * 10_000,
        "!space create \ud800",
    ],
)
def test_what_is_unclear_gets_a_helpful_line(body: str) -> None:
    answer = parse(body, direct=False)
    assert isinstance(answer, Misunderstood)
    assert 10 < len(answer.text) < 200
    assert "\n" not in answer.text


def test_a_slip_of_the_pen_gets_a_suggestion() -> None:
    answer = parse("!space aprove", direct=False)
    assert isinstance(answer, Misunderstood)
    assert "`approve`" in answer.text


@given(st.text(max_size=300), st.booleans())
def test_any_text_is_parsed_without_surprise(text: str, direct: bool) -> None:
    request = parse(f"!space {text}", direct=direct)
    if isinstance(request, Request):
        assert request.verb in VERBS
        assert not any(unicodedata.category(c) in ("Cc", "Cs") for c in request.argument)
        assert len(request.argument) <= 1000
    else:
        assert isinstance(request, Misunderstood)


@given(st.text(max_size=300))
def test_only_what_is_addressed_to_the_bot_is_a_command_in_a_room(text: str) -> None:
    if "!space" not in text.lower():
        assert parse(text, direct=False) is None


@pytest.mark.parametrize(
    ("argument", "expected"),
    [
        ("My talk", Creation("My talk", False, SpeakPolicy.REQUEST)),
        ("My talk --private", Creation("My talk", True, SpeakPolicy.REQUEST)),
        ("—private My talk", Creation("My talk", True, SpeakPolicy.REQUEST)),
        ("My --speak everyone talk", Creation("My talk", False, SpeakPolicy.EVERYONE)),
        ('"My talk" --private', Creation("My talk", True, SpeakPolicy.REQUEST)),
    ],
)
def test_titles_and_options_are_told_apart(argument: str, expected: Creation) -> None:
    assert parse_creation(argument) == expected


@pytest.mark.parametrize("argument", ["--private", "T --speak", "T --speak aloud", "T --loud"])
def test_wrong_options_get_a_helpful_line(argument: str) -> None:
    assert isinstance(parse_creation(argument), Misunderstood)
