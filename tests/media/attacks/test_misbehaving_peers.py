"""Clients that were let in and send what no client does, under good signatures.

Through a real port: a listener and an honest speaker notice nothing, nothing is raised into the
event loop, and each kind is counted.
"""

import asyncio
from typing import Any

import numpy as np
import pytest

from spaces_bridge.media.worker.mix.opus import FRAME, Encoder, duration
from spaces_bridge.media.worker.mix.space_mix import SpaceMix
from spaces_bridge.media.worker.values import RtpPacket, StreamDirection
from spaces_bridge_demo.wire import WireConnection
from tests.support import malformed, misbehaving
from tests.support.edge import SILENCE, EdgeWorld, closing, edge_world
from tests.support.misbehaving import OPUS, Evil, Misbehaviour

pytestmark = pytest.mark.peers

ATTACKS: dict[str, tuple[Misbehaviour, set[str]]] = {
    "every TOC": (misbehaving.every_toc, set()),
    "odd headers": (misbehaving.odd_headers, {"rtp_malformed"}),
    "reports": (misbehaving.reports, {"rtcp_malformed", "rtcp_too_much"}),
    "streams": (misbehaving.streams, {"rtp_unknown_stream"}),
    "jumps": (misbehaving.jumps, {"rtp_jump"}),
    "other kinds": (misbehaving.other_kinds, {"rtp_unknown_stream"}),
}


async def goes_on(world: EdgeWorld, speaker: WireConnection, listener: WireConnection) -> None:
    """One packet of the speaker arrives, and one at the listener."""
    said = len(world.packets.get("speaker", []))
    speaker.send(speaker.peer.rtp(said, said * 960, SILENCE))
    await world.until(lambda: len(world.packets.get("speaker", [])) > said)
    await listener.more(1)


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
            world.start_sound(["listener"])
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
