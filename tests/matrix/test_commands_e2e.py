"""A live space by commands, taps and direct messages, on a real Synapse."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from spaces_bridge.core.ids import RoomId, UserId
from spaces_bridge.core.live_space import Phase
from tests.matrix.conftest import Settle
from tests.matrix.support import BOT, PAGES, Bridge, LiveSetup, eventually, room_of
from tests.matrix.talking import meet, say

pytestmark = pytest.mark.e2e


async def test_a_live_space_from_creation_to_its_end(bridge: Bridge, settle: Settle) -> None:
    ada, ben = await settle("ada"), await settle("ben")
    dm = await meet(ada)
    invited = ada.next_invite()
    answer = await say(ada, dm, "create Bread and roses")
    assert f"{PAGES}/s/bread-and-roses-" in answer
    assert "!space start" in answer
    room = (await invited)["room_id"]
    await ada.join(room)
    await bridge.drained()
    assert "is live" in await say(ada, room, "!space start")
    await ben.join(room)
    assert "number 1" in await say(ben, room, "!space speak")
    offered = ben.next_invite()
    assert "The floor goes to Ben" in await say(ada, room, "!space approve 1")
    invite = await offered
    assert invite["content"]["reason"] == "The floor in “Bread and roses” is yours."
    dm = invite["room_id"]
    await ben.join(dm)

    async def offer() -> bool:
        said = await ben.messages(dm, BOT)
        return any("#t=" in m["content"]["body"] for m in said)

    await eventually(offer, "no offer of the floor")
    space = bridge.spaces.by_room(RoomId(room))
    assert space is not None
    await bridge.until(space.space, lambda s: s.may_speak(UserId(ben.id)), "no floor")
    assert "listener again" in await say(ada, room, "!space demote ben")
    assert "has ended" in await say(ada, room, "!space end")
    assert bridge.view(space.space).phase is Phase.ENDED


async def test_a_hand_on_the_card_is_approved_by_a_tap_in_the_hosts_messages(
    bridge: Bridge, settle: Settle
) -> None:
    ada, ben = await settle("ada"), await settle("ben")
    dm = await meet(ada)
    space = await bridge.live(ada, "Taps", [ben])
    room = room_of(space)
    card = await bridge.card(space.space)
    prompt = ada.next_message(dm, "asks to speak", BOT)
    hand = await ben.react(room, card, "✋🏾")
    asked = await prompt
    redacted = ben.next_in(
        room,
        "m.room.redaction",
        lambda e: hand in (e.get("redacts"), e["content"].get("redacts")),
    )
    await ada.react(dm, asked["event_id"], "✅")
    await bridge.until(space.space, lambda s: s.may_speak(UserId(ben.id)), "no floor")
    await redacted


async def test_a_hand_is_taken_back_by_taking_the_reaction_back(
    bridge: Bridge, settle: Settle
) -> None:
    ada, ben = await settle("ada"), await settle("ben")
    space = await bridge.live(ada, "Second thoughts", [ben])
    room = room_of(space)
    hand = await ben.react(room, await bridge.card(space.space), "🖐️")
    await bridge.until(space.space, lambda s: len(s.hands) == 1, "no hand")
    await ben.redact(room, hand)
    await bridge.until(space.space, lambda s: not s.hands, "the hand is up still")


async def test_a_reaction_is_counted_and_goes_away(bridge: Bridge, settle: Settle) -> None:
    ada, ben = await settle("ada"), await settle("ben")
    space = await bridge.live(ada, "Applause", [ben])
    room = room_of(space)
    gone = list[str]()

    def both(event: Mapping[str, Any]) -> bool:
        gone.extend([event["event_id"]] if event["sender"] == BOT else [])
        return len(gone) == 2

    all_gone = ben.next_in(room, "m.room.redaction", both)
    card = await bridge.card(space.space)
    await ben.react(room, card, "👏🏽")
    await ben.react(room, card, "lol")
    wanted = {"👏": 1, "💬": 1}
    await bridge.until(space.space, lambda s: s.reactions == wanted, "not counted")
    await all_gone


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("start", "no live space"),
        ("aprove 1", "Did you mean `approve`"),
        ("create", "create TITLE"),
        ("create x --at whenever", "I cannot read"),
        ("invite bob", "no live space"),
        ("help approve", "approve USER"),
        ("help", "raises your hand"),
        ("hello there", "help"),
    ],
)
async def test_whatever_is_said_in_a_direct_message_is_answered(
    bridge: Bridge, settle: Settle, text: str, part: str
) -> None:
    ada = await settle("ada")
    assert part in await say(ada, await meet(ada), text)


async def test_who_may_not_host_is_told_so(
    setup: LiveSetup, tmp_path: Path, settle: Settle
) -> None:
    ada = await settle("ada")
    async with Bridge(setup.settings(), tmp_path / "db", permission="listen") as bridge:
        await bridge.connected()
        answer = await say(ada, await meet(ada), "create Nothing")
        assert answer.startswith("❌")
        assert bridge.spaces.open() == []


async def test_a_listener_may_not_end_or_approve(bridge: Bridge, settle: Settle) -> None:
    ada, ben = await settle("ada"), await settle("ben")
    space = await bridge.live(ada, "Mine", [ben])
    room = room_of(space)
    assert "Only the host" in await say(ben, room, "!space end")
    await say(ben, room, "!space speak")
    assert (await say(ben, room, "!space approve 1")).startswith("❌")
    assert bridge.view(space.space).phase is Phase.LIVE


async def test_an_invitation_is_a_direct_message_that_says_everything_before_it_is_accepted(
    bridge: Bridge, settle: Settle
) -> None:
    ada, ben = await settle("ada"), await settle("ben")
    space = await bridge.live(ada, "Come in")
    invited = ben.next_invite()
    await say(ada, room_of(space), f"!space invite {ben.id}")
    invite = await invited
    state = {e["type"]: e["content"] for e in invite["invite_state"]}
    assert state["m.room.name"]["name"].endswith("invites you: Come in")
    assert state["m.room.topic"]["topic"] == f"{PAGES}/s/{space.slug}"
    assert invite["content"]["reason"] == f"{PAGES}/s/{space.slug}"
    assert invite["content"]["is_direct"] is True
    await ben.join(invite["room_id"])

    async def written() -> bool:
        said = await ben.messages(invite["room_id"], BOT)
        return len(said) == 1 and "matrix.to" in said[0]["content"]["body"]

    await eventually(written, "no message after the invitation")


async def test_a_personal_link_comes_by_direct_message_only(
    bridge: Bridge, settle: Settle
) -> None:
    ada = await settle("ada")
    dm = await meet(ada)
    space = await bridge.live(ada, "Links")
    sent = ada.next_message(dm, f"{PAGES}/s/{space.slug}#t=", BOT)
    answer = await say(ada, room_of(space), "!space link")
    assert "#t=" not in answer
    await sent


async def test_who_declines_an_invitation_is_left_in_peace_and_the_inviter_told(
    bridge: Bridge, settle: Settle
) -> None:
    ada, ben, cleo = await settle("ada"), await settle("ben"), await settle("cleo")
    dm = await meet(ada)
    space = await bridge.live(ada, "No, thank you", [cleo])
    invited = ben.next_invite()
    await say(cleo, room_of(space), f"!space invite {ben.id}")
    declined = (await invited)["room_id"]
    await bridge.drained()
    await ben.leave(declined)
    # who declines is left alone by the host as well, in whose name all invitations come
    told = ada.next_message(dm, f"{ben.id} was not invited: they take no", BOT)
    await say(ada, room_of(space), f"!space invite {ben.id}")
    await told


async def test_after_a_restart_a_command_where_a_live_space_ended_is_about_no_other(
    setup: LiveSetup, tmp_path: Path, settle: Settle
) -> None:
    ada = await settle("ada")
    async with Bridge(setup.settings(), tmp_path / "db") as bridge:
        await bridge.connected()
        over = await bridge.live(ada, "Over")
        assert "has ended" in await say(ada, room_of(over), "!space end")
        await bridge.drained()
    async with Bridge(setup.settings(), tmp_path / "db") as bridge:
        await bridge.connected()
        on = await bridge.live(ada, "Still on")
        answer = await say(ada, room_of(over), "!space end")
        assert answer == "❌ This live space has ended."
        assert bridge.view(on.space).phase is Phase.LIVE
