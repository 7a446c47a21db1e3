"""Duplex peers at the edge: who is let in, when they are forgotten, and what a record holds."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spaces_bridge.media.worker.edge import stun
from spaces_bridge.media.worker.edge.duplex_peer import RING_S
from spaces_bridge.media.worker.edge.edge import SILENCE_S
from spaces_bridge.media.worker.edge.peer import JOIN_S
from spaces_bridge.media.worker.edge.sources import MOST_LEARNT
from spaces_bridge.media.worker.edge.srtp import new_ssrc
from spaces_bridge.media.worker.values import (
    DuplexRecord,
    ResumeRecord,
    SdpRefused,
    StreamDirection,
)
from spaces_bridge_demo.signalling import Signal
from spaces_bridge_demo.wire import WireConnection, read_answer
from tests.support.edge import SILENCE, Clock, EdgeWorld, closing, edge_world
from tests.support.plain_client import EVENTS, PlainWire, event

pytestmark = pytest.mark.peers


def signal(world: EdgeWorld, peer: str) -> Signal:
    """Signalling of a caller by function call."""

    async def answer(offer: str) -> str:
        return world.edge.duplexes.answer(peer, offer).sdp

    return answer


@contextlib.asynccontextmanager
async def caller(world: EdgeWorld, peer: str) -> AsyncIterator[tuple[PlainWire, WireConnection]]:
    """A connected client."""
    wire = PlainWire()
    client = WireConnection(wire)
    async with closing(client):
        await client.join(signal(world, peer))
        await world.until(lambda: world.is_connected(peer))
        yield wire, client


async def test_before_an_answer_is_accepted_no_check_is_answered_whatever_it_names() -> None:
    async with edge_world() as world:
        offer = world.edge.duplexes.offer("anna").sdp
        wire = PlainWire()
        client = WireConnection(wire)
        async with closing(client):
            wire.server = read_answer(offer)
            await client.dial()
            for name in (wire.server.ufrag, f"{wire.server.ufrag}:", f"{wire.server.ufrag}:else"):
                request = stun.request(name, wire.server.pwd, stun.new_transaction())
                client.send(request)
            await world.until(lambda: world.refused("stun_user") >= 4)
            assert wire.checks_answered == 0
            world.edge.duplexes.accept("anna", wire.answer())
            wire.send_check()
            await world.until(lambda: world.is_connected("anna"))


async def test_an_offer_that_nobody_takes_is_forgotten() -> None:
    clock = Clock()
    async with edge_world(clock=clock) as world:
        world.edge.duplexes.offer("anna")
        world.edge.duplexes.offer("ben")
        clock.now += RING_S - 1
        world.edge.duplexes.accept("ben", PlainWire().answer())
        await asyncio.sleep(0)
        assert set(world.edge.peers()) == {"anna", "ben"}
        clock.now += 2
        await world.until(lambda: world.reason("anna") == "it did not connect in time")
        assert set(world.edge.peers()) == {"ben"}  # whose time to connect began when it answered
        clock.now += JOIN_S
        await world.until(lambda: world.reason("ben") == "it did not connect in time")


async def test_callers_take_a_quarter_of_the_room_and_leave_the_rest_to_others() -> None:
    async with edge_world(most=8) as world:
        for number in range(2):
            world.edge.duplexes.offer(f"caller{number}")
        with pytest.raises(SdpRefused, match="Too many people are in calls"):
            world.edge.duplexes.offer("one more")
        with pytest.raises(SdpRefused, match="Too many people are in calls"):
            world.edge.duplexes.answer("one more", PlainWire().offer())
        assert len(world.edge.peers()) == 2
        world.edge.close("caller0")
        world.edge.duplexes.offer("one more")


async def test_a_caller_that_is_not_heard_any_more_is_gone() -> None:
    clock = Clock()
    async with edge_world(clock=clock) as world, caller(world, "anna") as (wire, client):
        clock.now += SILENCE_S - 1
        client.send(wire.rtp(1, 960, SILENCE))
        await world.until(lambda: len(world.packets.get("anna", [])) == 1)
        clock.now += SILENCE_S - 1
        answered = wire.checks_answered
        wire.send_check()
        await client.until(lambda: wire.checks_answered > answered)
        clock.now += SILENCE_S + 1
        await world.until(lambda: world.reason("anna") == "it was not heard any more")


async def test_a_goodbye_of_the_microphone_alone_ends_no_call() -> None:
    async with edge_world() as world, caller(world, "anna") as (wire, client):
        client.send(wire.rtp(1, 960, SILENCE))
        await world.until(lambda: len(world.packets.get("anna", [])) == 1)
        assert wire.out is not None
        bye = b"\x80\xc9\x00\x01" + wire.ssrc.to_bytes(4)
        bye += b"\x81\xcb\x00\x01" + wire.ssrc.to_bytes(4)
        client.send(wire.out.protect_rtcp(bye))
        wire.send_check()
        client.send(wire.rtp(2, 1920, SILENCE))
        await world.until(lambda: len(world.packets["anna"]) == 2)
        wire.say_goodbye()
        await world.until(lambda: world.reason("anna") == "the client left")


async def test_events_are_counted_if_malformed_and_never_given_on_as_sound() -> None:
    async with edge_world() as world, caller(world, "anna") as (wire, client):
        client.send(wire.rtp(1, 960, b"", kind=EVENTS))
        client.send(wire.rtp(2, 960, event(1, 80), kind=EVENTS))
        client.send(wire.rtp(3, 960, b"no keypad", kind=99))
        client.send(wire.rtp(4, 960, SILENCE))
        await world.until(lambda: len(world.packets.get("anna", [])) == 1)
        assert world.packets["anna"][0].payload_type == 111
        assert (world.refused("key_malformed"), world.refused("rtp_unknown_stream")) == (1, 1)
        assert world.keys == [("anna", "1")]


async def test_who_offers_only_to_hear_sends_nothing_that_is_taken() -> None:
    async with edge_world() as world, caller(world, "anna") as (wire, client):
        wire.way = "recvonly"
        assert "a=sendonly\r\n" in world.edge.duplexes.renegotiate("anna", wire.offer()).sdp
        assert world.edge.microphone("anna") == ""
        client.send(wire.rtp(1, 960, SILENCE))
        await world.until(lambda: world.refused("rtp_unwanted") == 1)


async def test_another_payload_type_is_taken_in_both_directions() -> None:
    async with edge_world() as world, caller(world, "anna") as (wire, client):
        offer = wire.offer().replace("111", "96")
        world.edge.duplexes.renegotiate("anna", offer)
        world.start_sound(["anna"])
        await client.more(5)
        assert wire.packets[-1].payload_type == 96
        client.send(wire.rtp(1, 960, SILENCE, kind=96))
        await world.until(lambda: len(world.packets.get("anna", [])) == 1)


async def test_a_microphone_may_be_another_only_so_often() -> None:
    async with edge_world() as world, caller(world, "anna") as (wire, client):
        for sent in range(MOST_LEARNT):
            wire.ssrc = new_ssrc()
            world.edge.duplexes.renegotiate("anna", wire.offer())
            client.send(wire.rtp(sent + 1, 960, SILENCE))
            await world.until(lambda: len(world.packets.get("anna", [])) > sent)  # noqa: B023
        wire.ssrc = new_ssrc()
        with pytest.raises(SdpRefused, match="too often"):
            world.edge.duplexes.renegotiate("anna", wire.offer())


async def test_a_record_without_its_negotiations_is_not_resumed() -> None:
    async with edge_world() as world, caller(world, "anna"):
        record = ResumeRecord.decode(world.edge.resume_record("anna").encode())
        assert record.duplex is not None
        assert dict(record.duplex.keypad) == {110: 48_000, 126: 8_000}
        values = {name: getattr(record, name) for name in ResumeRecord.__slots__}
        with pytest.raises(ValueError, match="negotiated"):
            world.edge.restore("ben", ResumeRecord(**values | {"duplex": None}))


@given(
    st.tuples(st.integers(0, 127), st.sampled_from([8_000, 48_000])).map(lambda each: (each,)),
    st.frozensets(st.integers(0, (1 << 32) - 1), max_size=4),
    st.booleans(),
)
def test_a_record_comes_back_as_it_went(
    keypad: tuple[tuple[int, int], ...], ssrcs: frozenset[int], is_held: bool
) -> None:
    negotiated = DuplexRecord(
        "AB:CD", "sha-256", "abcd", False, True, is_held, 3, keypad, tuple(ssrcs), tuple(ssrcs)
    )
    record = ResumeRecord(
        *(StreamDirection.DUPLEX, "a", "b", "c", "d", ("127.0.0.1", 1), 0, "p", b"k", b"l"),
        *(111, 1, None, 2, 3, None, 4, 5.0),
        duplex=negotiated,
    )
    assert ResumeRecord.decode(record.encode()) == record
