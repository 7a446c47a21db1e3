"""Calls in rooms, on a real Synapse: plain clients that send what Element Call sends."""

import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from spaces_bridge.core import commands as cmd
from spaces_bridge.core.floor import RequestState
from spaces_bridge.core.ids import UserId
from spaces_bridge.matrix.rooms import call_members
from spaces_bridge_demo.matrix_user import MatrixError, MatrixUser
from tests.matrix.conftest import Settle
from tests.matrix.moderating import greeted, id_of, reconciled, refused, said
from tests.matrix.support import BOT, PAGES, Bridge, LiveSetup, eventually, room_of

pytestmark = pytest.mark.e2e

MEMBER, REACTION = "org.matrix.msc3401.call.member", "io.element.call.reaction"
POWER = "m.room.power_levels"
OURS, THEIRS = f"{PAGES}/livekit", "https://sfu.elsewhere.net/livekit/jwt"
BOTS_KEY = BOT
HOUR_MS = 3_600_000


@pytest.fixture
async def bridge(setup: LiveSetup, tmp_path: Path) -> AsyncIterator[Bridge]:
    """A bridge with calls in which everybody may be."""
    async with Bridge(setup.settings(call_stage="open"), tmp_path / "spaces.db") as running:
        await running.connected()
        yield running


def key_of(person: MatrixUser, device: str = "DEV") -> str:
    return f"_{person.id}_{device}_m.call"


async def join_call(
    person: MatrixUser, room: str, sfu: str = OURS, device: str = "DEV", **changes: object
) -> str:
    """Write the member event as Element Call 0.26.1 does; its id."""
    focus = {"type": "livekit", "livekit_alias": room, "livekit_service_url": sfu}
    content = {
        "application": "m.call",
        "call_id": "",
        "scope": "m.room",
        "device_id": device,
        "membershipID": f"{person.id}:{device}",
        "expires": 14_400_000,
        "focus_active": {"type": "livekit", "focus_selection": "multi_sfu"},
        "foci_preferred": [focus],
        **changes,
    }
    return await person.put_state(room, MEMBER, content, key_of(person, device))


async def until_member(
    reader: MatrixUser, room: str, key: str, content: Mapping[str, Any] | None
) -> None:
    """Wait until a member event has this content (None: any but an empty one)."""

    async def check() -> bool:
        try:
            held = await reader.state(room, MEMBER, key)
        except MatrixError:
            return False
        return bool(held) if content is None else held == content

    await eventually(check, f"the membership {key} is not {content}")


async def until_level_of_member(reader: MatrixUser, room: str, level: int) -> None:
    async def check() -> bool:
        return bool((await reader.state(room, POWER))["events"][MEMBER] == level)

    await eventually(check, f"membership in the call does not ask for level {level}")


async def react_in_call(person: MatrixUser, room: str, member: str, emoji: str) -> str:
    relation = {"rel_type": "m.reference", "event_id": member}
    content = {"m.relates_to": relation, "emoji": emoji, "name": "something"}
    return await person.send(room, REACTION, content)


# --- who may be there ---


async def test_on_an_open_stage_every_listener_may_be_in_the_call_and_nobody_after_it(
    bridge: Bridge, settle: Settle
) -> None:
    ada, ben = await settle("ada"), await settle("ben")
    space = await bridge.live(ada, "Open", [ben])
    room = room_of(space)
    await until_member(ben, room, BOTS_KEY, None)
    await join_call(ben, room)
    own = await ben.state(room, MEMBER, BOTS_KEY)
    assert own["foci_preferred"] == [
        {"type": "livekit", "livekit_alias": room, "livekit_service_url": OURS}
    ]
    assert (own["device_id"], own["m.call.intent"]) == ("SPACESBOT", "audio")
    await bridge.spaces.ask(space.space, cmd.EndSpace(UserId(ada.id), time.time_ns() // 10**6))
    await until_member(ben, room, BOTS_KEY, {})
    await until_member(ben, room, key_of(ben), {})
    assert await refused(join_call(ben, room)) == "M_FORBIDDEN"


async def test_on_a_strict_stage_only_people_with_the_floor_may_be_in_the_call(
    setup: LiveSetup, tmp_path: Path, settle: Settle
) -> None:
    ada, ben = await settle("ada"), await settle("ben")
    async with Bridge(setup.settings(call_stage="strict"), tmp_path / "db") as bridge:
        space = await bridge.live(ada, "Strict", [ben])
        room = room_of(space)
        assert await refused(join_call(ben, room)) == "M_FORBIDDEN"
        await ada.set_level(room, ben.id, 10)
        await join_call(ben, room)
        await join_call(ben, room, device="PHONE")
        await join_call(ada, room)
        await until_member(ben, room, BOTS_KEY, None)
        await ada.set_level(room, ben.id, None)
        for device in ("DEV", "PHONE"):
            await until_member(ben, room, key_of(ben, device), {})
        assert await ben.state(room, MEMBER, key_of(ada))
        assert await refused(join_call(ben, room)) == "M_FORBIDDEN"


async def test_a_room_of_before_is_opened_for_calls_and_closed_again(
    setup: LiveSetup, tmp_path: Path, settle: Settle
) -> None:
    ada, ben = await settle("ada"), await settle("ben")
    settings = setup.settings()
    async with Bridge(settings, tmp_path / "db") as bridge:
        space = await bridge.live(ada, "Before", [ben])
        room = room_of(space)
        assert await refused(join_call(ben, room)) == "M_FORBIDDEN"
        with pytest.raises(MatrixError):
            await ben.state(room, MEMBER, BOTS_KEY)
    async with Bridge(replace(settings, call_stage="open"), tmp_path / "db") as bridge:
        async with reconciled(bridge):
            await until_member(ben, room, BOTS_KEY, None)
            await until_level_of_member(ben, room, 0)
        await join_call(ben, room)
        await bridge.drained()
    async with Bridge(settings, tmp_path / "db") as bridge:
        async with reconciled(bridge):
            await until_member(ben, room, BOTS_KEY, {})
            await until_level_of_member(ben, room, 100)
        assert await refused(join_call(ben, room, created_ts=1)) == "M_FORBIDDEN"


# --- the bot's own ---


async def test_the_bots_membership_is_the_bots_alone_and_written_anew_before_it_runs_out(
    bridge: Bridge, settle: Settle
) -> None:
    ada, ben = await settle("ada"), await settle("ben")
    space = await bridge.live(ada, "Renewed", [ben])
    room = room_of(space)
    await until_member(ben, room, BOTS_KEY, None)
    own = await ben.state(room, MEMBER, BOTS_KEY)
    for person in (ada, ben):
        assert await refused(person.put_state(room, MEMBER, {}, BOTS_KEY)) == "M_FORBIDDEN"
    assert own["created_ts"] == space.started_at_ms
    clock: Any = bridge.spaces.context.clock
    now_ms = clock.now_ms
    clock.now_ms = lambda: now_ms() + 3 * HOUR_MS
    async with reconciled(bridge):
        await until_member(ben, room, BOTS_KEY, {**own, "expires": 8 * HOUR_MS})


# --- hands and reactions ---


async def test_a_hand_raised_in_a_call_asks_for_the_floor_and_goes_when_it_is_answered(
    bridge: Bridge, settle: Settle
) -> None:
    ada, ben = await settle("ada"), await settle("ben")
    space = await bridge.live(ada, "Hands", [ben])
    room, id_ = room_of(space), space.space
    member = await join_call(ben, room)
    hand = await ben.react(room, member, "🖐️")
    await bridge.until(id_, lambda s: id_of(ben) in s.requests, "no hand")
    await ben.redact(room, hand)
    await bridge.until(id_, lambda s: not s.requests, "the hand stays up")
    again = await ben.react(room, member, "🖐️")
    gone = ben.next_redaction(room, again)
    await bridge.until(id_, lambda s: id_of(ben) in s.requests, "no second hand")
    await bridge.spaces.ask(id_, cmd.ApproveSpeaker(id_of(ada), id_of(ben)))
    await bridge.until(id_, lambda s: s.may_speak(id_of(ben)), "no floor")
    await gone


async def test_a_hand_on_anything_but_ones_own_membership_asks_for_nothing(
    bridge: Bridge, settle: Settle
) -> None:
    ada, ben, eve = [await settle(name) for name in ("ada", "ben", "eve")]
    space = await bridge.live(ada, "Others", [ben, eve])
    room = room_of(space)
    member, word = await join_call(ben, room), await eve.send_text(room, "hello")
    for target in (member, word):
        await eve.react(room, target, "🖐️")
    await ben.react(room, member, "🖐️")
    seen = await bridge.until(space.space, lambda s: bool(s.requests), "no hand")
    await bridge.drained()
    assert {*bridge.view(space.space).requests} == {*seen.requests} == {id_of(ben)}


async def test_a_hand_counts_also_when_the_membership_is_of_before_a_restart(
    setup: LiveSetup, tmp_path: Path, settle: Settle
) -> None:
    ada, ben = await settle("ada"), await settle("ben")
    settings = setup.settings(call_stage="open")
    async with Bridge(settings, tmp_path / "db") as bridge:
        space = await bridge.live(ada, "Restart", [ben])
        member = await join_call(ben, room_of(space))
        await bridge.drained()
    async with Bridge(settings, tmp_path / "db") as bridge:
        await bridge.connected()
        await ben.react(room_of(space), member, "✋🏽")
        seen = await bridge.until(space.space, lambda s: bool(s.requests), "no hand")
        assert seen.requests[id_of(ben)].state is RequestState.PENDING


async def test_reactions_in_a_call_count_for_its_members(bridge: Bridge, settle: Settle) -> None:
    ada, ben, eve = [await settle(name) for name in ("ada", "ben", "eve")]
    space = await bridge.live(ada, "Applause", [ben, eve])
    room = room_of(space)
    member = await join_call(ben, room)
    await react_in_call(eve, room, member, "💩")
    await react_in_call(ben, room, member, "no emoji")
    for _ in range(2):
        await react_in_call(ben, room, member, "🎉")
    seen = await bridge.until(space.space, lambda s: s.reactions.get("🎉") == 2, "no applause")
    assert {*seen.reactions} == {"🎉"}


async def test_hands_and_reactions_reach_the_bridge_while_listeners_may_not_write(
    bridge: Bridge, settle: Settle
) -> None:
    ada, ben = await settle("ada"), await settle("ben")
    space = await bridge.live(ada, "Quiet", [ben])
    room = room_of(space)
    await bridge.spaces.ask(space.space, cmd.SetChat(id_of(ada), on=False))

    async def is_quiet() -> bool:
        return bool((await ada.state(room, POWER))["events_default"])

    await eventually(is_quiet, "the chat is not off")
    member = await join_call(ben, room)
    await react_in_call(ben, room, member, "🎉")
    await bridge.until(space.space, lambda s: bool(s.reactions), "no applause")


# --- what killed clients leave ---


async def test_the_membership_of_a_killed_client_is_ended_after_a_while_and_of_nobody_else(
    bridge: Bridge, settle: Settle, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(call_members, "GRACE_MS", 500)
    ada, ben, eve = [await settle(name) for name in ("ada", "ben", "eve")]
    space = await bridge.live(ada, "Ghosts", [ben, eve])
    room, members = room_of(space), bridge.matrix.call_members
    for device in ("KILLED", "BACK", "OTHER"):
        await join_call(ben, room, device=device)
        members.connected(space.space, id_of(ben), device)
    await join_call(eve, room, sfu=THEIRS, device="FAR")
    for who, device in ((ben, "BACK"), (eve, "FAR"), (ben, "KILLED")):
        members.gone(space.space, id_of(who), device)
    members.connected(space.space, id_of(ben), "BACK")
    await until_member(ben, room, key_of(ben, "KILLED"), {})
    await bridge.drained()
    for who, device in ((ben, "BACK"), (ben, "OTHER"), (eve, "FAR")):
        assert await ben.state(room, MEMBER, key_of(who, device)), device


async def test_a_client_that_is_about_to_come_back_keeps_its_membership(
    bridge: Bridge, settle: Settle, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has written a new member event after its connection ended."""
    monkeypatch.setattr(call_members, "GRACE_MS", 1500)
    ada, ben = await settle("ada"), await settle("ben")
    space = await bridge.live(ada, "Back", [ben])
    room = room_of(space)
    await join_call(ben, room)
    bridge.matrix.call_members.gone(space.space, id_of(ben), "DEV")
    await join_call(ben, room, created_ts=time.time_ns() // 10**6)

    async def is_looked_at_later() -> bool:
        kinds = [row.effect.kind for row in await bridge.outbox.pending(0, 100)]
        return "call_member.clear" in kinds

    await eventually(is_looked_at_later, "nobody looks at the membership")
    await bridge.drained()
    assert await ben.state(room, MEMBER, key_of(ben))


# --- who publishes elsewhere ---


async def test_who_publishes_at_another_server_is_told_once_and_so_is_the_host(
    bridge: Bridge, settle: Settle
) -> None:
    ada, ben, eve = [await settle(name) for name in ("ada", "ben", "eve")]
    for person in (ada, ben, eve):
        await greeted(person)
    space = await bridge.live(ada, "Elsewhere", [ben, eve])
    room, page = room_of(space), bridge.settings.page(space.slug)
    told, report = ben.next_event(said(page)), ada.next_event(said("is not heard here"))
    await join_call(ben, room, sfu=THEIRS)
    await told
    assert ben.id in str((await report)["content"]["body"])
    told = eve.next_event(said(page))
    await join_call(ben, room, sfu=THEIRS, expires=28_800_000)
    await join_call(eve, room, sfu=THEIRS)
    await join_call(ada, room)
    await told
    await bridge.drained()
    for person, part in ((ben, page), (ada, "is not heard here")):
        assert len([e for e in person.seen if said(part)(e) and e["room_id"] != room]) == 1
