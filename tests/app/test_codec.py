"""Events and tasks survive the database."""

import json
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spaces_bridge.app import codec, tasks
from spaces_bridge.app.kinds import AnyEvent
from spaces_bridge.app.records import OutboxEntry, StoredEvent
from spaces_bridge.core import events
from spaces_bridge.core.ids import EventId, UserId
from spaces_bridge.core.roles import RoleLevels
from spaces_bridge.core.rules import create
from tests.support.spaces import CREATE

pytestmark = pytest.mark.unit

# of all mappings there are, events hold plain ones
COUNTS = st.dictionaries(st.text(), st.integers())
st.register_type_strategy(events.ReactionsCounted, st.builds(events.ReactionsCounted, COUNTS))
st.register_type_strategy(RoleLevels, st.just(RoleLevels(host=80, cohost=50, speaker=25)))
EVENTS = st.one_of(
    st.from_type(events.SpaceCreated), *(st.from_type(cls) for cls in get_args(events.Event))
)
TASKS = st.one_of(*(st.from_type(cls) for cls in get_args(tasks.OutboxTask)))


@given(EVENTS)
def test_every_event_is_read_back_as_it_was(event: AnyEvent) -> None:
    row = codec.stored(event, 1, 2, "$source")
    body = json.loads(json.dumps(row.body, default=dict))
    assert codec.event_from(StoredEvent(1, 2, row.kind, body)) == event


@given(TASKS)
def test_every_task_is_read_back_as_it_was(task: tasks.OutboxTask) -> None:
    effect = codec.entry_of(task, "key")
    body = json.loads(json.dumps(effect.body, default=dict))
    assert codec.task_from(OutboxEntry("key", effect.queue, effect.kind, body)) == task


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("Unknown", {}),
        ("person.left", {}),
        ("person.left", {"user": "@a:b", "newer": 1}),
        ("person.left", {"user": 5}),
        ("space.started", {"by": "@a:b", "at_ms": "soon"}),
        ("microphone.closed", {"user": "@a:b", "why": "tired"}),
    ],
)
def test_what_cannot_be_read_is_an_error(kind: str, body: dict[str, object]) -> None:
    with pytest.raises(codec.CodecError):
        codec.event_from(StoredEvent(1, 2, kind, body))


def test_a_journal_written_before_there_were_cohosts_is_read() -> None:
    body = dict(codec.to_body(create(CREATE)))
    for newer in ("max_cohosts", "queue_order"):
        del body[newer]
    born_before = codec.event_from(StoredEvent(1, 2, "space.created", body))
    assert born_before == create(CREATE)
    removed = {"user": "@a:b", "by": None, "reason": "", "blocked": True}
    event = codec.event_from(StoredEvent(2, 2, "person.removed", removed))
    assert event == events.PersonRemoved(UserId("@a:b"), None, "", blocked=True)


def test_lists_and_objects_come_back_as_what_they_were() -> None:
    cleared = events.QueueCleared(UserId("@a:b"), (UserId("@c:d"),), (EventId("$e"),))
    counted = events.ReactionsCounted({"👏": 3})
    for event in (cleared, counted):
        row = codec.stored(event, 1, 2, None)
        body = json.loads(json.dumps(row.body))
        assert codec.event_from(StoredEvent(1, 2, row.kind, body)) == event
    for kind, wrong in (
        ("hand_queue.cleared", {"by": "@a:b", "users": [1], "reactions": []}),
        ("reactions.counted", {"counts": {"👏": "many"}}),
    ):
        with pytest.raises(codec.CodecError):
            codec.event_from(StoredEvent(1, 2, kind, wrong))
