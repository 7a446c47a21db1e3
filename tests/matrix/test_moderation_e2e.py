"""Moderation with the buttons of any client, on a real Synapse."""

from pathlib import Path
from urllib.parse import quote

import pytest

from spaces_bridge.app import tasks
from spaces_bridge.core import commands as cmd
from spaces_bridge.core.errors import Rejected
from spaces_bridge.core.ids import UserId
from tests.matrix.conftest import Settle
from tests.matrix.moderating import (
    banned,
    greeted,
    id_of,
    on_air,
    reconciled,
    refused,
    said,
    settled,
    until_banned,
    until_level,
)
from tests.matrix.support import Bridge, LiveSetup, room_of

pytestmark = pytest.mark.e2e

POWER = "m.room.power_levels"
VERSIONS = pytest.mark.parametrize("version", ["11", "12"])


# --- kicks, bans, unbans ------------------------------------------------------------------------


async def test_a_kick_from_a_plain_client_is_a_ban_that_its_lifting_ends(
    bridge: Bridge, settle: Settle
) -> None:
    ada, ben, eve = [await settle(name) for name in ("ada", "ben", "eve")]
    space = await on_air(bridge, ada, ben, eve)
    room = room_of(bridge.view(space))
    await ada.set_level(room, eve.id, 60)
    await bridge.until(space, lambda s: id_of(eve) in s.cohosts, "no co-host")
    await eve.kick(room, ben.id)
    await until_banned(ada, room, ben.id)
    after = await bridge.until(
        space, lambda s: id_of(ben) in s.removed and s.removed[id_of(ben)].in_force, "not removed"
    )
    assert after.removed[id_of(ben)].by == eve.id
    assert ("close_microphone", space, ben.id) in bridge.sound.calls
    assert not after.on_air
    await until_level(ada, room, ben.id, None)
    assert await refused(ben.join(room)) == "M_BAD_STATE"
    await settled(bridge, space)

    await ada.request("POST", f"rooms/{quote(room)}/unban", {"user_id": ben.id})
    await bridge.until(space, lambda s: id_of(ben) not in s.removed, "removed still")
    await settled(bridge, space)
    await ben.join(room)
    await bridge.joined(space, ben)
    await settled(bridge, space)
    assert not bridge.view(space).removed
    assert not await banned(ada, room, ben.id)


async def test_who_comes_back_faster_than_the_kick_is_seen_is_banned_too(
    bridge: Bridge, settle: Settle
) -> None:
    ada, ben = await settle("ada"), await settle("ben")
    space = await bridge.live(ada, "Fast", [ben])
    room = room_of(space)
    await bridge.matrix.stop()
    await ada.kick(room, ben.id)
    await ben.join(room)
    await bridge.matrix.start()
    await until_banned(ada, room, ben.id)
    after = await bridge.until(space.space, lambda s: id_of(ben) in s.removed, "not removed")
    assert after.removed[id_of(ben)].by == ada.id


async def test_leaving_declining_and_coming_back_are_no_removals(
    bridge: Bridge, settle: Settle
) -> None:
    ada, ben = await settle("ada"), await settle("ben")
    space = await bridge.live(ada, "Doors", [ben])
    room = room_of(space)
    await ben.leave(room)
    await bridge.until(space.space, lambda s: not s.person(id_of(ben)).joined, "not gone")
    await ada.request("POST", f"rooms/{quote(room)}/invite", {"user_id": ben.id})
    await ada.kick(room, ben.id)  # takes the invitation back
    await settled(bridge, space.space)
    await ben.join(room)
    await bridge.joined(space.space, ben)
    await settled(bridge, space.space)
    assert not bridge.view(space.space).removed


@pytest.mark.parametrize("how", ["kick", "ban"])
async def test_removals_and_their_lifting_while_the_bridge_is_down_count(
    setup: LiveSetup, tmp_path: Path, settle: Settle, how: str
) -> None:
    ada, ben = await settle("ada"), await settle("ben")
    async with Bridge(setup.settings(), tmp_path / "db") as bridge:
        space = await on_air(bridge, ada, ben)
        room = room_of(bridge.view(space))
    await (ada.kick if how == "kick" else ada.ban)(room, ben.id)
    async with Bridge(setup.settings(), tmp_path / "db") as bridge, reconciled(bridge):
        await bridge.until(space, lambda s: id_of(ben) in s.removed, "not removed")
        await until_banned(ada, room, ben.id)
        await bridge.until(space, lambda s: s.removed[id_of(ben)].in_force, "not in force")
        await settled(bridge, space)
        assert not bridge.view(space).on_air
    await ada.request("POST", f"rooms/{quote(room)}/unban", {"user_id": ben.id})
    async with Bridge(setup.settings(), tmp_path / "db") as bridge, reconciled(bridge):
        await bridge.until(space, lambda s: not s.removed, "removed still")
        await settled(bridge, space)
        assert not await banned(ada, room, ben.id)
        await ben.join(room)
        await bridge.joined(space, ben)


async def test_who_is_not_here_can_be_removed_and_readmitted(
    bridge: Bridge, settle: Settle
) -> None:
    ada, ben = await settle("ada"), await settle("ben")
    space = await bridge.live(ada, "Beforehand")
    room, id_ = room_of(space), space.space
    for _ in range(2):
        await bridge.spaces.ask(id_, cmd.RemovePerson(id_of(ada), id_of(ben), "spam"))
        await until_banned(ada, room, ben.id)
        await bridge.until(id_, lambda s: s.removed[id_of(ben)].in_force, "not in force")
        assert await refused(ben.join(room)) == "M_BAD_STATE"
        await bridge.spaces.ask(id_, cmd.ReadmitPerson(id_of(ada), id_of(ben)))
        await until_banned(ada, room, ben.id, so=False)
    await bridge.spaces.ask(id_, cmd.RemovePerson(id_of(ada), id_of(ben)))
    await bridge.spaces.ask(id_, cmd.ReadmitPerson(id_of(ada), id_of(ben)))
    await settled(bridge, id_)
    assert not await banned(ada, room, ben.id)
    await ben.join(room)


async def test_removals_end_with_the_live_space_and_blocks_do_not(
    bridge: Bridge, settle: Settle
) -> None:
    ada, ben, eve = [await settle(name) for name in ("ada", "ben", "eve")]
    space = await bridge.live(ada, "Over", [ben, eve])
    room, id_ = room_of(space), space.space
    await ada.ban(room, ben.id)
    await bridge.ban_lists.block(id_of(ada), id_of(eve), id_of(ada), "spam")
    for person in (ben, eve):
        await until_banned(ada, room, person.id)
    await bridge.until(id_, lambda s: len(s.removed) == 2, "not both removed")
    await settled(bridge, id_)
    await bridge.spaces.ask(id_, cmd.EndSpace(id_of(ada), 9))
    await until_banned(ada, room, ben.id, so=False)
    await settled(bridge, space.space)
    assert await banned(ada, room, eve.id)


async def test_a_guest_who_is_kicked_has_no_floor_and_gets_none_again(
    bridge: Bridge, settle: Settle
) -> None:
    ada = await settle("ada")
    space = await bridge.live(ada, "Guests")
    room, id_ = room_of(space), space.space
    guest = UserId(f"@spaces_{id_}k:localhost")
    await bridge.spaces.ask(id_, cmd.RequestToSpeak(guest, 1, name="Gus", guest=True))
    await bridge.spaces.ask(id_, cmd.ApproveSpeaker(id_of(ada), guest))
    await bridge.until(id_, lambda s: s.may_speak(guest), "the guest has no floor")
    await bridge.spaces.ask(id_, cmd.OpenMicrophone(guest))
    await ada.kick(room, guest)
    await bridge.until(id_, lambda s: guest in s.removed, "not removed")
    await until_level(ada, room, guest, None)
    await settled(bridge, id_)
    assert ("end_listening", id_, guest) in bridge.sound.calls
    assert not bridge.view(id_).on_air
    with pytest.raises(Rejected):
        await bridge.spaces.ask(id_, cmd.RequestToSpeak(guest, 2, name="Gus", guest=True))
    assert (await ada.state(room, "m.room.member", guest))["membership"] == "leave"


async def test_moderators_hear_once_of_a_ban_that_is_refused(
    bridge: Bridge, settle: Settle
) -> None:
    ada = await settle("ada")
    await greeted(ada)
    space = await bridge.live(ada, "Refused")
    told = ada.next_event(said("did not let me ban"))
    nobody = UserId("not-a-user")
    await bridge.spaces.ask(space.space, cmd.RemovePerson(id_of(ada), nobody))
    await bridge.spaces.enqueue_task(tasks.BanPerson(space.space, nobody, ""), "again")
    await told
    await settled(bridge, space.space)
    assert len([e for e in ada.seen if said("did not let me ban")(e)]) == 1


async def test_who_is_blocked_while_speaking_is_silent_and_banned(
    bridge: Bridge, settle: Settle
) -> None:
    ada, ben = await settle("ada"), await settle("ben")
    space = await on_air(bridge, ada, ben)
    room = room_of(bridge.view(space))
    await bridge.ban_lists.block(id_of(ada), "@ben*:localhost", id_of(ada), "spam")
    await until_banned(ada, room, ben.id)
    after = await bridge.until(space, lambda s: id_of(ben) in s.removed, "not removed")
    assert not after.on_air
    kinds = [call[0] for call in bridge.sound.calls if ben.id in call]
    assert {"close_microphone", "end_listening"} <= set(kinds)
    later = await bridge.create(ada, "Later")
    await ben.join(room_of(later))
    await until_banned(ada, room_of(later), ben.id)


# --- locked, quiet ------------------------------------------------------------------------------


@VERSIONS
async def test_a_locked_room_lets_nobody_in_and_listeners_only_react(
    setup: LiveSetup, tmp_path: Path, settle: Settle, version: str
) -> None:
    ada, ben, eve, sam = [await settle(name) for name in ("ada", "ben", "eve", "sam")]
    async with Bridge(setup.settings(room_version=version), tmp_path / "db") as bridge:
        space = await bridge.live(ada, "Locked", [ben, eve])
        room, id_ = room_of(space), space.space
        card = await bridge.card(id_)
        await ada.set_level(room, eve.id, 10)
        await bridge.until(id_, lambda s: s.may_speak(id_of(eve)), "no floor")
        await bridge.spaces.ask(id_, cmd.LockSpace(id_of(ada)))
        await settled(bridge, space.space)
        assert await ada.state(room, "m.room.join_rules") == {"join_rule": "invite"}
        assert await refused(sam.join(room)) == "M_FORBIDDEN"
        assert await refused(ben.send_text(room, "buy this")) == "M_FORBIDDEN"
        invite = {"user_id": sam.id}
        path = f"rooms/{quote(room)}/invite"
        assert await refused(ben.request("POST", path, invite)) == "M_FORBIDDEN"
        await eve.send_text(room, "I have the floor")
        mine = await ben.react(room, card, "🎉")
        await ben.redact(room, mine)

        await bridge.spaces.ask(id_, cmd.UnlockSpace(id_of(ada)))
        await settled(bridge, space.space)
        await sam.join(room)
        await ben.send_text(room, "hello")

        await bridge.spaces.ask(id_, cmd.SetChat(id_of(ada), on=False))
        await settled(bridge, space.space)
        assert await refused(ben.send_text(room, "hello?")) == "M_FORBIDDEN"
        await bridge.spaces.ask(id_, cmd.SetChat(id_of(ada), on=True))
        await settled(bridge, space.space)
        await ben.send_text(room, "hello!")
        assert (await ada.levels(room))[eve.id] == 10


async def test_an_arranged_room_costs_no_event(bridge: Bridge, settle: Settle) -> None:
    ada = await settle("ada")
    space = await bridge.live(ada, "Tidy")
    await settled(bridge, space.space)
    before = [event["event_id"] for event in await ada.timeline(room_of(space))]
    for number in range(3):
        await bridge.spaces.enqueue_task(tasks.ArrangeRoom(space.space), f"tidy:{number}")
    await settled(bridge, space.space)
    assert [event["event_id"] for event in await ada.timeline(room_of(space))] == before
