"""What the bot writes of calls: its own membership, and an end of other people's."""

from dataclasses import replace
from typing import Any

import pytest

from spaces_bridge.app.tasks import ClearCallMember, EndStageCall, OutboxTask, WriteCallMember
from spaces_bridge.core import commands as cmd
from spaces_bridge.core.ids import EventId, RoomId, SpaceId, UserId
from spaces_bridge.core.live_space import LiveSpace
from spaces_bridge.matrix.client.errors import RequestRefused
from spaces_bridge.matrix.client.matrix_client import PAGE, StateEvent
from spaces_bridge.matrix.events import rtc
from spaces_bridge.matrix.rooms.call_members import (
    CLEARED_MAX,
    GRACE_MS,
    PAGES_MAX,
    CallConnections,
    CallMemberships,
    CallTask,
)
from spaces_bridge.matrix.settings import MatrixSettings
from tests.support.spaces import BEN, EVE, HOST, ROOM, after, live_space, scheduled

pytestmark = pytest.mark.unit

SETTINGS = MatrixSettings("http://hs", "example.org", "as", "hs", "https://p", call_stage="open")
OWN = rtc.own_state_key(SETTINGS.bot)
LIVE = live_space()
OVER = after(LIVE, cmd.EndSpace(HOST, 9_000))
STARTED_MS = 2_000
CLOSED = ("m.call#ROOM", {"status": "closed"})
"""The call's slot, at the end."""


def event_of(key: str, content: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": rtc.MEMBER_STATE,
        "room_id": ROOM,
        "event_id": "$e",
        "sender": key[1:].partition("_")[0],
        "state_key": key,
        "origin_server_ts": STARTED_MS,
        "content": content,
    }


def nothing_happens() -> None:
    """What happens while the homeserver answers."""


class Room:
    """A room's state, and the bot that writes it."""

    user = SETTINGS.bot

    def __init__(
        self, space: LiveSpace, settings: MatrixSettings = SETTINGS, *, whole: bool = True
    ) -> None:
        self.space = space
        self.now = STARTED_MS + GRACE_MS
        self.held: dict[str, dict[str, Any]] = {}
        self.written: list[tuple[str, object]] = []
        self.enqueued: list[OutboxTask] = []
        self.arranged = 0
        self.refusal: RequestRefused | None = None
        self.while_asked = nothing_happens
        self.pages = 0
        self._whole = whole
        every: Any = self
        self.connections = CallConnections(every, every)
        self.now += GRACE_MS
        self.tasks = CallMemberships(every, every, settings, every, every, self.connections)

    def now_ms(self) -> int:
        return self.now

    def add(self, user: UserId, device: str, **changes: object) -> str:
        content = rtc.own_member(user, device, ROOM, SETTINGS.livekit_service_url, 0, self.now)
        key = OWN if user == SETTINGS.bot else rtc.state_key(user, device)
        self.held[key] = {**content, **changes}
        return key

    # spaces
    async def find(self, space: SpaceId) -> LiveSpace | None:
        return self.space if space == self.space.space else None

    async def enqueue_task(self, wanted: OutboxTask, key: str) -> None:
        self.enqueued.append(wanted)

    async def arrange_levels(self, space: SpaceId, room: RoomId) -> None:
        assert not self.written, "first nobody may come back"
        self.arranged += 1

    # the homeserver
    async def state(self, room: RoomId, type_: str, key: str) -> object:
        return self.held.get(key)

    async def state_event(self, room: RoomId, type_: str, key: str) -> StateEvent:
        if self.refusal is not None:
            raise self.refusal
        if key not in self.held:
            raise RequestRefused(404, "M_NOT_FOUND", "none")
        self.while_asked()
        if not self._whole:
            return StateEvent(None, None, self.held[key])
        user = UserId(key[1:].partition("_")[0])
        return StateEvent(EventId("$e"), None, self.held[key], user, STARTED_MS)

    async def page_back(
        self, room: RoomId, types: list[str], start: str | None
    ) -> tuple[list[dict[str, Any]], str | None]:
        """Two events of each key, of which the earlier would say something else."""
        assert types == [rtc.MEMBER_STATE]
        self.pages += 1
        written = [each for each in self.held.items() if each != CLOSED][::-1]
        written += [(key, {} if content else {"old": 1}) for key, content in written]
        begin = int(start or 0)
        end = begin + PAGE
        page = [event_of(key, content) for key, content in written[begin:end]]
        return page, str(end) if end < len(written) else None

    async def write_state(self, room: RoomId, type_: str, content: Any, key: str) -> None:  # noqa: ANN401 - JSON
        self.written.append((key, content))
        self.held[key] = content

    async def ensure_state(self, room: RoomId, type_: str, content: Any, key: str) -> None:  # noqa: ANN401 - JSON
        if self.held.get(key) != content:
            await self.write_state(room, type_, content, key)

    async def run(self, task: CallTask) -> None:
        await self.tasks.run(task, "key")

    def clear(self, user: UserId = BEN, device: str = "DEV") -> ClearCallMember:
        return ClearCallMember(self.space.space, user, device, self.now - 1)


WRITE = WriteCallMember(LIVE.space)


async def test_the_bots_membership_is_written_once() -> None:
    room = Room(LIVE)
    await room.run(WRITE)
    await room.run(WRITE)
    assert [key for key, _ in room.written] == [OWN]


@pytest.mark.parametrize("space", [LIVE, replace(LIVE, room=None), scheduled()])
async def test_without_calls_a_room_or_a_start_nothing_is_written(space: LiveSpace) -> None:
    room = Room(space, replace(SETTINGS, call_stage="off"))
    await room.run(WRITE)
    assert room.written == []


async def test_where_calls_were_switched_off_the_bot_leaves() -> None:
    room = Room(LIVE, replace(SETTINGS, call_stage="off"))
    room.add(SETTINGS.bot, "SPACESBOT")
    await room.run(WRITE)
    await room.run(WRITE)
    assert room.written == [(OWN, {})]


async def test_where_there_was_no_call_its_end_asks_for_nothing() -> None:
    room = Room(OVER)
    room.add(BEN, "DEV")
    await room.run(WRITE)
    assert (room.arranged, room.written, room.enqueued) == (0, [], [])


async def test_at_the_end_those_who_are_there_are_cleared_after_the_levels() -> None:
    room = Room(OVER)
    room.add(SETTINGS.bot, "SPACESBOT")
    room.add(BEN, "DEV")
    room.add(EVE, "LAPSED", expires=1)
    room.held[rtc.state_key(EVE, "LEFT")] = {}
    room.held["_odd"] = {"application": "m.call"}
    await room.run(WRITE)
    assert room.arranged == 1
    assert room.written == [(OWN, {}), CLOSED]
    assert room.enqueued == [ClearCallMember(OVER.space, BEN, "DEV")]


async def test_no_more_than_so_many_are_cleared() -> None:
    room = Room(OVER)
    room.add(SETTINGS.bot, "SPACESBOT")
    for number in range(CLEARED_MAX + 10):
        room.add(BEN, f"DEV{number}")
    await room.run(WRITE)
    assert len(room.enqueued) == CLEARED_MAX
    assert room.pages == CLEARED_MAX / PAGE


async def test_of_a_room_that_was_filled_with_memberships_so_many_are_read() -> None:
    room = Room(OVER)
    room.add(SETTINGS.bot, "SPACESBOT")
    room.add(BEN, "DEV")
    for number in range(PAGES_MAX * PAGE):
        room.held[f"_filler{number}"] = {"application": "m.call"}
    room.add(EVE, "DEV")
    await room.run(WRITE)
    assert room.pages == PAGES_MAX
    assert room.enqueued == [ClearCallMember(OVER.space, EVE, "DEV")]


async def test_who_has_no_floor_leaves_the_call_of_a_strict_stage_alone() -> None:
    strict = replace(SETTINGS, call_stage="strict")
    for settings, user, ends in (
        (strict, BEN, True),
        (SETTINGS, BEN, False),
        (strict, HOST, False),
    ):
        room = Room(LIVE, settings)
        keys = [room.add(user, "DEV"), room.add(user, "PHONE")]
        room.add(EVE, "DEV")
        await room.run(EndStageCall(LIVE.space, user))
        assert sorted(room.written) == ([(key, {}) for key in keys] if ends else [])


@pytest.mark.parametrize("whole", [True, False])
async def test_what_a_killed_client_left_is_cleared(whole: bool) -> None:
    """Also by homeservers that give contents without their events."""
    room = Room(LIVE, whole=whole)
    key = room.add(BEN, "DEV")
    await room.run(room.clear())
    assert room.written == [(key, {})]


@pytest.mark.parametrize(
    "changes",
    [
        {"expires": 1},
        {"device_id": "OTHER"},
        {"foci_preferred": [{"type": "livekit", "livekit_service_url": "https://far"}]},
    ],
)
async def test_what_no_client_of_ours_shows_is_left_alone(changes: dict[str, object]) -> None:
    room = Room(LIVE)
    room.add(BEN, "DEV", **changes)
    await room.run(room.clear())
    await room.run(room.clear(EVE))
    assert room.written == []


async def test_a_device_that_comes_back_while_its_membership_is_read_keeps_it() -> None:
    room = Room(LIVE)
    room.add(BEN, "DEV")
    room.while_asked = lambda: room.connections.connected(LIVE.space, BEN, "DEV")
    await room.run(room.clear())
    assert room.written == []

    def comes_and_goes() -> None:
        room.connections.connected(LIVE.space, BEN, "DEV")
        room.connections.gone(LIVE.space, BEN, "DEV")

    room.connections.gone(LIVE.space, BEN, "DEV")
    room.while_asked = comes_and_goes
    await room.run(room.clear())
    assert room.written == []


async def test_what_was_written_after_the_device_was_gone_stays() -> None:
    room = Room(LIVE)
    room.add(BEN, "DEV")
    await room.run(ClearCallMember(LIVE.space, BEN, "DEV", STARTED_MS - 1))
    assert room.written == []


async def test_another_refusal_than_that_there_is_none_is_not_swallowed() -> None:
    room = Room(LIVE)
    room.refusal = RequestRefused(403, "M_FORBIDDEN", "no")
    with pytest.raises(RequestRefused):
        await room.run(room.clear())
    await room.tasks.refused(room.clear(), room.refusal)
