"""Commands in rooms whose live space has ended."""

from typing import Any

import pytest

from spaces_bridge.app.records import SpaceSummary, StoredEvent
from spaces_bridge.app.tasks import OutboxTask, Reply, TellUser
from spaces_bridge.core import commands as cmd
from spaces_bridge.core import events as ev
from spaces_bridge.core.errors import Rejected
from spaces_bridge.core.evolution import born, evolve
from spaces_bridge.core.ids import EventId, RoomId, SpaceId, UserId
from spaces_bridge.core.live_space import LiveSpace, Phase
from spaces_bridge.core.rules import create
from spaces_bridge.matrix.commands.archive import Archive
from spaces_bridge.matrix.commands.context import CommandContext
from spaces_bridge.matrix.commands.dispatcher import CommandDispatcher
from spaces_bridge.matrix.events.translate import Message
from spaces_bridge.matrix.settings import MatrixSettings
from tests.support.notes import MemoryNotes

pytestmark = pytest.mark.unit

ADA = UserId("@ada:x")
OLD_ROOM, ROOM = RoomId("!old"), RoomId("!room")
ENDED_BY = "$ended-by"


def live_space(name: str, room: RoomId, *, ended: bool = False) -> LiveSpace:
    space = born(create(cmd.CreateSpace(SpaceId(name), name, name, ADA, "Ada", 1)))
    happened: list[Any] = [ev.RoomAttached(room), ev.SpaceStarted(ADA, 2)]
    if ended:
        happened.append(ev.SpaceEnded(ADA, 3, ""))
    for event in happened:
        space = evolve(space, event)
    return space


class SpacesSetup:
    """An ended live space that nobody keeps in memory, and one of the same host that is on."""

    def __init__(self) -> None:
        self.old = live_space("old", OLD_ROOM, ended=True)
        self.on = live_space("on", ROOM)
        self.asked: list[SpaceId] = []
        self.enqueued: list[OutboxTask] = []
        self.notes = MemoryNotes()

    # --- the live spaces

    def by_room(self, room: RoomId) -> LiveSpace | None:
        return self.on if room == ROOM else None

    def open(self) -> list[LiveSpace]:
        return [self.on]

    async def find(self, space: SpaceId) -> LiveSpace | None:
        return next((s for s in (self.old, self.on) if s.space == space), None)

    async def ask(self, space: SpaceId, *_: object) -> list[object]:
        if space == self.old.space:
            raise Rejected("ended", "This live space has ended.")
        self.asked.append(space)
        return []

    async def enqueue_task(self, wanted: OutboxTask, key: str, due_at_ms: int = 0) -> None:
        self.enqueued.append(wanted)

    # --- the storage

    async def summary(self, room: RoomId) -> SpaceSummary | None:
        if room != OLD_ROOM:
            return None
        phase = Phase.ENDED.value
        return SpaceSummary(self.old.space, "old", "old", ADA, phase, False, OLD_ROOM, None, 2, 3)

    async def replay(self, space: SpaceId) -> list[StoredEvent]:
        return [StoredEvent(1, 1, "space.created", {}), StoredEvent(2, 3, "x", {}, ENDED_BY)]

    async def is_direct(self, room: RoomId) -> bool:
        return room != ROOM

    async def have_met(self, user: UserId) -> bool:
        return True

    def now_ms(self) -> int:
        return 1000


class Directory:
    """The set-up's look-ups."""

    def __init__(self, setup: SpacesSetup) -> None:
        self.by_room = setup.summary


async def hear(
    setup: SpacesSetup,
    text: str,
    *,
    event: str = "$said",
    room: RoomId = OLD_ROOM,
    full: bool = False,
) -> None:
    """Said by the host. `full`: the room has had its events of this minute."""
    every: Any = setup
    directory: Any = Directory(setup)
    settings = MatrixSettings("http://hs", "x", "as", "hs", "https://pages")
    archive = Archive(directory, every)
    context = CommandContext(every, every, archive, setup.notes, settings, every, every)
    talk = CommandDispatcher(context, every, lambda _: full)
    await talk.hear(Message(room, EventId(event), ADA, text))


def answer(setup: SpacesSetup) -> Reply:
    (reply,) = setup.enqueued
    assert isinstance(reply, Reply)
    return reply


@pytest.mark.parametrize("verb", ["end", "start", "approve 1", "deny 1", "demote x", "link"])
async def test_a_command_in_the_room_of_an_ended_live_space_is_about_no_other(verb: str) -> None:
    setup = SpacesSetup()
    await hear(setup, f"!space {verb}")
    reply = answer(setup)
    assert not reply.ok
    assert "has ended" in reply.text
    assert setup.asked == []


async def test_an_end_that_is_heard_again_after_it_took_effect_is_no_failure() -> None:
    setup = SpacesSetup()
    await hear(setup, "!space end", event=ENDED_BY)
    reply = answer(setup)
    assert reply.ok
    assert "“old” has ended" in reply.text
    assert setup.asked == []


async def test_talk_in_the_room_of_an_ended_live_space_is_not_meant_for_the_bot() -> None:
    setup = SpacesSetup()
    await hear(setup, "end of the world")
    assert setup.enqueued == []


async def test_a_direct_message_is_about_the_one_live_space_that_is_on() -> None:
    setup = SpacesSetup()
    await hear(setup, "end", room=RoomId("!dm"))
    assert answer(setup).ok
    assert setup.asked == [setup.on.space]


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("end", "“on” has ended. Thank you!"),
        ("chat off", "“on”: Only people on the stage may write."),
        ("chat perhaps", "❌ “on”: `chat` takes `on` or `off`."),
    ],
)
async def test_where_the_rooms_budget_is_spent_the_answer_comes_by_direct_message(
    text: str, answer: str
) -> None:
    setup = SpacesSetup()
    await hear(setup, f"!space {text}", room=ROOM, full=True)
    assert setup.enqueued == [TellUser(ADA, answer)]
