"""A live space's room on a real Synapse."""

from collections import Counter
from pathlib import Path

import pytest

from spaces_bridge.core import commands as cmd
from spaces_bridge.core.ids import UserId
from spaces_bridge.matrix.events.own import LIVE
from spaces_bridge_demo.matrix_user import MatrixError
from tests.matrix.conftest import Settle
from tests.matrix.support import BOT, Bridge, LiveSetup, room_of

pytestmark = pytest.mark.e2e


@pytest.mark.parametrize("version", ["11", "12"])
async def test_room_has_the_levels_and_state_of_the_contract(
    setup: LiveSetup, tmp_path: Path, settle: Settle, version: str
) -> None:
    ada = await settle("ada")
    async with Bridge(setup.settings(room_version=version), tmp_path / "db") as bridge:
        space = await bridge.create(ada, "First talk")
        room = room_of(space)
        created = await ada.state(room, "m.room.create")
        power = await ada.state(room, "m.room.power_levels")
        assert created["room_version"] == version
        assert "type" not in created
        assert power["users"] == {ada.id: 90} | ({BOT: 100} if version == "11" else {})
        assert {k: power[k] for k in ("kick", "ban", "redact", "invite", "state_default")} == {
            "kick": 60,
            "ban": 60,
            "redact": 60,
            "invite": 0,
            "state_default": 100,
        }
        live = await ada.state(room, "io.spacesbridge.live")
        assert live["state"] == "scheduled"
        assert live["space_id"] == space.space
        alias = await ada.state(room, "m.room.canonical_alias")
        assert alias["alias"] == f"#spaces_{space.slug}:localhost"
        with pytest.raises(MatrixError):
            await ada.state(room, "m.room.encryption")
        with pytest.raises(MatrixError) as refusal:
            await ada.put_state(room, "m.room.encryption", {"algorithm": "m.megolm.v1.aes-sha2"})
        assert refusal.value.status == 403


async def test_private_room_is_for_the_invited(bridge: Bridge, settle: Settle) -> None:
    ada, ben = await settle("ada"), await settle("ben")
    space = await bridge.create(ada, "Closed circle", private=True)
    room = room_of(space)
    assert (await ada.state(room, "m.room.join_rules"))["join_rule"] == "invite"
    assert (await ada.state(room, "m.room.power_levels"))["invite"] == 60
    with pytest.raises(MatrixError):
        await ben.join(room)


async def test_start_and_end_are_shown_in_state_and_name(bridge: Bridge, settle: Settle) -> None:
    ada = await settle("ada")
    space = await bridge.create(ada, "On and off")
    room = room_of(space)
    started = ada.next_in(room, "io.spacesbridge.live", lambda e: e["content"]["state"] == "live")
    named = ada.next_in(room, "m.room.name", lambda e: "🔴" in e["content"]["name"])
    await bridge.spaces.ask(space.space, cmd.StartSpace(UserId(ada.id), 123_456))
    assert (await started)["content"]["started_at"] == 123_456
    await named
    ended = ada.next_in(room, "io.spacesbridge.live", lambda e: e["content"]["state"] == "ended")
    await bridge.spaces.ask(space.space, cmd.EndSpace(UserId(ada.id), 223_456))
    assert (await ended)["content"]["ended_at"] == 223_456


async def test_the_first_state_is_written_once(bridge: Bridge, settle: Settle) -> None:
    ada = await settle("ada")
    room = room_of(await bridge.create(ada, "Said once"))
    await bridge.drained()
    written = Counter(e["type"] for e in await ada.timeline(room) if "state_key" in e)
    assert {kind: written[kind] for kind in ("m.room.topic", "m.room.name", LIVE)} == {
        "m.room.topic": 1,
        "m.room.name": 1,
        LIVE: 1,
    }


async def test_making_a_room_leaves_the_minutes_events_to_what_follows(
    setup: LiveSetup, tmp_path: Path, settle: Settle
) -> None:
    ada = await settle("ada")
    # card, avatar; then name, avatar and state of going live: the card may see ten used
    async with Bridge(setup.settings(room_events_per_minute=15), tmp_path / "db") as bridge:
        await bridge.connected()
        space = await bridge.create(ada, "At once")
        shown = ada.next_message(room_of(space), "Live now: At once", BOT)
        await bridge.spaces.ask(space.space, cmd.StartSpace(UserId(ada.id), 123_456))
        await shown


async def test_card_is_pinned_seeded_and_follows_the_stage(bridge: Bridge, settle: Settle) -> None:
    ada, ben = await settle("ada"), await settle("ben")
    space = await bridge.live(ada, "Cards", [ben])
    room = room_of(space)
    card = await bridge.card(space.space)
    pinned = await ada.state(room, "m.room.pinned_events")
    assert pinned["pinned"] == [card]
    timeline = await ada.timeline(room)
    seeds = [
        e["content"]["m.relates_to"]["key"]
        for e in timeline
        if e["type"] == "m.reaction" and e["sender"] == BOT
    ]
    assert seeds == ["✋", "👏", "❤️", "😂", "💯"]
    first = next(e for e in timeline if e["event_id"] == card)
    assert first["content"]["io.spacesbridge.card"] is True
    assert first["content"]["m.mentions"] == {}
    edited = ada.next_in(
        room,
        "m.room.message",
        lambda e: "Hands up: 1. Ben" in e["content"].get("m.new_content", {}).get("body", ""),
    )
    await ben.react(room, card, "✋🏽")
    await edited
