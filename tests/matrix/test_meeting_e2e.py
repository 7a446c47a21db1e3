"""Meeting the bot, on a real Synapse."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from spaces_bridge.matrix.events.own import BUBBLE
from spaces_bridge_demo.matrix_user import MatrixUser
from tests.matrix.conftest import Settle
from tests.matrix.support import BOT, Bridge, LiveSetup, eventually

pytestmark = pytest.mark.e2e

CIPHER = {
    "type": "m.room.encryption",
    "state_key": "",
    "content": {"algorithm": "m.megolm.v1.aes-sha2"},
}


@pytest.fixture
async def unencrypting(setup: LiveSetup, tmp_path: Path) -> AsyncIterator[Bridge]:
    """A running bridge with encryption switched off."""
    async with Bridge(setup.settings(), tmp_path / "off.db", encryption=False) as running:
        await running.connected()
        yield running


async def test_in_a_direct_message_it_greets_in_two_lines(bridge: Bridge, settle: Settle) -> None:
    ada = await settle("ada")
    said = ada.next_event(lambda e: e.get("sender") == BOT and "body" in e.get("content", {}))
    room = await ada.open_dm(BOT)
    greeting = (await said)["content"]
    assert len(greeting["body"].splitlines()) == 2
    assert "create" in greeting["body"]
    assert greeting["m.mentions"] == {}
    answered = ada.next_message(room, "Nothing is on")
    await ada.send_text(room, "live")
    await answered


async def test_without_encryption_it_says_so_in_an_encrypted_one_and_opens_a_plain_one(
    unencrypting: Bridge, settle: Settle
) -> None:
    ada = await settle("ada")
    invited = ada.next_invite()
    encrypted = await ada.create_room(
        preset="private_chat", is_direct=True, invite=[BOT], initial_state=[CIPHER]
    )
    plain = await invited
    assert plain["sender"] == BOT
    assert plain["content"]["is_direct"] is True
    assert "unencrypted" in plain["content"]["reason"].lower() or "encrypted" in str(plain)
    told = await ada.messages(encrypted, BOT)
    assert "cannot read encrypted" in told[0]["content"]["body"]
    await ada.join(plain["room_id"])

    async def greeted() -> bool:
        return len(await ada.messages(plain["room_id"], BOT)) == 1

    await eventually(greeted, "no greeting in the plain room")
    assert ("m.room.encryption", "") not in await state_keys(ada, plain["room_id"])
    answered = ada.next_message(plain["room_id"], "Nothing is on")
    await ada.send_text(plain["room_id"], "live")
    await answered


async def test_without_encryption_a_word_in_cipher_is_answered_once(
    unencrypting: Bridge, settle: Settle
) -> None:
    ada = await settle("ada")
    said = ada.next_message("", sender=BOT)
    greeted = ada.next_event(lambda e: e.get("sender") == BOT and "body" in e.get("content", {}))
    room = await ada.open_dm(BOT)
    await greeted
    await ada.put_state(room, "m.room.encryption", CIPHER["content"])  # type: ignore[arg-type]  # a content
    invited = ada.next_invite()
    for _ in range(3):
        await ada.send(room, "m.room.encrypted", {"algorithm": "m.megolm.v1.aes-sha2"})
    await invited
    await unencrypting.drained()
    told = [m for m in await ada.messages(room, BOT) if "cannot read" in m["content"]["body"]]
    assert len(told) == 1
    assert not said.done


async def test_in_a_room_it_greets_and_listens_to_its_prefix_only(
    bridge: Bridge, settle: Settle
) -> None:
    ada, ben, eve = await settle("ada"), await settle("ben"), await settle("eve")
    room = await ada.create_room(preset="public_chat", invite=[ben.id, eve.id])
    await ben.join(room)
    await eve.join(room)
    greeted = ada.next_message(room, "!space create", BOT)
    await ada.request("POST", f"rooms/{room}/invite", {"user_id": BOT})
    await greeted
    await ada.send_text(room, "live is what we are")
    answered = ada.next_message(room, "Nothing is on", BOT)
    await ada.send_text(room, "!space live")
    await answered
    assert len(await ada.messages(room, BOT)) == 2


async def test_in_a_room_made_with_others_it_is_no_direct_message_though_it_comes_first(
    bridge: Bridge, settle: Settle
) -> None:
    ada, ben = await settle("ada"), await settle("ben")
    greeted = ada.next_event(
        lambda e: (
            e.get("sender") == BOT and "!space create" in e.get("content", {}).get("body", "")
        )
    )
    room = await ada.create_room(preset="private_chat", invite=[BOT, ben.id])
    assert (await greeted)["room_id"] == room
    await ben.join(room)
    await ada.send_text(room, "good morning everybody")
    announced = ada.next_in(room, "m.room.message", lambda e: BUBBLE in e["content"])
    await ada.send_text(room, "!space create Bread and roses")
    await announced
    assert not [m for m in await ada.messages(room, BOT) if "❌" in m["content"]["body"]]


async def test_a_public_room_is_no_direct_message_however_few_are_in_it(
    bridge: Bridge, settle: Settle
) -> None:
    ada = await settle("ada")
    greeted = ada.next_event(
        lambda e: (
            e.get("sender") == BOT and "!space create" in e.get("content", {}).get("body", "")
        )
    )
    room = await ada.create_room(preset="public_chat", invite=[BOT])
    assert (await greeted)["room_id"] == room


async def state_keys(person: MatrixUser, room: str) -> set[tuple[str, str]]:
    return {(e["type"], e["state_key"]) for e in await person.all_state(room)}
