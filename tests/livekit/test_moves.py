"""Rooms of LiveKit nodes that die: looked for, moved and joined anew; the server is on paper."""

import asyncio

import pytest

from spaces_bridge.core.ids import SpaceId
from spaces_bridge.livekit.engine import moves
from spaces_bridge.livekit.engine.api import LiveKitAnswers
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


async def test_a_server_that_refuses_answers() -> None:
    class Refusing:
        async def probe(self, room: str) -> None:
            raise LiveKitAnswers("too many requests")

    moved = list[SpaceId]()
    watch = RoomMoves(Refusing(), lambda: {SPACE: NAME}, moved.append)
    for _ in range(MISSED + 1):
        await watch.look()
    assert watch.pause_s() == moves.PROBE_EVERY_S


async def test_an_outage_is_not_a_node_that_died() -> None:
    server, now = PaperServer(), 0.0
    watch = RoomMoves(server, lambda: {SPACE: NAME}, lambda _: None, lambda: now)
    server.is_away = True
    await watch.look()
    assert watch.pause_s() == moves.AGAIN_EVERY_S
    now = moves.AGAIN_FOR_S
    await watch.look()
    assert watch.pause_s() == moves.PROBE_EVERY_S


async def test_rooms_that_wait_for_their_turn_are_not_missed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(moves, "LOOKS_AT_ONCE", 1)
    asked, at_once = list[str](), list[int]()

    class Counting:
        async def probe(self, room: str) -> None:
            asked.append(room)
            at_once.append(1)
            await asyncio.sleep(0)
            assert sum(at_once) == 1
            at_once.pop()

    rooms = {SpaceId(f"space{number}"): f"room{number}" for number in range(5)}
    await RoomMoves(Counting(), lambda: rooms, lambda _: None).look()
    assert asked == list(rooms.values())


class SilentServer:
    """A server that takes requests, and answers them once it `speaks`."""

    def __init__(self) -> None:
        self.speaks = asyncio.Event()

    async def probe(self, room: str) -> None:
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
