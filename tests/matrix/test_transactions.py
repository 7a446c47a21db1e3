"""Transactions, well-formed and hostile."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spaces_bridge.matrix.appservice.transactions import (
    BadTransaction,
    parse_event,
    parse_transaction,
)

pytestmark = pytest.mark.unit

EVENT = {"event_id": "$a", "room_id": "!r", "type": "m.room.message", "content": {}}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=20,
)


def test_events_are_stored_with_id_room_and_text() -> None:
    (stored,) = parse_transaction(json.dumps({"events": [EVENT]}).encode())
    assert (stored.event_id, stored.room_id) == ("$a", "!r")
    assert json.loads(stored.body) == EVENT


@pytest.mark.parametrize(
    ("body", "errcode"),
    [
        (b"[]", "M_BAD_JSON"),
        (b'"text"', "M_BAD_JSON"),
        (b'{"events": {}}', "M_BAD_JSON"),
        (b'{"events": 1}', "M_BAD_JSON"),
        (b"{", "M_NOT_JSON"),
        (b"", "M_NOT_JSON"),
        (b"\xff\xfe", "M_NOT_JSON"),
        (b"[" * 50_000, "M_BAD_JSON"),
        (b'{"a":' * 50_000 + b'{"events":[]}' + b"}" * 50_000, "M_BAD_JSON"),
    ],
)
def test_what_is_no_transaction_is_refused(body: bytes, errcode: str) -> None:
    with pytest.raises(BadTransaction) as refusal:
        parse_transaction(body)
    assert refusal.value.errcode == errcode


def test_a_transaction_without_events_is_fine() -> None:
    assert parse_transaction(b'{"ephemeral": []}') == []


@given(st.lists(JSON, max_size=5))
def test_odd_events_are_stored_and_never_stop_the_transaction(events: list[object]) -> None:
    body = json.dumps({"events": [*events, EVENT]}).encode()
    stored = parse_transaction(body)
    assert len(stored) == len(events) + 1
    assert stored[-1].event_id == "$a"
    assert all(s.event_id for s in stored)


def test_an_event_nested_without_end_costs_only_itself() -> None:
    deep = '{"event_id":"$deep","content":' + "[" * 50_000 + "]" * 50_000 + "}"
    tricky = '{"event_id":"$b","content":{"body":"]}, \\" ["}}'
    body = f'{{"events" : [{json.dumps(EVENT)}, {deep},{tricky}], "x": 1}}'.encode()
    stored = parse_transaction(body)
    assert [s.event_id.partition(":")[0] for s in stored] == ["$a", "unnamed", "$b"]
    assert parse_event(stored[1].body) is None
    assert parse_event(stored[2].body) is not None


def test_a_number_of_ten_thousand_digits_does_not_stop_the_transaction() -> None:
    body = b'{"events": [{"event_id": "$n", "content": {"n": ' + b"9" * 10_000 + b"}}]}"
    (stored,) = parse_transaction(body)
    assert stored.event_id == "$n"


@pytest.mark.parametrize("event_id", ["", "$" + "x" * 300, "$a\x00b", "$\ud800", 5, None, ["$a"]])
def test_an_unusable_event_id_is_replaced(event_id: object) -> None:
    body = json.dumps({"events": [{**EVENT, "event_id": event_id}]}).encode()
    (stored,) = parse_transaction(body)
    assert stored.event_id.startswith("unnamed:")
    assert parse_transaction(body) == [stored]
