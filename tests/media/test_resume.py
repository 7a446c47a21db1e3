"""A worker dies and another goes on: clients notice nothing, and no packet index is used twice."""

import asyncio
import dataclasses
import functools
import itertools
import json
import sys

import numpy as np
import pytest

from spaces_bridge.media.worker.edge import jumps, resume, rtp
from spaces_bridge.media.worker.edge.dtls import Identity
from spaces_bridge.media.worker.edge.edge import Edge
from spaces_bridge.media.worker.edge.srtp import Profile
from spaces_bridge.media.worker.values import NotConnected, ResumeRecord, StreamDirection
from spaces_bridge_demo.peer import ListenerPeer, SpeakerPeer
from spaces_bridge_demo.wire import WireConnection
from tests.support.edge import SILENCE, Clock, EdgeWorld, closing, edge_world

pytestmark = pytest.mark.peers


@pytest.fixture
def near_rollover(monkeypatch: pytest.MonkeyPatch) -> None:
    """Streams begin just before the sequence number turns over."""
    monkeypatch.setattr("spaces_bridge.media.worker.edge.edge.first_position", lambda: (65_530, 0))


def crash(world: EdgeWorld, *peers: str) -> dict[str, ResumeRecord]:
    """End the edge without a word; what remains are its records, as they travel."""
    records = {
        peer: ResumeRecord.decode(world.edge.resume_record(peer).encode()) for peer in peers
    }
    world.replace_edge()
    return records


def restore(world: EdgeWorld, records: dict[str, ResumeRecord]) -> None:
    for peer, record in records.items():
        world.edge.restore(peer, record)
        assert world.is_connected(peer)


def indexes(client: WireConnection) -> list[int]:
    """Packet indexes with the rollovers counted, in order of arrival."""
    found, newest = list[int](), None
    for packet in client.peer.packets:
        newest = rtp.nearest_index(newest, packet.sequence)
        found.append(newest)
    return found


@pytest.mark.parametrize("profile", list(Profile))
async def test_a_listener_goes_on_hearing_and_no_index_is_used_twice(profile: Profile) -> None:
    async with edge_world() as world:
        client = await world.wire("anna", identity=Identity([profile]))
        async with closing(client):
            world.start_sound(["anna"])
            await client.until(lambda: client.peer.received >= 10)
            record = world.edge.resume_record("anna")
            await client.until(lambda: client.peer.received >= 30)  # after the record was made
            world.replace_edge()
            world.edge.restore("anna", record)
            await client.until(lambda: client.peer.received >= 60)
            assert client.peer.rejected == 0
            found = indexes(client)
            assert len(set(found)) == len(found)
            assert any(b - a >= 2900 for a, b in itertools.pairwise(found))


async def test_a_client_that_we_dialled_goes_on_hearing_and_being_heard() -> None:
    async with edge_world() as world:
        ear = await world.wire("anna", setup="passive")
        mouth = await world.wire("ben", StreamDirection.SPEAK, setup="passive")
        async with closing(ear, mouth):
            mouth.send(mouth.peer.rtp(1, 960, SILENCE))
            await world.until(lambda: len(world.packets.get("ben", [])) == 1)
            restore(world, crash(world, "anna", "ben"))
            world.start_sound(["anna"])
            await ear.more(10)
            mouth.send(mouth.peer.rtp(2, 1920, SILENCE))
            await world.until(lambda: len(world.packets["ben"]) == 2)
            assert ear.peer.rejected == 0


@pytest.mark.usefixtures("near_rollover")
@pytest.mark.parametrize("profile", list(Profile))
async def test_a_listener_in_a_later_rollover_goes_on_hearing(profile: Profile) -> None:
    async with edge_world() as world:
        client = await world.wire("anna", identity=Identity([profile]))
        async with closing(client):
            for _ in range(3):
                world.start_sound(["anna"], tick_s=0.002)
                await client.more(30)
                world.stop_sound()
                restore(world, crash(world, "anna"))
            assert world.edge.resume_record("anna").tx_index > 65_536
            assert client.peer.rejected == 0


@pytest.mark.parametrize("profile", list(Profile))
@pytest.mark.parametrize("index", [7, 65_530, 200_000])
async def test_a_speaker_goes_on_being_heard_in_any_rollover(profile: Profile, index: int) -> None:
    async with edge_world() as world:
        client = await world.wire("anna", StreamDirection.SPEAK, identity=Identity([profile]))
        async with closing(client):
            for at in [*range(0, index, 20_000), *range(index, index + 20)]:
                client.send(client.peer.rtp(at, at * 960, SILENCE))
            sent = len(range(0, index, 20_000)) + 20
            await world.until(lambda: len(world.packets.get("anna", [])) == sent)
            old = client.peer.rtp(index + 20, 0, b"spoken before the crash")
            client.send(old)
            await world.until(lambda: len(world.packets["anna"]) == sent + 1)
            restore(world, crash(world, "anna"))
            client.send(old)  # a replay
            for at in range(index + 21, index + 30):
                client.send(client.peer.rtp(at, at * 960, b"%d" % at))
            await world.until(lambda: len(world.packets["anna"]) == sent + 10)
            assert world.refused("srtp_rejected") == 1
            assert world.packets["anna"][-1].payload == b"%d" % (index + 29)


@pytest.mark.usefixtures("near_rollover")
async def test_an_aiortc_listener_goes_on_hearing_through_two_crashes() -> None:
    async with edge_world() as world:
        listener = ListenerPeer(world.listener("anna"))
        await listener.connect()
        world.start_sound(["anna"])
        await listener.wait_packets(20)
        for _ in range(2):
            restore(world, crash(world, "anna"))
            await listener.wait_packets(20)
        assert listener.state == "connected"
        await listener.close()


async def test_an_aiortc_speaker_goes_on_being_heard() -> None:
    async with edge_world() as world:
        speaker = SpeakerPeer(world.speaker("anna"))
        await speaker.connect()
        speaker.say(np.full(48_000 * 10, 1000, dtype=np.int16))
        await world.until(lambda: len(world.packets.get("anna", [])) >= 20)
        restore(world, crash(world, "anna"))
        before = len(world.packets["anna"])
        await world.until(lambda: len(world.packets["anna"]) >= before + 20)
        assert world.refused("srtp_rejected") == 0
        await speaker.close()


async def test_another_process_goes_on_with_the_same_socket() -> None:
    async with edge_world() as world:
        listener = ListenerPeer(world.listener("anna"))
        await listener.connect()
        world.start_sound(["anna"])
        await listener.wait_packets(20)
        record = world.edge.resume_record("anna").encode().decode()
        world.stop_sound()
        world.edge.stop()
        successor = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "tests.support.edge_process",
            str(world.udp.fileno()),
            pass_fds=[world.udp.fileno()],
            stdin=asyncio.subprocess.PIPE,
        )
        try:
            assert successor.stdin is not None
            successor.stdin.write(json.dumps({"peer": "anna", "record": record}).encode() + b"\n")
            await listener.wait_packets(50)
            assert listener.state == "connected"
        finally:
            successor.kill()
            await successor.wait()
        await listener.close()


async def test_a_listener_on_tcp_dials_again_and_goes_on_hearing() -> None:
    async with edge_world() as world:
        client = await world.wire("anna", tcp=True)
        async with closing(client):
            world.start_sound(["anna"])
            await client.until(lambda: client.peer.received >= 10)
            records = crash(world, "anna")
            assert records["anna"].address is None
            restore(world, records)
            await client.dial(tcp=True)
            await client.more(20)
            assert client.peer.rejected == 0


async def test_reports_go_on_with_unused_indexes() -> None:
    clock = Clock()
    async with edge_world(clock=clock) as world:
        client = await world.wire("anna")
        async with closing(client):
            await client.until(lambda: client.peer.reports >= 1)
            records = crash(world, "anna")
            clock.now += 10
            restore(world, records)
            await client.until(lambda: client.peer.reports >= 2)
            assert client.peer.rejected == 0
            now = world.edge.resume_record("anna").tx_rtcp_index
            assert now > records["anna"].tx_rtcp_index + 64 + 2 * 10


async def test_a_speakers_jumps_do_not_make_its_record_dear() -> None:
    clock = Clock()
    async with edge_world(clock=clock) as world:
        client = await world.wire("anna", StreamDirection.SPEAK)
        async with closing(client):
            began = clock.now
            for number in range(1, 61):
                clock.now += 0.1
                client.send(client.peer.rtp(number * 30_000, 0, SILENCE))
                await world.until(functools.partial(has_judged, world, number))
            assert 0 < len(world.packets["anna"]) < 60
            assert world.refused("rtp_jump") > 0
            newest = world.edge.resume_record("anna").rx_index
            assert newest is not None
            assert newest <= jumps.BURST + jumps.PER_S * (clock.now - began) + 0xFFFF
            restore(world, crash(world, "anna"))


def has_judged(world: EdgeWorld, packets: int) -> bool:
    """Whether anna's packets have been heard or refused, so many of them."""
    refused = world.refused("rtp_jump") + world.refused("srtp_rejected")
    return refused + len(world.packets.get("anna", ())) == packets


async def test_reports_of_hours_are_caught_up_with_bit_by_bit() -> None:
    clock = Clock()
    async with edge_world(clock=clock) as world:
        client = await world.wire("anna")
        async with closing(client):
            records = crash(world, "anna")
            old = dataclasses.replace(records["anna"], tx_rtcp_index=20_000)
            restore(world, {"anna": old})
            reports = client.peer.reports
            assert world.edge.resume_record("anna").tx_rtcp_index > 20_000
            world.edge.close("anna")  # it cannot be told goodbye yet: nothing is made up for it
            restore(world, {"anna": old})
            await client.until(lambda: client.peer.reports > reports)
            assert client.peer.rejected == 0
            assert not client.peer.left_by_server


async def test_a_resumed_peer_that_is_gone_is_forgotten() -> None:
    clock = Clock()
    async with edge_world(clock=clock) as world:
        client = await world.wire("anna")
        client.close()
        restore(world, crash(world, "anna"))
        clock.now += 21
        await world.until(lambda: world.reason("anna") == "it was not heard any more")


async def test_a_resumed_peer_can_be_told_goodbye() -> None:
    async with edge_world() as world:
        client = await world.wire("anna")
        async with closing(client):
            restore(world, crash(world, "anna"))
            world.edge.close("anna")
            await client.until(lambda: client.peer.left_by_server)


async def test_there_is_no_record_of_who_is_not_connected() -> None:
    async with edge_world() as world:
        with pytest.raises(NotConnected):
            world.edge.resume_record("nobody")


@pytest.fixture
def record() -> ResumeRecord:
    """A listener's record, made at 1000 s."""
    return ResumeRecord(
        direction=StreamDirection.LISTEN,
        local_ufrag="ours",
        local_pwd="o" * 24,
        remote_ufrag="theirs",
        remote_pwd="t" * 24,
        address=("127.0.0.1", 9),
        socket=0,
        profile=Profile.GCM.value,
        tx_key=bytes(28),
        rx_key=bytes(28),
        payload_type=111,
        local_ssrc=1,
        remote_ssrc=None,
        tx_index=70_000,
        tx_rtcp_index=10,
        rx_index=None,
        timestamp=0xFFFFFFFF,
        made_at=1000.0,
    )


def test_a_record_survives_its_journey(record: ResumeRecord) -> None:
    assert ResumeRecord.decode(record.encode()) == record
    nowhere = dataclasses.replace(record, address=None, remote_ssrc=5, rx_index=9)
    assert ResumeRecord.decode(nowhere.encode()) == nowhere


def test_a_record_does_not_show_its_keys(record: ResumeRecord) -> None:
    shown = repr(dataclasses.replace(record, tx_key=b"\x42" * 28, rx_key=b"\x43" * 28))
    assert "key" not in shown
    assert "pwd" not in shown
    assert "BBBB" not in shown


def test_each_successor_leaves_out_what_its_predecessor_can_have_sent(
    record: ResumeRecord,
) -> None:
    """Even two of them from one record: the first of these was too short-lived to make its own."""
    first_start, _ = resume.leap(record, 1020.0)
    sent_by_the_first = 50 * 2  # two seconds
    second_start, _ = resume.leap(record, 1022.0)
    assert first_start >= record.tx_index + 50 * 20
    assert second_start > first_start + sent_by_the_first
    assert second_start - record.tx_index < 1 << 15


def test_an_old_record_is_refused(record: ResumeRecord) -> None:
    with pytest.raises(ValueError, match="join again"):
        resume.leap(record, 1000.0 + resume.MAX_AGE_S + 1)
    start, _ = resume.leap(record, 1000.0 + resume.MAX_AGE_S)
    assert start - record.tx_index < 1 << 15


@pytest.mark.parametrize(
    "changes",
    [
        {"profile": "SRTP_NULL"},
        {"tx_key": b"short"},
        {"socket": 5},
        {"address": ("::1", 9)},
        {"address": ("localhost", 9)},
        {"made_at": 0.0},
        {"payload_type": 300},
        {"tx_index": -5000},
    ],
)
async def test_a_record_that_does_not_fit_is_refused_and_leaves_nothing(
    record: ResumeRecord, changes: dict[str, object]
) -> None:
    async with edge_world(clock=Clock(1000.0)) as world:
        with pytest.raises(ValueError, match=r".+"):
            world.edge.restore("anna", dataclasses.replace(record, **changes))  # type: ignore[arg-type]
        assert world.edge.peers() == {}
        assert world.udp_paths() == []


def test_edges_can_be_made_without_sockets() -> None:
    edge = Edge([], [], [], 1, on_packet=lambda *_: None, on_state=lambda *_: None)
    edge.stop()
    assert edge.stats().packets_in == 0
