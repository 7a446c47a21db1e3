"""Who has the floor is what the homeserver holds, on a real Synapse."""

import asyncio
from collections.abc import Awaitable
from contextlib import suppress
from pathlib import Path

import aiohttp
import pytest

from spaces_bridge.core import commands as cmd
from spaces_bridge.core.floor import RequestState
from spaces_bridge.core.ids import EventId, RoomId, SpaceId, UserId
from spaces_bridge.core.roles import Role
from spaces_bridge.matrix.client.http import HomeserverApi, Json
from spaces_bridge.matrix.client.matrix_client import MatrixClient
from spaces_bridge.matrix.client.reach import Reach
from spaces_bridge.matrix.rooms.power_levels import PowerLevels
from spaces_bridge_demo.matrix_user import MatrixError, MatrixUser
from tests.matrix.conftest import Settle
from tests.matrix.support import BOT, Bridge, LiveSetup, eventually, room_of

pytestmark = pytest.mark.e2e


def id_of(person: MatrixUser) -> UserId:
    return UserId(person.id)


async def speaker_on_air(bridge: Bridge, host: MatrixUser, speaker: MatrixUser) -> SpaceId:
    """A live space in which `speaker` has an open microphone; returns its id."""
    space = (await bridge.live(host, "On air", [speaker])).space
    await bridge.spaces.ask(space, cmd.RequestToSpeak(id_of(speaker), 1))
    await bridge.spaces.ask(space, cmd.ApproveSpeaker(id_of(host), id_of(speaker)))
    await bridge.until(space, lambda s: s.may_speak(id_of(speaker)), "no floor")
    await bridge.drained()
    await bridge.spaces.ask(space, cmd.OpenMicrophone(id_of(speaker)))
    bridge.sound.calls.clear()
    return space


@pytest.mark.parametrize("version", ["11", "12"])
async def test_approvals_at_once_and_a_hosts_own_write_all_survive(
    setup: LiveSetup, tmp_path: Path, settle: Settle, version: str
) -> None:
    ada, ben, eve, sam = [await settle(name) for name in ("ada", "ben", "eve", "sam")]
    async with Bridge(setup.settings(room_version=version), tmp_path / "db") as bridge:
        space = await bridge.live(ada, "Crowd", [ben, eve, sam])
        room = room_of(space)
        for person in (ben, eve):
            await bridge.spaces.ask(space.space, cmd.RequestToSpeak(id_of(person), 1))
        await asyncio.gather(
            bridge.spaces.ask(space.space, cmd.ApproveSpeaker(id_of(ada), id_of(ben))),
            bridge.spaces.ask(space.space, cmd.ApproveSpeaker(id_of(ada), id_of(eve))),
        )
        await bridge.until(
            space.space,
            lambda s: s.may_speak(id_of(ben)) and s.may_speak(id_of(eve)),
            "not both have the floor",
        )
        await ada.set_level(room, sam.id, 60)
        after = await bridge.until(
            space.space, lambda s: s.role(id_of(sam)) is Role.COHOST, "no co-host"
        )
        assert after.may_speak(id_of(ben))
        levels = await ada.levels(room)
        assert levels[ben.id] == levels[eve.id] == 10
        assert levels[sam.id] == 60


class Hasty(MatrixClient):
    """Between its look and its first write, somebody else writes."""

    def __init__(self, api: HomeserverApi, user: UserId, meanwhile: Awaitable[None]) -> None:
        super().__init__(api, user)
        self._meanwhile: Awaitable[None] | None = meanwhile

    async def write_state(self, room: RoomId, type_: str, content: Json, key: str = "") -> EventId:
        if self._meanwhile is not None:
            meanwhile, self._meanwhile = self._meanwhile, None
            await meanwhile
        return await super().write_state(room, type_, content, key)


@pytest.mark.parametrize("version", ["11", "12"])
async def test_a_hosts_write_that_crosses_with_ours_is_not_lost(
    setup: LiveSetup, tmp_path: Path, settle: Settle, version: str
) -> None:
    ada, ben, eve = [await settle(name) for name in ("ada", "ben", "eve")]
    api = HomeserverApi(setup.homeserver.url, setup.as_token, Reach(), lambda _: None)
    await api.start()
    async with Bridge(setup.settings(room_version=version), tmp_path / "db") as bridge:
        space = await bridge.live(ada, "Crossing", [ben, eve])
        room = room_of(space)
        bot = Hasty(api, UserId(BOT), ada.set_level(room, eve.id, 60))
        observer = PowerLevels(bot, bridge.spaces, bridge.notes)
        await observer.write_level(space.space, room, id_of(ben), 10)
        levels = await ada.levels(room)
        assert (levels[ben.id], levels[eve.id]) == (10, 60)
        after = bridge.view(space.space)
        assert after.may_speak(id_of(ben))
        assert after.role(id_of(eve)) is Role.COHOST
    await api.stop()


async def test_a_level_written_by_the_host_in_any_client_gives_and_takes_the_floor(
    bridge: Bridge, settle: Settle
) -> None:
    ada, ben = await settle("ada"), await settle("ben")
    space = await bridge.live(ada, "By hand", [ben])
    room = room_of(space)
    await ada.set_level(room, ben.id, 10)
    await bridge.until(space.space, lambda s: s.may_speak(id_of(ben)), "no floor")
    await bridge.spaces.ask(space.space, cmd.OpenMicrophone(id_of(ben)))
    await ada.set_level(room, ben.id, None)
    await bridge.until(space.space, lambda s: not s.microphones, "the microphone is open still")
    assert ("close_microphone", space.space, ben.id) in bridge.sound.calls


async def test_a_kick_shuts_the_microphone_before_anything_is_read(
    bridge: Bridge, settle: Settle
) -> None:
    ada, ben = await settle("ada"), await settle("ben")
    space = await speaker_on_air(bridge, ada, ben)
    room = room_of(bridge.view(space))
    await ada.kick(room, ben.id)
    await eventually(lambda: ("close_microphone", space, ben.id) in bridge.sound.calls, "not shut")
    await bridge.until(space, lambda s: not s.person(id_of(ben)).joined, "not gone")
    kinds = [call[0] for call in bridge.sound.calls]
    assert kinds.index("close_microphone") < kinds.index("changed")

    async def forgotten() -> bool:
        return ben.id not in await ada.levels(room)

    await eventually(forgotten, "the kicked one keeps a level")


async def test_an_old_power_level_event_opens_nothing(bridge: Bridge, settle: Settle) -> None:
    ada, ben = await settle("ada"), await settle("ben")
    space = await bridge.live(ada, "Stale", [ben])
    room = room_of(space)
    granted = {**await ada.state(room, "m.room.power_levels")}
    granted["users"] = {ada.id: 90, ben.id: 10}
    stale = {
        "type": "m.room.power_levels",
        "state_key": "",
        "event_id": "$an-old-one",
        "room_id": room,
        "sender": ada.id,
        "content": granted,
    }
    url = f"http://127.0.0.1:{bridge.matrix.port}/_matrix/app/v1/transactions/stale"
    bearer = {"Authorization": f"Bearer {bridge.settings.hs_token}"}
    async with (
        aiohttp.ClientSession(headers=bearer) as http,
        http.put(url, json={"events": [stale]}) as answer,
    ):
        assert answer.status == 200
    await bridge.drained()
    assert not bridge.view(space.space).may_speak(id_of(ben))


async def test_a_refused_level_puts_the_hand_up_again_and_opens_nothing(
    bridge: Bridge, settle: Settle
) -> None:
    # a long name: events differ by a few bytes whoever sends them, his entry is longer than that
    ada, ben = await settle("ada"), await settle("be" + 180 * "n")
    space = await bridge.live(ada, "Refused", [ben])
    room = room_of(space)
    await bridge.spaces.ask(space.space, cmd.RequestToSpeak(id_of(ben), 1))
    await fill_levels(ada, room)
    await bridge.spaces.ask(space.space, cmd.ApproveSpeaker(id_of(ada), id_of(ben)))
    after = await bridge.until(
        space.space,
        lambda s: s.requests[id_of(ben)].state is RequestState.PENDING,
        "the hand is not up again",
    )
    assert not after.may_speak(id_of(ben))


async def fill_levels(host: MatrixUser, room: str) -> None:
    """No entry more goes into the room's levels: an event may have 65,536 bytes."""
    content = dict(await host.state(room, "m.room.power_levels"))
    for size in range(65_000, 0, -10):
        with suppress(MatrixError):
            await host.put_state(room, "m.room.power_levels", {**content, "padding": "x" * size})
            return


@pytest.mark.parametrize("private", [False, True])
async def test_a_guest_with_the_floor_is_a_ghost_that_leaves_with_it(
    bridge: Bridge, settle: Settle, private: bool
) -> None:
    ada = await settle("ada")
    space = await bridge.create(ada, "Guests", private=private)
    room = room_of(space)
    await bridge.spaces.ask(space.space, cmd.StartSpace(id_of(ada), 1))
    guest = UserId(f"@spaces_{space.space}:localhost")
    asked = cmd.RequestToSpeak(guest, 1, name="Gus\u202e", guest=True)
    await bridge.spaces.ask(space.space, asked)
    await bridge.spaces.ask(space.space, cmd.ApproveSpeaker(id_of(ada), guest))
    await bridge.until(space.space, lambda s: s.may_speak(guest), "the guest has no floor")
    member = await ada.state(room, "m.room.member", guest)
    assert (member["membership"], member["displayname"]) == ("join", "Gus (guest)")
    # the host takes the name that the guest has: the room does not hold both for long
    await bridge.spaces.ask(space.space, cmd.ObserveMember(id_of(ada), joined=True, name="Guѕ"))
    await bridge.until(
        space.space,
        lambda s: s.person(guest).name == "Guest (guest)",
        "the ghost kept a name like the host's",
    )
    member = await ada.state(room, "m.room.member", guest)
    assert (member["membership"], member["displayname"]) == ("join", "Guest (guest)")
    await bridge.spaces.ask(space.space, cmd.DemoteSpeaker(id_of(ada), guest))

    async def gone() -> bool:
        held = await ada.state(room, "m.room.member", guest)
        return held["membership"] == "leave" and guest not in await ada.levels(room)

    await eventually(gone, "the ghost stays")
