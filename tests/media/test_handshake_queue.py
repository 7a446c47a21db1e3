"""Handshakes take turns: who goes first, how long a turn is, and what waits at most."""

from typing import Final

import pytest

from spaces_bridge.media.worker.edge import handshake_queue
from spaces_bridge.media.worker.edge.dtls import Handshake, Identity
from spaces_bridge.media.worker.edge.handshake_queue import MOST_OF_ONE, TURN_S, HandshakeQueue
from spaces_bridge.media.worker.edge.ice import Ice
from spaces_bridge.media.worker.edge.paths import Path
from spaces_bridge.media.worker.edge.peer import Peer
from spaces_bridge.media.worker.values import SdpRefused, StreamDirection
from spaces_bridge_demo.wire import WirePeer
from tests.media.test_dtls import digest
from tests.support.edge import Clock, closing, edge_world

pytestmark = pytest.mark.unit

COST_S: Final = 0.75 * TURN_S
"""What each datagram takes here."""


class World:
    """A queue whose work takes its time on a clock that goes when told to."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.planned = list[float]()
        self.taken = list[tuple[str, bytes]]()
        self.breaks: str | None = None
        self.queue = HandshakeQueue(self._take_in, self.clock, self._later)
        self.path: Path = Nowhere()

    def _later(self, seconds: float, act: object) -> None:
        assert callable(act)
        self.planned.append(seconds)
        self.act = act

    def _take_in(self, peer: Peer, path: Path, datagram: bytes) -> None:
        assert path is self.path
        self.clock.now += COST_S
        if peer.id == self.breaks:
            raise RuntimeError(peer.id)
        self.taken.append((peer.id, datagram))

    def add(self, peer: Peer, datagram: bytes) -> bool:
        return self.queue.add(peer, self.path, datagram)

    def turn(self) -> list[tuple[str, bytes]]:
        """Come to the next turn; what it took in."""
        self.clock.now += self.planned[-1]
        before = len(self.taken)
        self.act()
        return self.taken[before:]


class Nowhere:
    """A path that leads nowhere."""

    owner: str | None = None
    address = ("127.0.0.1", 9)
    proven = False

    def send(self, datagram: bytes) -> bool:
        return False

    def claim(self, owner: str) -> None:
        self.owner = owner

    def forget(self) -> None:
        self.owner = None


def peer(name: str, *, begun: bool = False) -> Peer:
    made = Peer(name, StreamDirection.LISTEN, Ice("u", "p", "u", "p"), 111, 0.0)
    if begun:
        made.dtls.handshake = Handshake(Identity(), digest(Identity()))
    return made


def test_who_came_first_goes_first_with_all_that_came() -> None:
    world, anna, ben = World(), peer("anna"), peer("ben")
    for whose, datagram in ((anna, b"1"), (ben, b"2"), (anna, b"3")):
        assert world.add(whose, datagram)
    assert world.planned == [0.0]
    assert world.turn() == [("anna", b"1"), ("anna", b"3")]
    assert world.turn() == [("ben", b"2")]


def test_who_is_half_through_goes_before_who_is_new() -> None:
    world = World()
    world.add(peer("new"), b"1")
    world.add(peer("begun", begun=True), b"2")
    assert world.turn() == [("begun", b"2"), ("new", b"1")]


def test_a_rest_is_as_long_as_the_turn_before_it() -> None:
    world = World()
    for number in range(6):
        world.add(peer(str(number)), b"1")
    assert [len(world.turn()) for _ in range(3)] == [2, 2, 2]
    assert world.planned == pytest.approx([0.0, 2 * COST_S, 2 * COST_S])
    world.add(peer("late"), b"1")
    assert world.planned[-1] == pytest.approx(2 * COST_S)
    world.clock.now += 1
    assert world.turn() == [("late", b"1")]
    world.clock.now += 1
    world.add(peer("later"), b"1")
    assert world.planned[-1] == 0.0


def test_what_waits_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(handshake_queue, "MOST_WAITING", 3)
    world, anna = World(), peer("anna")
    assert [world.add(anna, b"1") for _ in range(MOST_OF_ONE + 1)] == [True] * MOST_OF_ONE + [
        False
    ]
    assert [world.add(peer(str(at)), b"1") for at in range(3)] == [True, True, False]
    assert world.queue.is_full
    assert len(world.turn()) == MOST_OF_ONE
    assert not world.queue.is_full


def test_who_left_costs_no_turn() -> None:
    world, anna, ben = World(), peer("anna"), peer("ben")
    for whose in (anna, ben):
        world.add(whose, b"1")
    world.queue.forget(anna)
    assert world.turn() == [("ben", b"1")]
    world.add(ben, b"2")
    world.queue.stop()
    assert world.turn() == []


def test_a_failure_keeps_nobody_else_waiting() -> None:
    world = World()
    world.breaks = "anna"
    for name in ("anna", "ben"):
        world.add(peer(name), b"1")
    with pytest.raises(RuntimeError):
        world.turn()
    assert world.turn() == [("ben", b"1")]


async def test_who_comes_while_too_many_wait_is_asked_for_a_moment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with edge_world() as world:
        monkeypatch.setattr(handshake_queue, "MOST_WAITING", 0)
        with pytest.raises(SdpRefused) as refused:
            world.edge.accept(
                "anna", StreamDirection.LISTEN, WirePeer(StreamDirection.LISTEN).offer()
            )
        assert refused.value.code == "busy"
        monkeypatch.undo()
        async with closing(await world.wire("anna")):
            assert world.is_connected("anna")


def test_newcomers_get_a_turn_however_much_those_send_who_have_begun() -> None:
    world = World()
    begun = [peer(f"begun {number}", begun=True) for number in range(3)]
    for each in begun:
        world.add(each, b"x")
    world.add(peer("new"), b"hello")
    for _ in range(2 * handshake_queue.NEW_EACH):
        for name, _datagram in world.turn():
            if name == "new":
                return
        for each in begun:
            world.add(each, b"again")
    pytest.fail("who was new got no turn")
