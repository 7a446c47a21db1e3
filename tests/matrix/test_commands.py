"""What people type, parsed."""

import unicodedata
from datetime import UTC

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spaces_bridge.core.errors import Rejected
from spaces_bridge.core.floor import SpeakPolicy
from spaces_bridge.matrix.text.commands import Misunderstood, Request, parse
from spaces_bridge.matrix.text.creation import Creation, parse_creation
from spaces_bridge.matrix.text.verbs import CLOSING, VERBS, Takes, Verb

pytestmark = pytest.mark.unit

NOW_MS = 1_795_000_000_000
"""18 November 2026, 10:06 UTC."""
TOMORROW_MS = 1_795_114_800_000


@pytest.mark.parametrize(
    ("body", "direct", "expected"),
    [
        ("!space start", False, Request("start", "")),
        ("  !SPACE   Start  ", False, Request("start", "")),
        ("start", True, Request("start", "")),
        ("!space start", True, Request("start", "")),
        ("start", False, None),
        ("!spaceship start", False, None),
        ("!spaces start", False, Request("start", "")),
        ("hello everybody", False, None),
        ("!space", False, Request("help", "")),
        ("!space Clear—Queue", False, Request("clear-queue", "")),
        ("/live", True, Request("live", "")),
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
        ("My talk -private", Creation("My talk", True, SpeakPolicy.REQUEST)),
        ("My-private talk - again", Creation("My-private talk - again")),
        ("My talk --speak=invited", Creation("My talk", False, SpeakPolicy.INVITED)),
        ('--at tomorrow 7pm "My talk"', Creation("My talk", at_ms=TOMORROW_MS)),
        ("My talk --at “tomorrow 19:00” --private", Creation("My talk", True, at_ms=TOMORROW_MS)),
        ("My talk –at=tomorrow 19:00", Creation("My talk", at_ms=TOMORROW_MS)),
    ],
)
def test_titles_and_options_are_told_apart(argument: str, expected: Creation) -> None:
    assert parse_creation(argument, NOW_MS, UTC) == expected


@pytest.mark.parametrize(
    "argument",
    ["--private", "T --speak", "T --speak aloud", "T --loud", "T --at", "--at tomorrow 19:00"],
)
def test_wrong_options_get_a_helpful_line(argument: str) -> None:
    with pytest.raises(Rejected) as refusal:
        parse_creation(argument, NOW_MS, UTC)
    assert refusal.value.text.endswith(".")


@given(st.lists(st.sampled_from(["--at", "--speak", "—private", "19:00", "tomorrow", "x", '"'])))
def test_any_creation_is_read_without_surprise(words: list[str]) -> None:
    try:
        answer = parse_creation(" ".join(words), NOW_MS, UTC).title
    except Rejected as refusal:
        answer = refusal.text
    assert answer


@pytest.mark.parametrize("verb", VERBS.values(), ids=lambda verb: verb.name)
def test_every_command_is_understood_as_its_help_writes_it(verb: Verb) -> None:
    assert verb.does.strip(".") == verb.does
    if verb.example:
        request = parse(f"!space {verb.example}", direct=False)
        assert isinstance(request, Request)
        assert request.verb == verb.name
    alone = parse(verb.name, direct=True)
    assert isinstance(alone, Misunderstood) is (verb.takes is Takes.ARGUMENT)
    followed = parse(f"{verb.name} something", direct=True)
    assert isinstance(followed, Misunderstood) is (verb.takes is Takes.NOTHING)


@pytest.mark.parametrize("verb", VERBS.values(), ids=lambda verb: verb.name)
def test_what_people_try_leads_to_what_it_is_called(verb: Verb) -> None:
    for word in verb.also:
        assert word not in VERBS
        answer = parse(word, direct=True)
        assert isinstance(answer, Misunderstood)
        assert f"Did you mean `{verb.name}`?" in answer.text


def test_what_passes_a_crowd_is_a_command_of_the_table() -> None:
    assert VERBS.keys() >= CLOSING
