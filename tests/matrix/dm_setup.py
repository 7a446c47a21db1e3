"""A set-up for what writes direct messages: it notes what is sent and enqueued."""

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from spaces_bridge.app.notes.dms_and_reactions import RoomUser
from spaces_bridge.app.tasks import OutboxTask, TellUser
from spaces_bridge.core import commands as cmd
from spaces_bridge.core import events as ev
from spaces_bridge.core.evolution import born, evolve
from spaces_bridge.core.ids import EventId, RoomId, SpaceId, UserId
from spaces_bridge.core.live_space import LiveSpace
from spaces_bridge.core.rules import create, decide
from spaces_bridge.matrix.dms.rooms import ChatStanding
from spaces_bridge.matrix.invites.limits import DAY_MS
from spaces_bridge.matrix.settings import MatrixSettings
from tests.support.notes import MemoryNotes
from tests.support.recorder import Recorder

ADA, BEN, SPACE = UserId("@ada:x"), UserId("@ben:x"), SpaceId("space")
SETTINGS = MatrixSettings("http://hs", "x", "as", "hs", "https://pages")


def scheduled(at_ms: int | None = None, *, private: bool = False) -> LiveSpace:
    made = create(
        cmd.CreateSpace(
            SPACE, "bread", "Bread", ADA, "Ada", 1, private=private, scheduled_at_ms=at_ms
        )
    )
    found = evolve(born(made), ev.RoomAttached(RoomId("!room")))
    joined = decide(found, cmd.ObserveMember(ADA, True, "Ada"))
    joined += decide(found, cmd.ObserveLevels({ADA: 90}))
    for event in joined:
        found = evolve(found, event)
    return found


def started() -> LiveSpace:
    space = evolve(scheduled(), ev.SpaceStarted(ADA, 2))
    for event in decide(space, cmd.ObserveMember(BEN, True, "Ben")):
        space = evolve(space, event)
    return space


class DmSetup:
    """The bot, its direct rooms, its live spaces and its notes."""

    def __init__(self) -> None:
        self.followers = Recorder()
        self.now = 5 * DAY_MS
        self.notes = MemoryNotes()
        self.texts: defaultdict[UserId, list[str]] = defaultdict(list)
        self.seeds: defaultdict[str, list[str]] = defaultdict(list)
        self.enqueued: list[OutboxTask] = []
        self.asked: list[cmd.Command] = []
        self.standings: dict[UserId, ChatStanding] = {}
        self.space = started()
        self.away: list[Exception] = []

    @property
    def told(self) -> list[TellUser]:
        return [wanted for wanted in self.enqueued if isinstance(wanted, TellUser)]

    def happen(self, command: cmd.Command) -> None:
        for event in decide(self.space, command):
            self.space = evolve(self.space, event)

    def now_ms(self) -> int:
        return self.now

    # --- live spaces

    async def find(self, space: SpaceId) -> LiveSpace | None:
        return self.space if space == self.space.space else None

    async def ask(
        self, space: SpaceId, command: cmd.Command, source: str | None = None
    ) -> list[ev.Event]:
        self.asked.append(command)
        self.happen(command)
        return []

    async def enqueue_task(self, wanted: OutboxTask, key: str, due_at_ms: int = 0) -> None:
        self.enqueued.append(wanted)

    # --- direct rooms

    async def standing(self, user: UserId) -> ChatStanding:
        return self.standings.get(user, ChatStanding.STRANGER)

    async def room_for(self, user: UserId, title: str = "", word: str = "") -> RoomId:
        if self.away:
            raise self.away.pop(0)
        room = RoomId(f"!dm-{user}")
        self.notes.add(RoomUser(room, user))
        return room

    # --- the bot

    async def send(
        self, room: RoomId, type_: str, content: Mapping[str, Any], key: str
    ) -> EventId:
        if type_ == "m.reaction":
            relation = content["m.relates_to"]
            self.seeds[relation["event_id"]].append(relation["key"])
        else:
            self.texts[UserId(room.removeprefix("!dm-"))].append(content["body"])
        return EventId(f"${key}")
