"""A connected client that sends far too much, or has its address forged: others notice nothing.

Counted in packets, never in seconds: each round sends a bounded burst, one tick of sound, and goes
on when both have arrived.
"""

import asyncio
import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from spaces_bridge.media.worker.edge import stun
from spaces_bridge.media.worker.edge.dtls_settled import Settled
from spaces_bridge.media.worker.values import (
    ListenerPayload,
    StreamDirection,
)
from spaces_bridge_demo.wire import WireConnection, WirePeer
from tests.support import malformed
from tests.support.edge import SILENCE, Clock, EdgeWorld, closing, edge_world

pytestmark = pytest.mark.peers

_AT_ONCE = 50  # so many small datagrams fit into any receive buffer


@pytest.fixture
async def failures() -> list[dict[str, Any]]:
    """What was raised out of the edge into the event loop: must stay empty."""
    found = list[dict[str, Any]]()
    asyncio.get_running_loop().set_exception_handler(lambda _, context: found.append(context))
    return found


class Conversation:
    """A speaker and a listener who are to notice nothing."""

    def __init__(
        self, world: EdgeWorld, speaker: WireConnection, listener: WireConnection
    ) -> None:
        self._world, self._speaker, self._listener = world, speaker, listener
        self._said = 0

    async def goes_on(self) -> None:
        """One packet of the speaker and one to the listener; both arrive."""
        world, listener, self._said = self._world, self._listener, self._said + 1
        self._speaker.send(self._speaker.peer.rtp(self._said, self._said * 960, SILENCE))
        world.edge.fan_out(960, [ListenerPayload(("listener",), SILENCE)])
        await world.until(lambda: len(world.packets.get("speaker", [])) == self._said)
        await listener.until(lambda: listener.peer.received == self._said)


async def send(client: WireConnection, datagrams: Iterator[bytes], say: Conversation) -> None:
    """Send them all, with the conversation going on in between."""
    for number, datagram in enumerate(datagrams):
        client.send(datagram)
        if number % _AT_ONCE == 0:
            await say.goes_on()
    await say.goes_on()


def forgeries(client: WireConnection) -> list[bytes]:
    """Datagrams as somebody makes them who knows all of a speaker but its keys."""
    peer, server = client.peer, client.peer.server
    assert server is not None
    sound = bytes([0x80, 111]) + bytes(6) + peer.ssrc.to_bytes(4) + bytes(40)
    report = bytes.fromhex("80c80006") + peer.ssrc.to_bytes(4) + bytes(60)
    check = stun.request(f"{server.ufrag}:{peer.ufrag}", "x" * 24, stun.new_transaction())
    return [sound, report, check, bytes.fromhex("17fefd") + bytes(60), b"\x40" + bytes(40)]


async def test_forged_datagrams_with_a_speakers_address_do_not_chop_it() -> None:
    async with edge_world() as world:
        speaker = await world.wire("speaker", StreamDirection.SPEAK)
        listener = await world.wire("listener")
        async with closing(speaker, listener):
            say = Conversation(world, speaker, listener)
            await say.goes_on()
            await send(speaker, (one for one in forgeries(speaker) for _ in range(1000)), say)
            for reason in ("srtp_rejected", "srtcp_rejected", "stun_integrity", "unknown_kind"):
                assert world.refused(reason) == 1000


async def test_checks_without_end_are_answered_up_to_the_budget() -> None:
    async with edge_world(clock=Clock()) as world:
        speaker = await world.wire("speaker", StreamDirection.SPEAK)
        listener, evil = await world.wire("listener"), await world.wire("evil")
        async with closing(speaker, listener, evil):
            checks = (evil.peer.check() for _ in range(5000))
            await send(evil, checks, Conversation(world, speaker, listener))
            await evil.until(lambda: evil.peer.checks_answered == 150)
            await world.until(lambda: world.refused("stun_too_much") >= 4850)


async def test_dtls_of_a_connected_peer_is_taken_in_up_to_the_budget(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    taken = list[int]()
    receive: Callable[[Settled, bytes], object] = Settled.receive

    def counted(settled: Settled, datagram: bytes) -> object:
        taken.append(len(datagram))
        return receive(settled, datagram)

    monkeypatch.setattr(Settled, "receive", counted)
    async with edge_world(clock=Clock()) as world:
        speaker = await world.wire("speaker", StreamDirection.SPEAK)
        listener, evil = await world.wire("listener"), await world.wire("evil")
        async with closing(speaker, listener, evil):
            records = (bytes.fromhex("17fefd") + bytes(60) for _ in range(2000))
            await send(evil, records, Conversation(world, speaker, listener))
            await world.until(lambda: world.refused("dtls") >= 1950)
            assert 0 < len(taken) <= 50


async def test_a_client_that_floods_by_tcp_is_hung_up_on() -> None:
    """There nobody else can have sent it; the client may dial again."""
    clock = Clock()
    async with edge_world(clock=clock) as world:
        speaker = await world.wire("speaker", StreamDirection.SPEAK)
        listener, evil = await world.wire("listener"), await world.wire("evil", tcp=True)
        async with closing(speaker, listener, evil):
            say = Conversation(world, speaker, listener)
            for _ in range(60):
                with contextlib.suppress(ConnectionError):  # it was hung up on meanwhile
                    for _ in range(_AT_ONCE):
                        evil.send(b"\xff" * 12)
                await say.goes_on()
            await world.until(lambda: world.refused("tcp_too_much") > 0)
            assert world.refused("tcp_too_much") == 1
            assert world.refused("unknown_kind") <= 2000
            assert world.is_connected("evil")
            clock.now += 1
            await evil.dial(tcp=True)
            world.start_sound(["evil"])
            await evil.more(5)


@pytest.mark.parametrize("make", [malformed.dtls, malformed.anything], ids=["DTLS", "anything"])
@pytest.mark.parametrize("connected", [False, True], ids=["joining", "connected"])
async def test_generated_input_of_a_client_stays_its_own_affair(
    make: malformed.Make, failures: list[dict[str, Any]], *, connected: bool
) -> None:
    dice = malformed.dice()
    async with edge_world() as world:
        speaker = await world.wire("speaker", StreamDirection.SPEAK)
        listener = await world.wire("listener")
        evil = WireConnection(
            _Evil(StreamDirection.SPEAK) if not connected else WirePeer(StreamDirection.SPEAK)
        )
        async with closing(speaker, listener, evil):
            say = Conversation(world, speaker, listener)
            joining = asyncio.create_task(evil.join(world.speaker("evil")))
            await evil.until(lambda: evil.peer.checks_answered > 0)
            if connected:
                await joining
                await world.until(lambda: world.is_connected("evil"))
            await send(evil, (make(dice) for _ in range(2000)), say)
            joining.cancel()
            assert failures == []
            assert "evil" not in world.packets


class _Evil(WirePeer):
    """Is let in and does not begin to shake hands."""

    def _handshake(self) -> None:
        pass
