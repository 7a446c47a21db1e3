"""The edge with real clients: coming, sounding, going."""

import asyncio
import itertools

import numpy as np
import pytest
from aiortc import RTCConfiguration, RTCPeerConnection
from opuslib_next import Encoder

from spaces_bridge.media.worker.edge import stun
from spaces_bridge.media.worker.edge.dtls import Identity
from spaces_bridge.media.worker.edge.edge import SILENCE_S
from spaces_bridge.media.worker.edge.srtp import Profile
from spaces_bridge.media.worker.values import (
    CUT,
    ListenerPayload,
    SdpRefused,
    StreamDirection,
)
from spaces_bridge_demo.peer import FRAME, RATE, ListenerPeer, Pcm, SpeakerPeer
from spaces_bridge_demo.wire import WireConnection, WirePeer
from tests.support.edge import SILENCE, Clock, EdgeWorld, closing, edge_world, udp_socket

pytestmark = pytest.mark.peers


def tone(hertz: float, seconds: float) -> Pcm:
    at = np.arange(int(RATE * seconds)) / RATE
    return (10_000 * np.sin(2 * np.pi * hertz * at)).astype(np.int16)


def pitch(pcm: Pcm) -> float:
    """The strongest frequency, in hertz."""
    spectrum = np.abs(np.fft.rfft(pcm.astype(np.float64)))
    return float(spectrum.argmax() * RATE / len(pcm))


def encoded_tone(hertz: float) -> list[bytes]:
    encoder = Encoder(RATE, 1, "audio")
    pcm = tone(hertz, 1.0)
    return [
        encoder.encode(pcm[at : at + FRAME].tobytes(), FRAME) for at in range(0, len(pcm), FRAME)
    ]


async def test_a_listener_hears_the_tone_that_is_sent() -> None:
    async with edge_world() as world:
        listener = ListenerPeer(world.listener("anna"))
        frames = itertools.cycle(encoded_tone(440))
        world.payload = lambda: next(frames)
        await listener.connect()
        world.start_sound(["anna"])
        await listener.wait_packets(75)
        assert abs(pitch(listener.pcm()[-RATE:]) - 440) < 5
        await listener.close()
        await world.until(lambda: world.reason("anna") == "the client left")


async def test_a_speaker_is_heard_and_gets_reports() -> None:
    async with edge_world() as world:
        speaker = SpeakerPeer(world.speaker("anna"))
        await speaker.connect()
        speaker.say(tone(440, 0.5))
        await speaker.said()
        await world.until(lambda: len(world.packets["anna"]) >= 30)
        packets = world.packets["anna"]
        assert len({packet.ssrc for packet in packets}) == 1
        assert max(len(packet.payload) for packet in packets) > 30
        steps = {b.timestamp - a.timestamp for a, b in itertools.pairwise(packets)}
        assert steps == {FRAME}
        await speaker.close()
        await world.until(lambda: world.reason("anna") == "the client left")


@pytest.mark.parametrize("profile", list(Profile))
@pytest.mark.parametrize("direction", [StreamDirection.LISTEN, StreamDirection.SPEAK])
async def test_both_protection_profiles_work_both_ways(
    profile: Profile, direction: StreamDirection
) -> None:
    async with edge_world() as world:
        client = await world.wire("anna", direction, identity=Identity([profile]))
        async with closing(client):
            world.start_sound(["anna"])
            assert world.edge.resume_record("anna").profile == profile.value
            if direction is StreamDirection.LISTEN:
                await client.until(lambda: client.peer.received >= 5)
                return
            for index in range(5):
                client.send(client.peer.rtp(index, index * FRAME, SILENCE))
            await world.until(lambda: len(world.packets.get("anna", [])) == 5)


@pytest.mark.parametrize("tcp", [False, True], ids=["udp", "tcp"])
async def test_ipv6_works_like_ipv4(tcp: bool) -> None:
    async with edge_world(host="::1") as world:
        client = await world.wire("anna", tcp=tcp)
        async with closing(client):
            world.start_sound(["anna"])
            await client.more(10)
            record = world.edge.resume_record("anna")
            world.replace_edge()
            world.edge.restore("anna", record)
            if tcp:
                await client.dial(tcp=True)
            await client.more(10)
            assert client.peer.rejected == 0


async def test_reports_go_to_listeners_and_to_speakers() -> None:
    async with edge_world() as world:
        listener = await world.wire("anna")
        speaker = await world.wire("ben", StreamDirection.SPEAK)
        async with closing(listener, speaker):
            speaker.send(speaker.peer.rtp(1, 960, SILENCE))
            await listener.until(lambda: listener.peer.reports >= 1)
            await speaker.until(lambda: speaker.peer.reports >= 1)


async def test_a_closed_peer_is_told_and_forgotten() -> None:
    async with edge_world() as world:
        client = await world.wire("anna")
        async with closing(client):
            world.edge.close("anna")
            await client.until(lambda: client.peer.left_by_server)
            assert world.edge.peers() == {}
            assert world.reason("anna") == "closed by the bridge"
            assert world.edge.fan_out(960, [ListenerPayload(("anna",), SILENCE)]) == 0
            world.edge.close("anna")


async def test_an_aiortc_client_sees_that_it_was_closed() -> None:
    async with edge_world() as world:
        listener = ListenerPeer(world.listener("anna"))
        await listener.connect()
        world.edge.close("anna")
        await world.until(lambda: listener.state == "closed")
        await listener.close()


async def test_a_second_offer_takes_the_place_of_the_first() -> None:
    async with edge_world() as world:
        first = await world.wire("anna")
        second = await world.wire("anna")
        async with closing(first, second):
            world.start_sound(["anna"])
            await second.until(lambda: second.peer.received >= 5)
            assert first.peer.received == 0
            assert list(world.edge.peers()) == ["anna"]


async def test_who_does_not_connect_in_time_is_forgotten() -> None:
    clock = Clock()
    async with edge_world(clock=clock) as world:
        offer = WirePeer(StreamDirection.LISTEN).offer()
        world.edge.accept("earlier", StreamDirection.LISTEN, offer)
        clock.now += 2
        world.edge.accept("anna", StreamDirection.LISTEN, WirePeer(StreamDirection.LISTEN).offer())
        clock.now += 14
        await world.until(lambda: world.reason("earlier") == "it did not connect in time")
        assert list(world.edge.peers()) == ["anna"]
        clock.now += 2
        await world.until(lambda: world.reason("anna") == "it did not connect in time")
        assert world.edge.peers() == {}


async def test_who_falls_silent_is_forgotten() -> None:
    clock = Clock()
    async with edge_world(clock=clock) as world:
        client, silent = await world.wire("anna"), await world.wire("ben")
        clock.now += SILENCE_S - 1
        answered = client.peer.checks_answered
        client.peer.send_check()
        await client.until(lambda: client.peer.checks_answered > answered)
        clock.now += SILENCE_S - 1
        await world.until(lambda: world.reason("ben") == "it was not heard any more")
        assert world.is_connected("anna")
        client.close()
        silent.close()
        clock.now += 2
        await world.until(lambda: world.reason("anna") == "it was not heard any more")


async def test_a_client_that_changes_its_network_goes_on_hearing() -> None:
    async with edge_world() as world:
        client = await world.wire("anna")
        async with closing(client):
            world.start_sound(["anna"])
            await client.until(lambda: client.peer.received >= 5)
            await client.dial()
            await client.more(20)
            assert client.peer.rejected == 0


async def test_a_data_channel_is_turned_down_and_the_sound_answered() -> None:
    async with edge_world() as world:
        connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        connection.addTransceiver("audio", direction="recvonly")
        connection.createDataChannel("chat")
        offer = await connection.createOffer()
        answer = world.edge.accept("anna", StreamDirection.LISTEN, offer.sdp)
        sections = [line.split()[:2] for line in answer.split("\r\n") if line.startswith("m=")]
        assert sections == [["m=audio", str(world.port)], ["m=application", "0"]]
        await connection.close()


@pytest.mark.parametrize("setup", ["actpass", "active", "passive"])
async def test_a_client_hears_and_is_heard_whoever_begins_dtls(setup: str) -> None:
    async with edge_world() as world:
        ear = await world.wire("anna", setup=setup)
        mouth = await world.wire("ben", StreamDirection.SPEAK, setup=setup, tcp=True)
        async with closing(ear, mouth):
            world.start_sound(["anna"])
            await ear.more(10)
            mouth.send(mouth.peer.rtp(1, FRAME, SILENCE))
            await world.until(lambda: len(world.packets.get("ben", [])) == 1)
            world.edge.close("anna")
            await ear.until(lambda: ear.peer.left_by_server)
            assert ear.peer.rejected == 0


async def test_what_a_listener_sends_is_not_heard() -> None:
    async with edge_world() as world:
        client = await world.wire("anna")
        async with closing(client):
            for index in range(5):
                client.send(client.peer.rtp(index, index * FRAME, b"let me speak"))
            await world.until(lambda: world.refused("rtp_unwanted") == 5)
            assert world.packets == {}


async def test_a_speaker_has_one_stream_of_opus() -> None:
    async with edge_world() as world:
        client = await world.wire("anna", StreamDirection.SPEAK)
        async with closing(client):
            client.send(client.peer.rtp(1, FRAME, SILENCE))
            await world.until(lambda: len(world.packets.get("anna", [])) == 1)
            own = client.peer.ssrc
            for ssrc in range(1, 101):
                client.peer.ssrc = ssrc
                client.send(client.peer.rtp(1, FRAME, SILENCE))
            await world.until(lambda: world.refused("rtp_unknown_stream") == 100)
            client.peer.ssrc = own
            client.send(client.peer.rtp(2, 2 * FRAME, SILENCE))
            await world.until(lambda: len(world.packets["anna"]) == 2)


async def test_a_flood_of_a_speaker_is_cut_to_what_sound_needs() -> None:
    clock = Clock()
    async with edge_world(clock=clock) as world:
        client = await world.wire("anna", StreamDirection.SPEAK)
        async with closing(client):
            for index in range(4000):
                client.send(client.peer.rtp(index, index * FRAME, SILENCE))
                if index % 50 == 0:
                    await asyncio.sleep(0)
            await world.until(lambda: world.refused("rtp_too_much") == 1750)
            assert len(world.packets["anna"]) == 2250
            assert world.states.count(("anna", CUT)) == 1
            assert world.is_connected("anna")
            clock.now += 1
            client.send(client.peer.rtp(4001, 0, SILENCE))
            before = len(world.packets["anna"])
            await world.until(lambda: len(world.packets["anna"]) == before + 1)


@pytest.mark.parametrize("frame_ms", [2.5, 5, 10, 20, 40, 60, 80, 100, 120])
@pytest.mark.parametrize("kbits", [510, 650])
async def test_the_fastest_senders_lose_nothing(kbits: int, frame_ms: float) -> None:
    """Constant bitrate, as GStreamer (650 kbit/s) and browsers (510) send at their maxima."""
    size = min(int(kbits * frame_ms / 8), max(1, int(frame_ms / 20)) * 1275)
    packets = int(3000 / frame_ms)
    clock = Clock()
    async with edge_world(clock=clock) as world:
        client = await world.wire("anna", StreamDirection.SPEAK)
        async with closing(client):
            for index in range(packets):
                clock.now += frame_ms / 1000
                client.send(client.peer.rtp(index, int(index * frame_ms * 48), bytes(size)))
                if index % 10 == 0 or index == packets - 1:
                    sent = index + 1
                    await world.until(lambda: len(world.packets.get("anna", [])) == sent)  # noqa: B023
            assert len(world.packets["anna"][-1].payload) == size
            assert world.refused("rtp_too_much") == 0


async def test_candidates_of_the_client_get_not_one_packet() -> None:
    async with edge_world() as world:
        innocent = await asyncio.get_running_loop().create_datagram_endpoint(
            _Victim, local_addr=("127.0.0.1", 0)
        )
        transport, victim = innocent
        port = transport.get_extra_info("sockname")[1]
        candidate = f"a=candidate:1 1 udp 2130706431 127.0.0.1 {port} typ host\r\n"

        async def accept(offer: str) -> str:
            return world.edge.accept(
                "anna", StreamDirection.LISTEN, offer + candidate + "a=end-of-candidates\r\n"
            )

        client = WireConnection(WirePeer(StreamDirection.LISTEN))
        await client.join(accept)
        async with closing(client):
            world.start_sound(["anna"])
            await client.until(lambda: client.peer.received >= 20)
            assert victim.received == []
        transport.close()


class _Victim(asyncio.DatagramProtocol):
    def __init__(self) -> None:
        self.received: list[bytes] = []

    def datagram_received(self, data: bytes, addr: tuple[str | int, ...]) -> None:
        self.received.append(data)


async def test_a_speaker_whose_address_changes_is_heard_on_without_a_gap() -> None:
    """A NAT gives it another port: its next check says so, and its sound comes from there."""
    async with edge_world() as world:
        client = await world.wire("anna", StreamDirection.SPEAK)
        async with closing(client):
            sound = [client.peer.rtp(index, index * FRAME, SILENCE) for index in range(1, 41)]
            for packet in sound[:20]:
                client.send(packet)
            await world.until(lambda: len(world.packets.get("anna", [])) == 20)
            with udp_socket() as moved:
                moved.sendto(client.peer.check(), ("127.0.0.1", world.port))
                for packet in sound[20:]:
                    moved.sendto(packet, ("127.0.0.1", world.port))
                await world.until(lambda: len(world.packets["anna"]) == 40)
            assert [packet.sequence for packet in world.packets["anna"]] == [*range(1, 41)]


async def test_the_address_of_one_peer_cannot_be_taken_by_another() -> None:
    async with edge_world() as world:
        anna, ben = await world.wire("anna"), await world.wire("ben")
        async with closing(anna, ben):
            world.start_sound(["anna", "ben"])
            anna.send(ben.peer.check())  # as if ben had forged anna's address
            await world.until(lambda: world.refused("address_taken") == 1)
            await anna.more(5)
            await ben.more(5)
            assert anna.peer.rejected == ben.peer.rejected == 0


async def test_knowing_a_name_without_its_password_opens_nothing() -> None:
    async with edge_world() as world:
        client = await world.wire("anna")
        async with closing(client):
            assert client.peer.server is not None
            name = f"{client.peer.server.ufrag}:{client.peer.ufrag}"
            forged = stun.request(name, "x" * 24, stun.new_transaction(), nominate=True)
            with udp_socket() as stranger:
                stranger.sendto(forged, ("127.0.0.1", world.port))
                await world.until(lambda: world.refused("stun_integrity") == 1)
                world.start_sound(["anna"])
                await client.more(5)
                with pytest.raises(BlockingIOError):
                    stranger.recv(2000)


async def test_more_than_can_come_in_at_once_are_told_that_it_is_busy() -> None:
    async with edge_world(most=3) as world:
        connected = await world.wire("here already")
        async with closing(connected):
            offer = WirePeer(StreamDirection.LISTEN).offer()
            world.edge.accept("anna", StreamDirection.LISTEN, offer)
            assert refusal_code(world, "clara", offer) is None
            world.edge.close("clara")
            world.edge.accept("berta", StreamDirection.LISTEN, offer)
            assert refusal_code(world, "clara", offer) == "full"
            world.edge.close("here already")
            assert refusal_code(world, "clara", offer) == "busy"
            world.edge.close("anna")
            assert refusal_code(world, "clara", offer) is None


def refusal_code(world: EdgeWorld, peer: str, offer: str) -> str | None:
    """Why a newcomer is turned away."""
    try:
        world.edge.accept(peer, StreamDirection.LISTEN, offer)
    except SdpRefused as refusal:
        return refusal.code
    return None
