"""Contents of messages."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spaces_bridge.core.ids import EventId
from spaces_bridge.matrix.events.content import BODY_MAX_BYTES, cut, edit, message, reply, size

pytestmark = pytest.mark.unit


@pytest.mark.parametrize("letter", ["a", '"', "é", "🎙", "\u0001", "\ud800"])
def test_no_body_is_too_long_for_an_event(letter: str) -> None:
    content = message(letter * 70_000)
    assert len(json.dumps(content, ensure_ascii=False).encode()) <= BODY_MAX_BYTES + 200
    assert content["body"].endswith("…")


@given(st.text(max_size=200), st.integers(10, 100))
def test_cutting_keeps_a_beginning_within_the_limit(text: str, limit: int) -> None:
    short = cut(text, limit)
    assert size(short) <= limit
    assert short == text.encode("utf-8", "replace").decode() or short.endswith("…")


def test_nobody_is_mentioned() -> None:
    for content in (message("@room"), reply(message("x"), EventId("$a"))):
        assert content["m.mentions"] == {}
    edited = edit(message("x"), EventId("$a"))
    assert edited["m.mentions"] == edited["m.new_content"]["m.mentions"] == {}


def test_an_edit_carries_the_new_text_and_a_fallback() -> None:
    edited = edit(message("new", "<b>new</b>"), EventId("$a"))
    assert edited["body"] == "* new"
    assert edited["m.new_content"]["formatted_body"] == "<b>new</b>"
    assert edited["m.relates_to"] == {"rel_type": "m.replace", "event_id": "$a"}
