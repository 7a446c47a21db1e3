"""Clients that were let in and send what no client does, under good signatures.

Through a real port: a listener and an honest speaker notice nothing, nothing is raised into the
event loop, and each kind is counted.
"""

import asyncio
import random
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pylibsrtp
import pytest

from spaces_bridge.media.worker.edge import rtp
from spaces_bridge.media.worker.edge.srtp import Outbound
from spaces_bridge.media.worker.mix.opus import FRAME, Encoder, duration
from spaces_bridge.media.worker.mix.space_mix import SpaceMix
from spaces_bridge.media.worker.values import RtpPacket, StreamDirection
from spaces_bridge_demo.wire import WireConnection, WirePeer
from tests.support import malformed
from tests.support.edge import SILENCE, EdgeWorld, closing, edge_world

pytestmark = pytest.mark.peers

OPUS = 111


class Evil:
    """A connected speaker's keys, for packets of any kind."""

    def __init__(self, peer: WirePeer, dice: random.Random) -> None:
        assert peer.out is not None
        assert peer.keys is not None
        self.ssrc, self.dice = peer.ssrc, dice
        self._out, self._keys = peer.out, peer.keys
        self._others: dict[int, Outbound] = {}

    def sound(
        self, index: int, payload: bytes, *, first: int = 0x80, head: bytes = b"", kind: int = OPUS
    ) -> bytes | None:
        """An RTP packet; `head` stands before its payload. None: libsrtp does not protect it."""
        at = index * 960 & 0xFFFFFFFF
        packet = rtp.HEADER.pack(first, kind, index & 0xFFFF, at, self.ssrc)
        try:
            return self._out.protect(packet + head + payload)
        except pylibsrtp.Error:
            return None

    def report(self, body: bytes) -> bytes | None:
        """A report of any content behind the head that SRTCP leaves in the clear."""
        try:
            return self._out.protect_rtcp(body)
        except pylibsrtp.Error:
            return None

    def of_another(self, ssrc: int) -> bytes:
        """Sound of another stream under the same keys."""
        out = self._others.setdefault(ssrc, Outbound(self._keys.profile, self._keys.tx, ssrc))
        return out.protect(rtp.HEADER.pack(0x80, OPUS, 1, 960, ssrc) + SILENCE)


def every_toc(evil: Evil) -> Iterator[bytes | None]:
    """Every first byte of Opus, alone and before junk."""
    for toc in range(256):
        for size in (0, 1, evil.dice.randrange(2, 80)):
            payload = bytes([toc]) + evil.dice.randbytes(size)
            yield evil.sound(3 * toc + min(size, 2), payload)


def odd_headers(evil: Evil) -> Iterator[bytes | None]:
    """Contributors, extensions of any length, padding that lies, at any size that UDP carries."""
    for index in range(600):
        contributors, words = evil.dice.randrange(16), evil.dice.choice([0, 1, 4, 300, 0xFFFF])
        first = 0x80 | evil.dice.choice([0, 0x10, 0x20, 0x30]) | contributors
        head = bytes(4 * contributors)
        if first & 0x10:
            head += evil.dice.choice([b"\xbe\xde", b"\x10\0", b"\0\0"]) + words.to_bytes(2)
            head += evil.dice.randbytes(4 * min(words, 320))
        junk = evil.dice.randbytes(evil.dice.randrange(60))
        yield evil.sound(index, junk, first=first, head=head)


def reports(evil: Evil) -> Iterator[bytes | None]:
    """Compound packets that are odd, endless, or about everybody else; no goodbye among them."""
    ours = evil.ssrc.to_bytes(4)
    for _ in range(600):
        body = b""
        for part in range(evil.dice.choice([1, 2, 33, 60])):
            kind = evil.dice.choice([192, 200, 201, 202, 204, 205, 206, 207, 223])
            inside = (ours if part == 0 else b"") + evil.dice.randbytes(4 * evil.dice.randrange(6))
            size = evil.dice.choice([len(inside) // 4] * 5 + [evil.dice.randrange(0x10000)])
            count = evil.dice.randrange(64)
            body += bytes([0x80 | count, kind]) + size.to_bytes(2) + inside
        news = rtp.read_rtcp(body[:1100])
        yield None if news is not None and news.left else evil.report(body[:1100])


def streams(evil: Evil) -> Iterator[bytes | None]:
    """Ever new streams."""
    yield evil.sound(1, SILENCE)
    for ssrc in range(1, 600):
        yield evil.of_another(ssrc)


def jumps(evil: Evil) -> Iterator[bytes | None]:
    """Sequence numbers as far ahead as SRTP follows, again and again."""
    for step in range(600):
        yield evil.sound(step * 32_000, SILENCE)


def other_kinds(evil: Evil) -> Iterator[bytes | None]:
    """Payload types that were not negotiated."""
    for kind in range(128):
        if kind != OPUS:
            yield evil.sound(kind, SILENCE, kind=kind)


ATTACKS: dict[str, tuple[Callable[[Evil], Iterator[bytes | None]], set[str]]] = {
    "every TOC": (every_toc, set()),
    "odd headers": (odd_headers, {"rtp_malformed"}),
    "reports": (reports, {"rtcp_malformed", "rtcp_too_much"}),
    "streams": (streams, {"rtp_unknown_stream"}),
    "jumps": (jumps, {"rtp_jump"}),
    "other kinds": (other_kinds, {"rtp_unknown_stream"}),
}


async def goes_on(world: EdgeWorld, speaker: WireConnection, listener: WireConnection) -> None:
    """One packet of the speaker arrives, and one at the listener."""
    said, heard = len(world.packets.get("speaker", [])), listener.peer.received
    speaker.send(speaker.peer.rtp(said, said * 960, SILENCE))
    world.edge.fan_out(FRAME, [(("listener",), SILENCE)])
    await world.until(lambda: len(world.packets.get("speaker", [])) > said)
    await listener.until(lambda: listener.peer.received > heard)


@pytest.mark.parametrize("attack", ATTACKS)
async def test_nobody_notices_what_an_authenticated_speaker_sends(attack: str) -> None:
    raised = list[dict[str, Any]]()
    asyncio.get_running_loop().set_exception_handler(lambda _, context: raised.append(context))
    make, reasons = ATTACKS[attack]
    async with edge_world() as world:
        speaker = await world.wire("speaker", StreamDirection.SPEAK)
        listener = await world.wire("listener")
        evil = await world.wire("evil", StreamDirection.SPEAK)
        async with closing(speaker, listener, evil):
            sent = 0
            for datagram in make(Evil(evil.peer, malformed.dice())):
                if datagram is None:
                    continue
                evil.send(datagram)
                sent += 1
                if sent % 50 == 0:
                    await goes_on(world, speaker, listener)
            await goes_on(world, speaker, listener)
            assert sent > 100
            assert reasons <= world.edge.stats().refused.keys()
            assert world.is_connected("evil")
            assert raised == []


def test_whatever_opus_a_speaker_sends_the_others_are_heard_at_every_tick() -> None:
    """All first bytes, cut short, late, early and twice, beside somebody's tone."""
    dice, mix, good = malformed.dice(), SpaceMix(0), Encoder()
    phase = np.arange(FRAME) * 2 * np.pi * 400 / 48_000
    tone = (np.sin(phase) * 8000).astype(np.int16)
    mix.set_gates(["evil", "good"])
    for user in ("evil", "good"):
        mix.join(user, user, StreamDirection.SPEAK)
    mix.join("ear", "ear", StreamDirection.LISTEN)
    loud = 0
    for tick in range(512):
        now, toc = 1000.0 + tick * 0.02, tick % 256
        step = dice.choice([1, 1, 1, 0, -3, 500])
        payload = bytes([toc]) + dice.randbytes(dice.choice([0, 1, 3, 60]))
        packet = RtpPacket(tick + step, (tick + step) * FRAME, False, OPUS, 7, payload)
        mix.receive("evil", "evil", packet, now)
        said = RtpPacket(tick & 0xFFFF, tick * FRAME, False, OPUS, 8, good.encode(tone))
        mix.receive("good", "good", said, now)
        packets = mix.tick(now + 0.005).payloads
        assert len(packets) == 1
        assert duration(packets[0][1]) == FRAME
        told = mix.levels()
        loud += bool(told and told.get("good"))
    assert loud > 10
