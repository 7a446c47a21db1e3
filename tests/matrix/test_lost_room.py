"""When a live space's room is not ours any more: what counts is what the homeserver holds."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from spaces_bridge.app import tasks
from spaces_bridge.core import commands as cmd
from spaces_bridge.core.ids import RoomId, SpaceId
from spaces_bridge.core.live_space import LiveSpace, Phase
from spaces_bridge.matrix.events.translate import RoomLost, meaning_of
from spaces_bridge.matrix.rooms.lost_room import PUT_OUT, REPLACED, RoomLossCheck
from spaces_bridge.matrix.settings import MatrixSettings
from tests.matrix.support import SystemClock
from tests.support.spaces import BEN, HOST, ROOM, after, live_space

pytestmark = pytest.mark.unit

SETTINGS = MatrixSettings("http://hs", "example.org", "as", "hs", "https://pages")
TOMBSTONE = {"body": "It goes on elsewhere", "replacement_room": "!elsewhere"}


@dataclass
class Held:
    """What the homeserver holds of the bot and its room."""

    joined: Sequence[str] = (ROOM,)
    tombstone: dict[str, Any] | None = None

    async def call(self, method: str, path: Sequence[str]) -> dict[str, Any]:
        assert (method, path) == ("GET", ["joined_rooms"])
        return {"joined_rooms": list(self.joined)}

    async def state(self, room: RoomId, type_: str) -> dict[str, Any] | None:
        assert (room, type_) == (ROOM, "m.room.tombstone")
        return self.tombstone


@dataclass
class OneSpace:
    """One live space."""

    space: LiveSpace
    told: list[tasks.OutboxTask] = field(default_factory=list)

    def by_room(self, room: RoomId) -> LiveSpace | None:
        return self.space if room == ROOM else None

    async def ask(self, space: SpaceId, command: cmd.Command) -> list[Any]:
        assert space == self.space.space
        self.space = after(self.space, command)
        return []

    async def enqueue_task(self, wanted: tasks.OutboxTask, key: str) -> None:
        assert key == f"evicted:{self.space.space}"
        self.told.append(wanted)


async def look(held: Held, room: RoomId = ROOM) -> OneSpace:
    """With the host on air."""
    spaces = OneSpace(after(live_space(), cmd.OpenMicrophone(HOST)))
    assert spaces.space.on_air
    await RoomLossCheck(held, spaces, SystemClock()).look(room)  # type: ignore[arg-type]  # as much as it uses
    return spaces


def event(type_: str, key: str, content: dict[str, Any], sender: str = BEN) -> dict[str, Any]:
    head = {"type": type_, "state_key": key, "sender": sender, "event_id": "$1"}
    return {**head, "room_id": ROOM, "content": content}


@pytest.mark.parametrize(
    ("held", "why"),
    [
        (Held(tombstone=TOMBSTONE), REPLACED),
        (Held(tombstone={}), REPLACED),
        (Held(joined=()), PUT_OUT),
        (Held(joined=("!other",), tombstone=TOMBSTONE), PUT_OUT),
    ],
)
async def test_a_space_without_its_room_ends_with_its_microphones_and_the_host_is_told(
    held: Held, why: str
) -> None:
    spaces = await look(held)
    assert spaces.space.phase is Phase.ENDED
    assert not spaces.space.on_air
    assert not spaces.space.microphones
    text = f"“First talk” has ended: {why}. `create` makes a new one."
    assert spaces.told == [tasks.TellUser(HOST, text)]


async def test_a_tombstone_that_is_not_in_the_state_changes_nothing() -> None:
    """Its sender lacked the level, or its fork of the room lost: the event alone is a hint."""
    said = event("m.room.tombstone", "", TOMBSTONE)
    assert meaning_of(said, SETTINGS) == RoomLost(ROOM)
    spaces = await look(Held(tombstone=None))
    assert spaces.space.phase is Phase.LIVE
    assert spaces.space.on_air
    assert spaces.told == []


@pytest.mark.parametrize(
    "said",
    [
        event("m.room.tombstone", "other", TOMBSTONE),
        event("m.room.member", BEN, {"membership": "leave"}),
        event("m.room.member", SETTINGS.bot, {"membership": "join"}),
    ],
)
def test_what_does_not_take_the_room_is_no_reason_to_look(said: dict[str, Any]) -> None:
    assert not isinstance(meaning_of(said, SETTINGS), RoomLost)


async def test_a_room_of_nobody_is_not_looked_at() -> None:
    spaces = await look(Held(tombstone=TOMBSTONE), RoomId("!unknown"))
    assert spaces.space.phase is Phase.LIVE
