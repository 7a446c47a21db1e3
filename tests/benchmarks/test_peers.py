"""The listeners that other servers are measured with."""

import psutil
import pytest

from benchmarks.peers.aiortc_relay import aiortc_relay
from benchmarks.peers.client import Client
from benchmarks.peers.cost import cost
from spaces_bridge.media.worker.edge.dtls import Identity
from spaces_bridge.media.worker.values import StreamDirection

pytestmark = pytest.mark.peers

OFFER = """v=0
m=audio 9 UDP/TLS/RTP/SAVPF 96
a=sendonly
a=mid:sound
a=ice-ufrag:abcd
a=ice-pwd:0123456789012345678901
a=fingerprint:sha-256 00:11
a=setup:actpass
a=rtpmap:96 opus/48000/2
a=candidate:1 1 udp 1 fd00::2 9 typ host
a=candidate:2 1 udp 1 127.0.0.1 9 typ host
"""


async def test_aiortc_relays_a_voice_to_every_listener_and_is_gone_afterwards() -> None:
    mine = psutil.Process()
    before = {child.pid for child in mine.children()}
    measured = await cost(aiortc_relay(), listeners=2, seconds=0.5)
    assert measured.us_per_packet > 0
    assert measured.packets_per_s > 0
    assert {child.pid for child in mine.children()} <= before


async def test_an_answer_takes_over_mid_and_payload_type_and_leaves_nomination_to_the_server() -> (
    None
):
    client = Client(StreamDirection.LISTEN, Identity())
    try:
        lines = client.answer(OFFER.replace("\n", "\r\n")).split("\r\n")
    finally:
        client.close()
    assert {"a=mid:sound", "a=group:BUNDLE sound", "a=rtpmap:96 opus/48000/2"} <= set(lines)
    assert {"a=setup:active", "a=recvonly", "m=audio 9 UDP/TLS/RTP/SAVPF 96"} <= set(lines)
    assert client.peer.server is not None
    assert client.peer.server.address == ("127.0.0.1", 9)
    assert not client.peer.controls


async def test_an_offer_without_opus_is_refused() -> None:
    client = Client(StreamDirection.LISTEN, Identity())
    try:
        with pytest.raises(ValueError, match="no Opus"):
            client.answer(OFFER.replace("opus", "PCMU"))
    finally:
        client.close()
