"""What the Matrix side remembers of rooms, people and servers has a bound or an end."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest

from spaces_bridge.app import tasks
from spaces_bridge.core import commands as cmd
from spaces_bridge.core.errors import Rejected
from spaces_bridge.core.ids import EventId, RoomId, SpaceId, UserId
from spaces_bridge.core.live_space import LiveSpace
from spaces_bridge.matrix.cards import listing
from spaces_bridge.matrix.cards.listing import RoomList
from spaces_bridge.matrix.cards.pins import Pins, first
from spaces_bridge.matrix.client.errors import Away
from spaces_bridge.matrix.client.matrix_client import StateEvent
from spaces_bridge.matrix.client.pace import Pacer
from spaces_bridge.matrix.dms import rooms as direct_rooms
from spaces_bridge.matrix.dms import store
from spaces_bridge.matrix.dms.rooms import DirectRooms
from spaces_bridge.matrix.dms.store import DmStore
from spaces_bridge.matrix.invites import throttle
from spaces_bridge.matrix.invites.throttle import ServerThrottle
from spaces_bridge.matrix.moderation.bans import Bans
from spaces_bridge.matrix.rooms.members import Membership
from spaces_bridge.matrix.rooms.power_levels import PowerLevels
from tests.support.kept import kept
from tests.support.notes import MemoryNotes
from tests.support.spaces import BEN, HOST, after, live_space

pytestmark = pytest.mark.unit

MANY, FEW = 40, 8
ROOMS = [RoomId(f"!room{n}") for n in range(MANY)]


class Homeserver:
    """Takes whatever is asked of it, in any number of rooms; also the live space that hears."""

    user = UserId("@spacesbot:x")

    def __init__(self, space: LiveSpace | None = None) -> None:
        self.pins: dict[RoomId, list[str]] = {}
        self.space = space

    async def call(
        self, method: str, path: list[str], body: Mapping[str, Any] | None = None
    ) -> Mapping[str, Any]:
        return {"room_id": "!made", "visibility": "public"}

    async def joined(self, room: RoomId) -> list[UserId]:
        return [self.user, HOST, BEN]

    async def all_state(self, room: RoomId) -> Mapping[tuple[str, str], Mapping[str, Any]]:
        return {}

    async def state_event(self, room: RoomId, type_: str, key: str = "") -> StateEvent:
        return StateEvent(EventId("$pins"), None, {"pinned": self.pins.get(room, [])})

    async def write_state(
        self, room: RoomId, type_: str, content: Mapping[str, Any], key: str = ""
    ) -> EventId:
        self.pins[room] = content.get("pinned", [])
        return EventId("$pins")

    async def find(self, space: SpaceId) -> LiveSpace | None:
        return self.space

    async def membership(self, space: SpaceId, room: RoomId, user: UserId) -> Membership:
        return Membership("ban")

    async def ask(self, *_: object) -> list[object]:
        raise Rejected("ended", "It has ended.")


@pytest.fixture
def everything() -> Any:  # noqa: ANN401  it plays many parts
    return Homeserver()


async def test_direct_rooms_keep_nothing_of_people_and_little_of_crowds(
    everything: Any,  # noqa: ANN401
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(direct_rooms, "CROWDS_KEPT", FEW)
    dms = DirectRooms(everything, MemoryNotes())
    for number in range(MANY):
        await dms.room_for(UserId(f"@person{number}:x"))
        await dms.adopt(UserId(f"@other{number}:x"), RoomId("!theirs"))
    assert kept(dms) == 0
    for room in ROOMS:
        assert not await dms.is_direct(room)
    assert kept(dms) == FEW


async def test_pins_and_levels_keep_nothing_of_rooms(everything: Any) -> None:  # noqa: ANN401
    pins, observer = Pins(everything), PowerLevels(everything, everything, MemoryNotes())
    for room in ROOMS:
        await pins.arrange(room, first(EventId("$card")))
        await observer.observe_levels(SpaceId("space"), room)
    assert everything.pins.keys() == set(ROOMS)
    assert (kept(pins), kept(observer)) == (0, 0)


async def test_bans_keep_nothing_of_rooms(everything: Any) -> None:  # noqa: ANN401
    bans = Bans(everything, everything, everything)
    removed = after(live_space(), cmd.RemovePerson(HOST, BEN))
    for room in ROOMS:
        everything.space = replace(removed, room=room)
        await bans.run(tasks.BanPerson(removed.space, BEN, ""), room)
    assert kept(bans) == 0


async def test_the_list_of_rooms_keeps_the_latest(
    everything: Any,  # noqa: ANN401
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(listing, "ROOMS_KEPT", FEW)
    rooms = RoomList(everything)
    for room in ROOMS:
        await rooms.show(room)
        await rooms.hide(room)
    assert kept(rooms) == FEW


async def test_messages_that_never_arrived_hold_up_taps_in_few_rooms(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(store, "ROOMS_KEPT", FEW)
    letters = DmStore(MemoryNotes())
    for room in ROOMS:
        with suppress(Away), letters.sending(room, "key"):
            raise Away("no answer", unreached=True)
    assert kept(letters) == FEW
    assert [bool(letters.on_the_way(room)) for room in ROOMS].count(True) == FEW
    assert letters.on_the_way(ROOMS[-1])


async def test_of_many_servers_the_latest_are_remembered_and_those_written_to(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(throttle, "SERVERS_KEPT", FEW)
    clock = asyncio.get_running_loop().time
    servers = ServerThrottle(Pacer(60_000_000, clock), "home", lambda: 0.0)

    async def wanted() -> bool:
        return True

    async with servers.turn("slow", wanted):
        for number in range(MANY):
            async with servers.turn(f"server{number}", wanted):
                servers.failed(f"server{number}", certain=True)
        assert kept(servers) == FEW
        assert servers.failed("slow", certain=True) == throttle.REST_S
    with pytest.raises(Away):
        async with servers.turn(f"server{MANY - 1}", wanted):
            pytest.fail("it rests")
    with pytest.raises(Away):
        async with servers.turn("slow", wanted):
            pytest.fail("it rests, too: it was not forgotten while it was written to")
