"""Who speaks on the page and is in the call, too: the bot's track of them is not sent to them."""

from dataclasses import replace

import pytest

from spaces_bridge.livekit.engine import operations
from spaces_bridge.livekit.names import device_identity
from spaces_bridge.pacing.backoff import Backoff
from tests.livekit.call_world import ALICE, ALICE_ID, BOB, BOT, SPEAKER
from tests.livekit.engine_world import EngineWorld, PaperServer, paper_world, track

pytestmark = pytest.mark.unit

ALICES: set[tuple[object, ...]] = {("unsubscribe", ALICE_ID, "TR_A")}


async def asked(world: EngineWorld, server: PaperServer) -> set[tuple[object, ...]]:
    """What the server is asked to do to people, once all is settled."""
    for _ in range(3):
        await world.settled()
    return server.operations()


async def test_each_device_of_a_speaker_on_the_page_is_rid_of_the_own_voice_once() -> None:
    async with paper_world() as (world, relays, server):
        await world.seat(ALICE, "Alice", SPEAKER)
        await world.seat(BOB, "Bob")
        await world.speak_on_page(ALICE)
        bot = world.participant(BOT, track("TR_A", name=ALICE), track("TR_H", name="@host:x"))
        desk = world.participant(ALICE)
        phone = world.participant(ALICE, device="PHONE")
        bob = world.participant(BOB, may_publish=False)
        relays.see(bot, desk, bob)
        assert await asked(world, server) == ALICES
        relays.see(bot, desk, bob, phone)
        of_phone = ("unsubscribe", device_identity(ALICE, "PHONE"), "TR_A")
        assert await asked(world, server) == {of_phone}
        again = replace(desk, sid="PA_another")
        relays.see(bot, again, bob, phone)
        assert await asked(world, server) == ALICES
        relays.see(world.participant(BOT), again, bob, phone)
        relays.see(world.participant(BOT, track("TR_B", name=ALICE)), again, bob)
        assert await asked(world, server) == {("unsubscribe", ALICE_ID, "TR_B")}


async def test_it_is_tried_until_the_server_has_done_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(operations, "TRY_AGAIN", Backoff(0.001, 0.001))
    async with paper_world() as (world, relays, server):
        await world.seat(ALICE, "Alice", SPEAKER)
        await world.speak_on_page(ALICE)
        server.is_away = True
        relays.see(world.participant(BOT, track("TR_A", name=ALICE)), world.participant(ALICE))
        await world.until(lambda: len([a for a in server.asked if a[0] == "unsubscribe"]) > 2)
        server.is_away = False
        await world.until(lambda: ("unsubscribe", ALICE_ID, "TR_A") in server.done)
