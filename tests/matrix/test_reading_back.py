"""Encrypted events that are read back from a room are seen as they were written."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from spaces_bridge.core.ids import EventId, RoomId, UserId
from spaces_bridge.matrix.client.matrix_client import MatrixClient
from spaces_bridge.matrix.commands.edits import ONCE, Edits
from spaces_bridge.matrix.events.translate import Message
from spaces_bridge.matrix.text.commands import Misunderstood, parse
from tests.support.notes import MemoryNotes

pytestmark = pytest.mark.unit

ROOM, EVE, BOT = RoomId("!room"), UserId("@eve:home"), UserId("@bot:home")


def event(name: str, type_: str, content: Mapping[str, Any]) -> dict[str, Any]:
    return {"event_id": name, "type": type_, "sender": EVE, "content": content}


def secret(name: str, text: str) -> dict[str, Any]:
    return event(name, "m.room.encrypted", {"algorithm": "m.megolm.v1.aes-sha2", "secret": text})


class Api:
    """A homeserver with a room's events, newest first."""

    def __init__(self, *events: dict[str, Any]) -> None:
        self.events = list(events)
        self.filters: list[str] = []

    async def call(
        self,
        method: str,
        path: Sequence[str],
        body: object = None,
        *,
        user: UserId,
        query: Mapping[str, str] | None = None,
    ) -> Any:  # noqa: ANN401 - JSON
        if path[2] == "event":
            [found] = [each for each in self.events if each["event_id"] == path[3]]
            return {**found, "room_id": ROOM}
        self.filters.append((query or {})["filter"])
        return {"chunk": self.events}


class Cipher:
    """Decrypts what is not marked as lost."""

    async def sealed(self, room: RoomId, type_: str, content: Mapping[str, Any]) -> None:
        return None

    async def opened(self, event: Mapping[str, Any]) -> Mapping[str, Any]:
        assert event["room_id"] == ROOM
        text = event["content"]["secret"]
        if text == "lost":
            return event
        return {**event, "type": "m.room.message", "content": {"msgtype": "m.text", "body": text}}


def client(*events: dict[str, Any]) -> MatrixClient:
    return MatrixClient(Api(*events), BOT, Cipher())  # type: ignore[arg-type]  # all that it asks


async def test_the_last_messages_are_read_whether_encrypted_or_not() -> None:
    plain = event("$1", "m.room.message", {"body": "plain"})
    found = await client(secret("$3", "lost"), secret("$2", "kept"), plain).last_messages(ROOM, 5)
    assert [each["content"]["body"] for each in found] == ["plain", "kept"]


async def test_what_was_done_stays_done_though_it_was_encrypted() -> None:
    """Else an edited command would be carried out once more."""
    past = client(secret("$first", "live"))
    edits = Edits(past, MemoryNotes(), lambda said: parse(said.text, direct=True))
    edited = Message(ROOM, EventId("$edit"), EVE, "help", rewords=EventId("$first"))
    _, request = await edits.look(edited, EventId("$first"))
    assert request == Misunderstood(ONCE)


async def test_an_edit_of_what_cannot_be_read_any_more_is_not_carried_out() -> None:
    edits = Edits(
        client(secret("$first", "lost")), MemoryNotes(), lambda s: parse(s.text, direct=True)
    )
    edited = Message(ROOM, EventId("$edit"), EVE, "end", rewords=EventId("$first"))
    _, request = await edits.look(edited, EventId("$first"))
    assert request == Misunderstood(ONCE)


async def test_a_client_without_encryption_leaves_events_as_they_are() -> None:
    bare = MatrixClient(Api(secret("$1", "kept")), BOT)  # type: ignore[arg-type]
    found = await bare.event(ROOM, EventId("$1"))
    assert "secret" in found.content
