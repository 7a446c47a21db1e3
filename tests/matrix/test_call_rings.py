"""Rules of call notifications and of reactions in calls that a homeserver need not show."""

from dataclasses import replace
from typing import Any

import pytest

from spaces_bridge.app.records import CallAlert
from spaces_bridge.app.tasks import RingFollowers
from spaces_bridge.core import events as ev
from spaces_bridge.core.ids import EventId, RoomId, SpaceId, UserId
from spaces_bridge.core.live_space import LiveSpace, Person
from spaces_bridge.matrix.client.errors import NotYetError, RequestRefused
from spaces_bridge.matrix.client.matrix_client import StateEvent
from spaces_bridge.matrix.events import call_words, rtc
from spaces_bridge.matrix.rooms.call_reactions import PER_MINUTE, SHARE, CallReactions
from spaces_bridge.matrix.rooms.call_rings import LIFETIME_MS, MENTIONED_MAX, RUNG_MAX, CallRings
from spaces_bridge.matrix.settings import MatrixSettings
from tests.matrix.command_setup import CommandSetup
from tests.support.spaces import BEN, EVE, HOST, ROOM, live_space

pytestmark = pytest.mark.unit

SETTINGS = MatrixSettings("http://hs", "example.org", "as", "hs", "https://p", call_stage="open")
OFF = MatrixSettings("http://hs", "example.org", "as", "hs", "https://p")
LIVE = live_space()
STARTED_MS = 2_000
WANTED = RingFollowers(LIVE.space, STARTED_MS)


class Room:
    """A homeserver, followers and a room's budget."""

    user = SETTINGS.bot

    def __init__(self, settings: MatrixSettings = SETTINGS, space: LiveSpace = LIVE) -> None:
        self.space = space
        self.now = STARTED_MS + 1
        self.is_member = True
        self.budget_s = 0.0
        self.clients = True
        self.who = [BEN, EVE]
        self.sent: list[tuple[str, Any, str]] = []
        every: Any = self
        self.rings = CallRings(every, every, every, settings, every)
        self.reactions = CallReactions(
            every, every, settings, every, lambda _: self.clients, self.room_wait_s
        )

    def now_ms(self) -> int:
        return self.now

    def room_wait_s(self, room: RoomId, share: float) -> float:
        assert (room, share) == (ROOM, SHARE)
        return self.budget_s

    def view(self, space: SpaceId) -> LiveSpace | None:
        return self.space

    async def find(self, space: SpaceId) -> LiveSpace | None:
        return self.space

    async def alerted(
        self, host: UserId, alert: CallAlert, after: UserId | None, limit: int
    ) -> list[UserId]:
        assert host == HOST
        if alert is not CallAlert.RING:
            return []
        return [user for user in self.who if after is None or user > after][:limit]

    async def state_event(self, room: RoomId, type_: str, key: str) -> StateEvent:
        if not self.is_member:
            raise RequestRefused(404, "M_NOT_FOUND", "none")
        return StateEvent(EventId("$own"), None, {"device_id": "SPACESBOT"})

    async def send(self, room: RoomId, type_: str, content: Any, key: str) -> EventId:  # noqa: ANN401
        self.sent.append((type_, content, key))
        return EventId("$sent")


async def test_only_who_is_in_the_room_is_rung_and_a_repeat_is_the_same_event() -> None:
    room = Room()
    await room.rings.run(WANTED, "key")
    await room.rings.run(WANTED, "key")
    [(type_, content, key), again] = room.sent
    assert (type_, content["m.mentions"]["user_ids"]) == (call_words.NOTIFICATION, [BEN])
    assert again[2] == key, "the homeserver takes it for the same one"


async def test_what_would_be_late_is_dropped_and_what_is_early_waits_for_the_bots_membership() -> (
    None
):
    room = Room()
    room.is_member = False
    with pytest.raises(NotYetError):
        await room.rings.run(WANTED, "key")
    room.now = STARTED_MS + LIFETIME_MS
    await room.rings.run(WANTED, "key")
    room.is_member = True
    await room.rings.run(WANTED, "key")
    assert not room.sent
    room.now -= 1
    await room.rings.run(WANTED, "key")
    assert room.sent[0][1]["lifetime"] == 1


async def test_a_crowd_is_rung_in_events_of_a_bounded_size() -> None:
    crowd = [UserId(f"@u{number:04}:example.org") for number in range(RUNG_MAX + 50)]
    people = {**LIVE.people, **{user: Person(user, "", joined=True) for user in crowd}}
    room = Room(space=replace(LIVE, people=people))
    room.who = crowd
    await room.rings.run(WANTED, "key")
    assert [len(content["m.mentions"]["user_ids"]) for _, content, _ in room.sent] == (
        [MENTIONED_MAX] * (RUNG_MAX // MENTIONED_MAX)
    )
    assert len({key for _, _, key in room.sent}) == len(room.sent)


async def test_where_there_are_no_calls_nothing_rings_and_nothing_is_shown() -> None:
    room = Room(OFF)
    await room.rings.run(WANTED, "key")
    room.reactions.changed(LIVE, [ev.Reacted(BEN, "👏", None)])
    await room.reactions.show()
    assert not room.sent


@pytest.mark.parametrize("short", ["budget", "clients"])
async def test_reactions_are_not_shown_when_the_budget_is_short_or_nobody_is_there(
    short: str,
) -> None:
    room = Room()
    if short == "budget":
        room.budget_s = 1.0
    else:
        room.clients = False
    room.reactions.changed(LIVE, [ev.ReactionsCounted({"👏": 1000})])
    await room.reactions.show()
    room.budget_s, room.clients = 0.0, True
    await room.reactions.show()
    assert not room.sent, "a reaction that is late is none"


async def test_a_reaction_out_of_the_call_is_not_shown_in_it_and_refused_ones_leave_no_trace() -> (
    None
):
    room = Room()
    with room.reactions.from_call(LIVE.space, BEN, "👏"):
        room.reactions.changed(LIVE, [ev.Reacted(BEN, "👏", None)])
    with room.reactions.from_call(LIVE.space, BEN, "👏"):
        pass  # the live space refused it
    await room.reactions.show()
    assert not room.sent
    room.reactions.changed(LIVE, [ev.Reacted(BEN, "👏", None), ev.Reacted(HOST, "👏", None)])
    await room.reactions.show()
    [(type_, content, _)] = room.sent
    assert (type_, content["emoji"]) == (rtc.CALL_REACTION, "👏")


async def test_where_there_are_no_calls_nobody_chooses_to_be_rung() -> None:
    async with CommandSetup() as setup:
        assert "no calls here" in await setup.say(BEN, f"!space follow {HOST} ring")
        assert not setup.notebook.following
        assert "You follow" in await setup.say(BEN, f"!space follow {HOST}")


async def test_a_crowd_that_claps_on_and_on_is_so_many_events_a_minute() -> None:
    room = Room()
    for _ in range(PER_MINUTE + 5):
        room.reactions.changed(LIVE, [ev.ReactionsCounted({"👏": 99})])
        await room.reactions.show()
    assert len(room.sent) == PER_MINUTE
    room.now += 60_000
    room.reactions.changed(LIVE, [ev.ReactionsCounted({"👏": 1})])
    await room.reactions.show()
    assert len(room.sent) == PER_MINUTE + 1
