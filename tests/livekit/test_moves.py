"""Rooms of LiveKit nodes that die: looked for, moved and joined anew; the server is on paper."""

import asyncio

import pytest

from spaces_bridge.core.ids import SpaceId
from spaces_bridge.livekit.engine import moves
from spaces_bridge.livekit.engine.moves import MISSED, RoomMoves
from spaces_bridge_demo.patience import PATIENCE_S
from tests.livekit.call_world import BOT, HOST, SPACE
from tests.livekit.engine_world import NAME, PaperServer, paper_world, track

pytestmark = pytest.mark.unit


async def test_a_room_that_answers_again_is_joined_anew_once() -> None:
    server, moved = PaperServer(), list[SpaceId]()
    watch = RoomMoves(server, lambda: {SPACE: NAME}, moved.append)
    await watch.look()
    server.is_away = True
    for _ in range(MISSED):
        await watch.look()
    assert moved == []
    server.is_away = False
    await watch.look()
    await watch.look()
    assert moved == [SPACE]


async def test_one_late_answer_moves_nothing() -> None:
    server, moved = PaperServer(), list[SpaceId]()
    watch = RoomMoves(server, lambda: {SPACE: NAME}, moved.append)
    for _ in range(3):
        server.is_away = True
        await watch.look()
        server.is_away = False
        await watch.look()
    assert moved == []


class SilentServer:
    """A server that takes requests, and answers them once it `speaks`."""

    def __init__(self) -> None:
        self.speaks = asyncio.Event()

    async def make(self, room: str) -> None:
        await self.speaks.wait()


async def test_a_server_that_says_nothing_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for within in ("PROBE_WITHIN_S", "AGAIN_WITHIN_S"):
        monkeypatch.setattr(moves, within, 0.0)
    server, moved = SilentServer(), list[SpaceId]()
    watch = RoomMoves(server, lambda: {SPACE: NAME}, moved.append)
    async with asyncio.timeout(PATIENCE_S):
        for _ in range(MISSED):
            await watch.look()
    assert moved == []
    server.speaks.set()
    await watch.look()
    assert moved == [SPACE]


async def test_what_was_taken_is_taken_again_after_a_move() -> None:
    async with paper_world() as (world, relays, _):
        before = relays.joined["home"]
        await world.speak_on_page(HOST)
        bot = world.participant(BOT, track("TR_1", name=HOST))
        relays.see(bot)
        assert relays.taken == {"TR_1": HOST}
        relays.taken = {}
        world.rooms.moved(SPACE)
        assert relays.joined == {"home": before}
        relays.see(bot)
        assert relays.taken == {"TR_1": HOST}
