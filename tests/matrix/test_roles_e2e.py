"""Roles both ways: by command, and by levels changed in any client, on a real Synapse."""

from pathlib import Path

import pytest

from spaces_bridge.core import commands as cmd
from spaces_bridge.core.errors import Rejected
from spaces_bridge.core.ids import UserId
from spaces_bridge.core.roles import Role
from spaces_bridge.matrix.client.http import HomeserverApi
from spaces_bridge.matrix.client.matrix_client import MatrixClient
from spaces_bridge.matrix.client.reach import Reach
from spaces_bridge.matrix.rooms.power_levels import PowerLevels
from tests.matrix.conftest import Settle
from tests.matrix.moderating import greeted, id_of, said, settled, until_level
from tests.matrix.support import BOT, Bridge, LiveSetup, eventually, room_of

pytestmark = pytest.mark.e2e

POWER = "m.room.power_levels"
VERSIONS = pytest.mark.parametrize("version", ["11", "12"])


@VERSIONS
async def test_raising_users_default_opens_nothing_and_is_put_back_with_a_word(
    setup: LiveSetup, tmp_path: Path, settle: Settle, version: str
) -> None:
    ada, ben = await settle("ada"), await settle("ben")
    async with Bridge(setup.settings(room_version=version), tmp_path / "db") as bridge:
        await greeted(ada)
        space = await bridge.live(ada, "Defaults", [ben])
        room = room_of(space)
        await settled(bridge, space.space)
        before = dict(await ada.state(room, POWER))
        events = {**before["events"], "m.room.message": 50}
        told = ada.next_event(said("permissions of “Defaults”"))
        await ada.put_state(room, POWER, {**before, "users_default": 50, "events": events})
        await told

        async def as_before() -> bool:
            return dict(await ada.state(room, POWER)) == before

        await eventually(as_before, "the levels were not put back")
        await settled(bridge, space.space)
        assert bridge.view(space.space).role(id_of(ben)) is Role.LISTENER
        with pytest.raises(Rejected):
            await bridge.spaces.ask(space.space, cmd.OpenMicrophone(id_of(ben)))
        words = [e for e in ada.seen if said("permissions of “Defaults”")(e)]
        assert len(words) == 1


@pytest.mark.parametrize("on_top", [False, True])
async def test_levels_changed_while_nobody_looked_are_put_back_under_later_writes(
    setup: LiveSetup, bridge: Bridge, settle: Settle, on_top: bool
) -> None:
    ada, ben = await settle("ada"), await settle("ben")
    await greeted(ada)
    space = await bridge.live(ada, "Later", [ben])
    room = room_of(space)
    before = dict(await ada.state(room, POWER))
    await settled(bridge, space.space)
    await bridge.matrix.stop()
    told = ada.next_event(said("permissions of “Later”"))
    await ada.put_state(room, POWER, {**before, "ban": 0, "users_default": 90})
    if on_top:
        api = HomeserverApi(setup.homeserver.url, setup.as_token, Reach(), lambda _: None)
        await api.start()
        observer = PowerLevels(MatrixClient(api, UserId(BOT)), bridge.spaces, bridge.notes)
        await observer.write_level(space.space, room, id_of(ben), 10)
        await api.stop()
    await bridge.matrix.start()
    await told

    async def as_before() -> bool:
        users = before["users"] | ({ben.id: 10} if on_top else {})
        return dict(await ada.state(room, POWER)) == {**before, "users": users}

    await eventually(as_before, "the levels were not put back")


@VERSIONS
async def test_a_second_host_and_a_third_cohost_are_put_back_with_a_word(
    setup: LiveSetup, tmp_path: Path, settle: Settle, version: str
) -> None:
    ada, ben, eve, sam = [await settle(name) for name in ("ada", "ben", "eve", "sam")]
    async with Bridge(setup.settings(room_version=version), tmp_path / "db") as bridge:
        await greeted(ada)
        space = await bridge.live(ada, "Crowded", [ben, eve, sam])
        room, id_ = room_of(space), space.space
        told = ada.next_event(said("there is one host"))
        await ada.set_level(room, ben.id, 90)
        await told
        await until_level(ada, room, ben.id, None)
        for person in (ben, eve):
            await ada.set_level(room, person.id, 60)
        await bridge.until(id_, lambda s: len(s.cohosts) == 2, "no two co-hosts")
        told = ada.next_event(said("2 co-hosts"))
        await ada.set_level(room, sam.id, 60)
        await told
        await until_level(ada, room, sam.id, None)
        await ada.set_level(room, sam.id, 10)
        await bridge.until(id_, lambda s: s.role(id_of(sam)) is Role.SPEAKER, "no speaker")
        await settled(bridge, id_)
        assert await ada.levels(room) == {
            ada.id: 90,
            ben.id: 60,
            eve.id: 60,
            sam.id: 10,
            **({BOT: 100} if version == "11" else {}),
        }


async def test_a_speaker_more_than_the_stage_holds_is_put_back(
    bridge: Bridge, settle: Settle
) -> None:
    ada, ben = await settle("ada"), await settle("ben")
    await greeted(ada)
    space = await bridge.live(ada, "Full", [ben])
    room = room_of(space)
    content = dict(await ada.state(room, POWER))
    members = [await settle(f"crowd{n}") for n in range(space.max_speakers)]
    for member in members:
        await member.join(room)
        await bridge.joined(space.space, member)
    crowd = {member.id: 10 for member in members}
    await ada.put_state(room, POWER, {**content, "users": {**content["users"], **crowd}})
    await bridge.until(space.space, lambda s: len(s.stage) == 11, "no full stage")
    told = ada.next_event(said("the stage is full"))
    await ada.set_level(room, ben.id, 10)
    await told
    await until_level(ada, room, ben.id, None)
    await settled(bridge, space.space)
    assert not bridge.view(space.space).may_speak(id_of(ben))
    assert crowd.items() <= (await ada.levels(room)).items()


async def test_what_was_put_back_before_is_put_back_again(bridge: Bridge, settle: Settle) -> None:
    ada, ben = await settle("ada"), await settle("ben")
    space = await bridge.live(ada, "Stubborn", [ben])
    room = room_of(space)
    await ada.set_level(room, ben.id, 10)
    await bridge.until(space.space, lambda s: s.may_speak(id_of(ben)), "no floor")
    for _ in range(3):
        await ada.set_level(room, ben.id, 90)
        await until_level(ada, room, ben.id, 10)
    await settled(bridge, space.space)
    after = bridge.view(space.space)
    assert (after.host, after.role(id_of(ben))) == (id_of(ada), Role.SPEAKER)


async def test_roles_given_by_command_are_written(bridge: Bridge, settle: Settle) -> None:
    ada, ben = await settle("ada"), await settle("ben")
    space = await bridge.live(ada, "Ladder", [ben])
    room, id_ = room_of(space), space.space
    await bridge.spaces.ask(id_, cmd.AppointCohost(id_of(ada), id_of(ben)))
    await until_level(ada, room, ben.id, 60)
    await bridge.until(id_, lambda s: s.role(id_of(ben)) is Role.COHOST, "no co-host")
    await bridge.spaces.ask(id_, cmd.HandOver(id_of(ada), id_of(ben)))
    await bridge.until(id_, lambda s: s.host == id_of(ben), "no new host")
    await until_level(ada, room, ada.id, 60)
    await until_level(ada, room, ben.id, 90)
    await bridge.until(id_, lambda s: s.role(id_of(ada)) is Role.COHOST, "no co-host")
    await bridge.spaces.ask(id_, cmd.DismissCohost(id_of(ben), id_of(ada)))
    await until_level(ada, room, ada.id, 10)
