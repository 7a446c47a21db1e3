"""Who made a membership what it is, told from the current state and what it replaced."""

import pytest

from spaces_bridge.core.ids import EventId, RoomId, UserId
from spaces_bridge.matrix.client.errors import Away, RequestRefused
from spaces_bridge.matrix.client.matrix_client import StateEvent
from spaces_bridge.matrix.rooms.members import Act, Membership, Memberships

pytestmark = pytest.mark.unit

ROOM, ADA, BEN = RoomId("!room"), UserId("@ada:x"), UserId("@ben:x")
BOT = UserId("@spacesbot:x")


class Room:
    """Ben's memberships in one room, oldest first, each by somebody."""

    user = BOT

    def __init__(self, *past: tuple[str, UserId]) -> None:
        self.events: list[StateEvent] = []
        self.failure: Exception | None = None
        for kind, by in past:
            before = self.events[-1].event if self.events else None
            event = EventId(f"${len(self.events)}")
            content = {"membership": kind, "displayname": "Ben"}
            self.events.append(StateEvent(event, before, content, by))

    async def state_event(self, room: RoomId, type_: str, key: str = "") -> StateEvent:
        if not self.events:
            raise RequestRefused(404, "M_NOT_FOUND", "no such member")
        return self.events[-1]

    async def event(self, room: RoomId, event: EventId) -> StateEvent:
        if self.failure is not None:
            raise self.failure
        return next(e for e in self.events if e.event == event)

    async def read(self, *, was_joined: bool = False) -> Membership:
        return await Memberships(self).read(ROOM, BEN, was_joined=was_joined)


JOINED, GONE, KICKED = ("join", BEN), ("leave", BEN), ("leave", ADA)


async def test_nobody_known_is_out_and_nobody_did_it() -> None:
    assert await Room().read() == Membership("leave")


@pytest.mark.parametrize(
    ("past", "act"),
    [
        ([JOINED, GONE], None),
        ([JOINED, KICKED], Act(EventId("$1"), ADA, "kick")),
        ([JOINED, ("leave", BOT)], None),
        ([("invite", ADA), KICKED], None),
        ([("invite", ADA), GONE], None),
        ([("knock", BEN), KICKED], None),
        ([("ban", ADA), KICKED], Act(EventId("$1"), ADA, "unban")),
        ([("ban", BOT), ("leave", BOT)], None),
        ([("ban", BOT)], None),
        ([JOINED, ("ban", ADA)], Act(EventId("$1"), ADA, "ban")),
        ([JOINED, KICKED, JOINED], Act(EventId("$1"), ADA, "kick")),
        ([("ban", BOT), KICKED, JOINED], Act(EventId("$1"), ADA, "unban")),
        ([JOINED, GONE, JOINED], None),
        ([("invite", ADA), JOINED], None),
        ([JOINED, KICKED, JOINED, JOINED], None),
    ],
)
async def test_acts_of_others_are_told_from_ones_own_and_the_bots(
    past: list[tuple[str, UserId]], act: Act | None
) -> None:
    member = await Room(*past).read()
    assert member.act == act
    assert member.membership == past[-1][0]
    assert member.name == ("Ben" if member.joined else "")


@pytest.mark.parametrize("was_joined", [True, False])
async def test_where_history_is_hidden_what_was_known_decides(was_joined: bool) -> None:
    room = Room(JOINED, KICKED)
    room.failure = RequestRefused(404, "M_NOT_FOUND", "gone")
    act = (await room.read(was_joined=was_joined)).act
    assert act == (Act(EventId("$1"), ADA, "kick") if was_joined else None)


async def test_history_that_cannot_be_read_now_is_waited_for() -> None:
    room = Room(JOINED, KICKED)
    room.failure = Away("gone", unreached=True)
    with pytest.raises(Away):
        await room.read()


async def test_a_homeserver_that_names_no_events_shows_memberships_and_no_acts() -> None:
    room = Room()
    room.events = [StateEvent(None, None, {"membership": "ban"})]
    assert await room.read() == Membership("ban")
    room.events = [StateEvent(None, None, {"membership": ["odd"]})]
    assert await room.read() == Membership("leave")


async def test_other_refusals_are_no_answers() -> None:
    class Closed(Room):
        async def state_event(self, room: RoomId, type_: str, key: str = "") -> StateEvent:
            raise RequestRefused(403, "M_FORBIDDEN", "not in the room")

    with pytest.raises(RequestRefused):
        await Closed().read()
