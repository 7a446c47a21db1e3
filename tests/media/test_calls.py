"""Call peers on a real worker: what one says is forwarded to the others, behind the gates."""

import asyncio
import contextlib
import itertools
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest
from opuslib_next import Decoder, Encoder

from spaces_bridge.app.errors import AdapterError, OfferRefused
from spaces_bridge.app.registry import is_ghost
from spaces_bridge.core.ids import SpaceId, UserId
from spaces_bridge.media import messages
from spaces_bridge.media.stage import WorkerStage
from tests.support.call_client import CallClient, CallWire, sections_of, stream_of
from tests.support.sound import Pcm, decibels, tone
from tests.support.stage import (
    EAR,
    GUEST,
    HOST,
    SPACE,
    Noted,
    hears,
    listening,
    options,
    running,
    speaking,
    until,
)

pytestmark = pytest.mark.peers

WORD = b"\xf8" + bytes(range(80))
"""An Opus packet of 20 ms; what is in it is no sound, so nobody but the receiver reads it."""


class Attended:
    """A `CallListener` that writes everything down."""

    def __init__(self) -> None:
        self.connected: list[str] = []
        self.ended: dict[str, str] = {}

    def call_connected(self, session: str) -> None:
        self.connected.append(session)

    def call_ended(self, session: str, reason: str) -> None:
        self.ended[session] = reason


@contextlib.asynccontextmanager
async def calling(tmp_path: Path) -> AsyncIterator[tuple[WorkerStage, Noted, Attended]]:
    """A stage with one live space in which the host may be heard."""
    stage, attended = WorkerStage(options(tmp_path)), Attended()
    stage.calls.attend_calls(attended)
    async with running(stage) as noted:
        stage.open_space(SPACE, 0)
        stage.set_gates(SPACE, [HOST])
        yield stage, noted, attended


@contextlib.asynccontextmanager
async def client(stage: WorkerStage, *args: object, **more: object) -> AsyncIterator[CallClient]:
    """A client that is closed in the end."""
    made = CallClient(stage, *args, **more)  # type: ignore[arg-type]
    try:
        yield made
    finally:
        made.close()


def encoded(pcm: Pcm) -> list[bytes]:
    """Sound as Opus packets of 20 ms."""
    encoder = Encoder(48_000, 1, "audio")
    return [encoder.encode(pcm[at : at + 960].tobytes(), 960) for at in range(0, len(pcm), 960)]


def refused(stage: WorkerStage) -> float:
    """How many packets came to shut gates."""
    return stage.metrics().get("gate_refused", 0)


@pytest.mark.parametrize("tcp", [False, True], ids=["udp", "tcp"])
async def test_what_one_client_says_another_gets_byte_for_byte(tmp_path: Path, tcp: bool) -> None:
    async with (
        calling(tmp_path) as (stage, _, attended),
        client(stage, HOST) as host,
        client(stage, EAR) as ear,
    ):
        host.wire.publish()
        answer = await host.join(tcp=tcp)
        assert answer.microphone == "5"
        assert (await ear.join([stream_of(HOST)], tcp=tcp)).sections == {"0": "TR_host"}
        await until(lambda: len(attended.connected) == 2)
        await host.says(WORD, lambda: len(ear.hears("TR_host")) >= 20)
        got = ear.hears("TR_host")
        assert {packet.payload for packet in got} == {WORD}
        steps = {b.timestamp - a.timestamp for a, b in itertools.pairwise(got)}
        assert {step % (1 << 32) for step in steps} == {960}
        assert not host.wire.packets


async def test_behind_a_shut_gate_not_one_packet_is_forwarded(tmp_path: Path) -> None:
    async with (
        calling(tmp_path) as (stage, _, _),
        client(stage, HOST) as host,
        client(stage, EAR) as ear,
    ):
        host.wire.publish()
        await host.join()
        await ear.join([stream_of(HOST)])
        await host.says(WORD, lambda: len(ear.hears("TR_host")) >= 10)
        stage.close_microphone(SPACE, HOST)
        await host.says(WORD, lambda: refused(stage) > 50)
        shut = ear.hears("TR_host")
        await host.says(WORD, lambda: refused(stage) > 100)
        assert ear.hears("TR_host") == shut
        stage.open_microphone(SPACE, HOST)
        await host.says(WORD, lambda: len(ear.hears("TR_host")) >= len(shut) + 10)
        last, first = shut[-1], ear.hears("TR_host")[len(shut)]
        assert (first.sequence - last.sequence) & 0xFFFF == 1  # no hole to be concealed
        assert (first.timestamp - last.timestamp) & 0xFFFFFFFF > 48_000


async def test_streams_come_and_go_on_one_connection(tmp_path: Path) -> None:
    async with (
        calling(tmp_path) as (stage, _, attended),
        client(stage, HOST) as host,
        client(stage, GUEST) as guest,
        client(stage, EAR) as ear,
    ):
        stage.set_gates(SPACE, [HOST, GUEST])
        for speaker in (host, guest):
            speaker.wire.publish()
            await speaker.join()
        first = await ear.join()
        assert first.sections == {}
        keys = ear.wire.keys
        both = await ear.negotiate([stream_of(HOST), stream_of(GUEST)])
        assert both.sections == {"0": "TR_host", "1": "TR_guest"}
        await host.says(WORD, lambda: len(ear.hears("TR_host")) >= 5)
        await guest.says(WORD, lambda: len(ear.hears("TR_guest")) >= 5)
        one = await ear.negotiate([stream_of(GUEST)])
        assert one.sections == {"1": "TR_guest"}
        assert sections_of(one.sdp)[0].direction == "inactive"
        before = len(ear.wire.packets)
        await guest.says(WORD, lambda: len(ear.wire.packets) >= before + 5)
        assert len(ear.hears("TR_guest")) - 5 >= len(ear.wire.packets) - before - 5
        assert one.session == first.session
        assert ear.wire.keys is keys
        assert len(attended.connected) == 3


async def test_a_speaker_on_the_page_is_heard_in_the_call(tmp_path: Path) -> None:
    async with (
        calling(tmp_path) as (stage, _, _),
        speaking(stage, HOST) as host,
        client(stage, EAR) as ear,
    ):
        host.say(tone(440, 60))
        await ear.join([stream_of(HOST)])
        await ear.until(lambda: len(ear.hears("TR_host")) >= 100)
        decoder = Decoder(48_000, 1)
        pcm = [
            np.frombuffer(decoder.decode(each.payload, 5760), np.int16)
            for each in ear.hears("TR_host")
        ]
        assert decibels(np.concatenate(pcm)[-48_000:], 440) > -20


async def test_a_microphone_in_the_call_is_heard_on_the_page(tmp_path: Path) -> None:
    async with (
        calling(tmp_path) as (stage, noted, _),
        client(stage, HOST) as host,
        listening(stage) as ear,
    ):
        host.wire.publish()
        await host.join()
        frames = itertools.cycle(encoded(tone(440, 1.0)))
        task = asyncio.create_task(host.says_all(frames))
        try:
            await hears(ear)
            await until(lambda: noted.audio_of[HOST])
            assert any(told.get(HOST) for told in noted.told)
        finally:
            task.cancel()


async def test_nobody_gets_their_own_voice_nor_that_of_another_live_space(
    tmp_path: Path,
) -> None:
    async with (
        calling(tmp_path) as (stage, _, _),
        client(stage, HOST) as host,
        client(stage, HOST) as other_device,
        client(stage, EAR) as ear,
    ):
        elsewhere = SpaceId("space0000000000b")
        stage.open_space(elsewhere, 0)
        stage.set_gates(elsewhere, [HOST])
        host.wire.publish()
        await host.join()
        assert (await other_device.join([stream_of(HOST)])).sections == {}
        assert other_device.answer is not None
        assert other_device.answer.missing == 0
        ear.space = elsewhere
        await ear.join([stream_of(HOST)])
        await host.says(WORD, lambda: stage.metrics().get("packets_in", 0) > 200)
        assert not ear.wire.packets
        assert not other_device.wire.packets


async def test_a_microphone_published_anew_is_heard_and_nothing_is_negotiated_with_others(
    tmp_path: Path,
) -> None:
    async with (
        calling(tmp_path) as (stage, noted, _),
        client(stage, HOST) as host,
        client(stage, EAR) as ear,
    ):
        mid = host.wire.publish()
        await host.join()
        await ear.join([stream_of(HOST)])
        await host.says(WORD, lambda: len(ear.hears("TR_host")) >= 5)
        first = host.wire.ssrc
        host.wire.unpublish(mid)
        assert (await host.negotiate()).microphone == ""
        assert noted.lost == [HOST]
        assert not stage.has_microphone(SPACE, HOST)
        host.wire.publish()
        assert (await host.negotiate()).microphone == "6"
        assert stage.has_microphone(SPACE, HOST)
        assert host.wire.ssrc != first
        before = len(ear.hears("TR_host"))
        await host.says(WORD, lambda: len(ear.hears("TR_host")) >= before + 5)
        one, two = ear.hears("TR_host")[before - 1 : before + 1]
        assert (two.sequence - one.sequence) & 0xFFFF == 1


async def test_from_an_ssrc_that_was_not_announced_nothing_is_taken(tmp_path: Path) -> None:
    async with (
        calling(tmp_path) as (stage, _, _),
        client(stage, HOST) as host,
        client(stage, EAR) as ear,
    ):
        host.wire.publish()
        await host.join()
        await ear.join([stream_of(HOST)])
        announced = host.wire.ssrc
        for ssrc in range(1, 200):
            host.wire.ssrc = ssrc
            host.say(b"forged")
        host.wire.ssrc = announced
        await host.says(WORD, lambda: len(ear.hears("TR_host")) >= 10)
        assert {packet.payload for packet in ear.wire.packets} == {WORD}
        await until(lambda: stage.metrics().get("refused", 0) >= 199)


async def test_a_flood_is_cut_to_what_sound_needs_and_no_more_is_forwarded(
    tmp_path: Path,
) -> None:
    async with (
        calling(tmp_path) as (stage, noted, _),
        client(stage, HOST) as host,
        client(stage, EAR) as ear,
    ):
        host.wire.publish()
        await host.join()
        await ear.join([stream_of(HOST)])
        await host.says(WORD, lambda: len(ear.hears("TR_host")) >= 1)
        for _ in range(40):
            for _ in range(200):
                host.say(WORD)
            await asyncio.sleep(0)
        await until(lambda: noted.cut == [HOST])
        await until(lambda: stage.metrics().get("refused", 0) > 100)
        forwarded, taken = stage.metrics()["packets_forwarded"], stage.metrics()["packets_in"]
        assert forwarded < taken - 100


async def test_fifty_clients_hear_one(tmp_path: Path) -> None:
    async with calling(tmp_path) as (stage, _, _), contextlib.AsyncExitStack() as clients:
        host = await clients.enter_async_context(client(stage, HOST))
        host.wire.publish()
        await host.join()
        ears = [
            await clients.enter_async_context(client(stage, UserId(f"@ear{at}:x")))
            for at in range(50)
        ]
        for ear in ears:
            await ear.join([stream_of(HOST)])
        await until(lambda: stage.listeners(SPACE) == 50)
        await host.says(WORD, lambda: all(len(ear.hears("TR_host")) >= 20 for ear in ears))
        assert all(ear.wire.rejected == 0 for ear in ears)
        await until(lambda: stage.metrics().get("packets_forwarded", 0) >= 50 * 20)
        assert stage.metrics()["call_peers"] == 51


# --- the stage's port ---


async def test_a_removed_persons_connection_is_hung_up(tmp_path: Path) -> None:
    async with (
        calling(tmp_path) as (stage, noted, attended),
        client(stage, EAR) as ear,
        client(stage, GUEST) as guest,
    ):
        await ear.join([stream_of(HOST)])
        await guest.join([stream_of(HOST)])
        await until(lambda: stage.listeners(SPACE) == 2)
        stage.end_listening(SPACE, EAR)
        await ear.until(lambda: ear.wire.left_by_server)
        assert stage.listeners(SPACE) == 1
        assert noted.listener_changes >= 3
        with pytest.raises(AdapterError, match="over"):
            await ear.negotiate()
        assert attended.ended == {}
        assert not guest.wire.left_by_server


async def test_a_persons_calls_are_hung_up_but_those_that_are_kept(tmp_path: Path) -> None:
    async with (
        calling(tmp_path) as (stage, _, attended),
        client(stage, EAR) as kept,
        client(stage, EAR) as orphan,
        client(stage, GUEST) as guest,
        listening(stage) as page,
    ):
        answer = await kept.join([stream_of(HOST)])
        for each in (orphan, guest):
            await each.join([stream_of(HOST)])
        stage.calls.end_calls(SPACE, EAR, {answer.session})
        await orphan.until(lambda: orphan.wire.left_by_server)
        await until(lambda: stage.metrics().get("call_peers") == 2)
        await page.wait_packets(5)
        assert not kept.wire.left_by_server
        assert not guest.wire.left_by_server
        assert attended.ended == {}
        stage.calls.end_calls(SpaceId("space0000000000b"), EAR, ())
        assert answer.session in stage._sessions


async def test_a_call_that_is_hung_up_while_it_is_negotiated_is_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with calling(tmp_path) as (stage, _, attended):
        send = stage._supervisor.send

        def and_hang_up(message: messages.ToMediaWorker) -> None:
            send(message)
            if isinstance(message, messages.AnswerCall):
                stage.calls.end_calls(SPACE, EAR, ())

        monkeypatch.setattr(stage._supervisor, "send", and_hang_up)
        with pytest.raises(AdapterError, match="over"):
            await stage.calls.answer_call(SPACE, EAR, None, CallWire().offer(), [])
        assert not stage._sessions
        await until(lambda: stage.metrics().get("call_peers") == 0)
        assert attended.ended == {}


async def test_listeners_change_only_when_one_begins_or_ends_to_hear(tmp_path: Path) -> None:
    async with calling(tmp_path) as (stage, noted, _), client(stage, EAR) as ear:
        changes = list[int]()
        await ear.join([stream_of(HOST)])
        await until(lambda: noted.listener_changes)
        for streams in ([stream_of(HOST)], [stream_of(GUEST)], [], [], [stream_of(HOST)]):
            await ear.negotiate(streams)
            changes.append(noted.listener_changes)
        assert changes == [1, 1, 2, 2, 3]


async def test_a_control_process_hangs_up_the_calls_of_the_one_before(tmp_path: Path) -> None:
    first, second = WorkerStage(options(tmp_path)), WorkerStage(options(tmp_path))
    async with running(first):
        first.open_space(SPACE, 0)
        first.set_gates(SPACE, [HOST])
        async with client(first, HOST) as host, listening(first) as page:
            host.wire.publish()
            await host.join([stream_of(GUEST)])
            await until(lambda: first.has_microphone(SPACE, HOST) and first.listeners(SPACE) == 2)
            async with running(second) as noted:
                second.open_space(SPACE, 0)
                assert not second.has_microphone(SPACE, HOST)
                assert second.listeners(SPACE) == 1
                await host.until(lambda: host.wire.left_by_server)
                await until(lambda: second.metrics().get("call_peers") == 0)
                await page.wait_packets(5)
                assert noted.lost == []


async def test_a_guests_connection_is_hung_up_with_the_guests(tmp_path: Path) -> None:
    ghost = UserId("@spaces_guest_1:x")
    assert is_ghost(ghost, "x")
    async with calling(tmp_path) as (stage, _, _), client(stage, ghost) as ear:
        await ear.join([stream_of(HOST)])
        stage.end_guests(SPACE, "x")
        await ear.until(lambda: ear.wire.left_by_server)


async def test_a_lost_floor_silences_and_does_not_hang_up(tmp_path: Path) -> None:
    async with (
        calling(tmp_path) as (stage, noted, _),
        client(stage, HOST) as host,
        client(stage, GUEST) as guest,
    ):
        stage.set_gates(SPACE, [HOST, GUEST])
        for each, other in ((host, GUEST), (guest, HOST)):
            each.wire.publish()
            await each.join([stream_of(other)])
        await host.says(WORD, lambda: len(guest.hears("TR_host")) >= 5)
        stage.end_microphone_session(SPACE, HOST)
        assert not stage.has_microphone(SPACE, HOST)
        assert noted.lost == []  # the app knows
        await guest.says(WORD, lambda: len(host.hears("TR_guest")) >= 5)
        # with the floor back, nobody is heard before they open the microphone themselves
        stage.open_microphone(SPACE, HOST)
        before, taken = len(guest.hears("TR_host")), stage.metrics().get("packets_in", 0)
        await host.says(WORD, lambda: stage.metrics().get("packets_in", 0) > taken + 100)
        assert len(guest.hears("TR_host")) == before
        assert host.answer is not None
        stage.calls.use_microphone(host.answer.session)
        assert stage.has_microphone(SPACE, HOST)
        await host.says(WORD, lambda: len(guest.hears("TR_host")) >= before + 5)


async def test_of_a_persons_microphones_the_one_opened_last_is_heard(tmp_path: Path) -> None:
    async with (
        calling(tmp_path) as (stage, noted, _),
        client(stage, HOST) as desk,
        client(stage, HOST) as phone,
        client(stage, EAR) as ear,
    ):
        await ear.join([stream_of(HOST)])
        for device in (desk, phone):
            device.wire.publish()
            answer = await device.join()
            stage.calls.use_microphone(answer.session)
        both = asyncio.gather(
            desk.says(b"\xf8desk", lambda: b"\xf8desk" in words(ear)),
            phone.says(b"\xf8phone", lambda: b"\xf8desk" in words(ear)),
        )
        await until(lambda: words(ear) == {b"\xf8phone"})
        assert desk.answer is not None
        stage.calls.use_microphone(desk.answer.session)
        await both
        ear.wire.packets.clear()
        async with speaking(stage, HOST) as page:
            page.say(tone(440, 60))
            await ear.until(lambda: len(ear.hears("TR_host")) >= 5)
            await desk.says(b"\xf8desk", lambda: len(ear.hears("TR_host")) >= 50)
            assert b"\xf8desk" not in words(ear)
        await until(lambda: noted.lost == [HOST])  # the desk's is not taken instead


async def test_a_microphone_that_is_only_published_takes_no_open_ones_place(
    tmp_path: Path,
) -> None:
    async with (
        calling(tmp_path) as (stage, noted, _),
        client(stage, HOST) as early,
        client(stage, HOST) as late,
        client(stage, EAR) as ear,
    ):
        await ear.join([stream_of(HOST)])
        await early.join()
        async with speaking(stage, HOST) as page:
            page.say(tone(440, 60))
            await ear.until(lambda: len(ear.hears("TR_host")) >= 5)
            late.wire.publish()
            answer = await late.join()  # by its connection
            early.wire.publish()
            await early.negotiate()  # by a negotiation
            before = len(ear.hears("TR_host"))
            for device in (early, late):
                device.say(b"\xf8muted")
            await ear.until(lambda: len(ear.hears("TR_host")) >= before + 20)
            assert page.state == "connected"
            assert b"\xf8muted" not in words(ear)
            assert noted.lost == []
            stage.calls.use_microphone(answer.session)
            await late.says(b"\xf8late", lambda: b"\xf8late" in words(ear))
            await until(lambda: page.state == "closed")
            assert noted.lost == []


async def test_where_another_peer_speaks_the_stream_goes_on_whatever_its_numbers(
    tmp_path: Path,
) -> None:
    async with (
        calling(tmp_path) as (stage, _, _),
        client(stage, HOST) as desk,
        client(stage, HOST) as phone,
        client(stage, EAR) as ear,
    ):
        await ear.join([stream_of(HOST)])
        for device in (desk, phone):
            device.wire.publish()
        phone.wire.ssrc = phone.wire.sections[-1].ssrc = desk.wire.ssrc
        await desk.join()
        await phone.join()
        assert desk.answer is not None
        assert phone.answer is not None
        stage.calls.use_microphone(desk.answer.session)
        await desk.says(WORD, lambda: len(ear.hears("TR_host")) >= 30)
        stage.calls.use_microphone(phone.answer.session)
        for _ in range(10):  # numbers that the desk has used
            phone.say(b"\xf8phone")
            await asyncio.sleep(0.02)
        await ear.until(lambda: b"\xf8phone" in words(ear))


def words(ear: CallClient) -> set[bytes]:
    """What was said, as it came."""
    return {packet.payload for packet in ear.wire.packets}


async def test_when_the_worker_dies_the_call_ends_and_is_joined_anew(tmp_path: Path) -> None:
    async with (
        calling(tmp_path) as (stage, noted, attended),
        client(stage, HOST) as host,
        client(stage, HOST) as again,
    ):
        host.wire.publish()
        first = await host.join()
        await until(lambda: attended.connected == [first.session])
        pid = stage.worker_pid
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        await until(lambda: attended.ended == {first.session: "the sound was restarted"})
        assert noted.lost == [HOST]
        again.wire.publish()
        second = await again.join()
        assert second.session != first.session
        await until(lambda: stage.has_microphone(SPACE, HOST))


async def test_a_client_that_leaves_is_told_of(tmp_path: Path) -> None:
    async with calling(tmp_path) as (stage, noted, attended), client(stage, HOST) as host:
        host.wire.publish()
        answer = await host.join([stream_of(GUEST)])
        await until(lambda: attended.connected == [answer.session])
        host.wire.say_goodbye()
        await until(lambda: attended.ended == {answer.session: "the client left"})
        assert noted.lost == [HOST]
        assert stage.listeners(SPACE) == 0


async def test_what_is_refused_leaves_the_connection_as_it_was(tmp_path: Path) -> None:
    async with (
        calling(tmp_path) as (stage, _, _),
        client(stage, HOST) as host,
        client(stage, EAR) as ear,
    ):
        host.wire.publish()
        await host.join()
        answer = await ear.join([stream_of(HOST)])
        stranger = CallWire()
        for offer, code in (("v=0", "not_one_audio"), (stranger.offer(), "other_client")):
            with pytest.raises(OfferRefused) as refused:
                await stage.calls.answer_call(SPACE, EAR, answer.session, offer, [])
            assert refused.value.code == code
        with pytest.raises(OfferRefused):
            await stage.calls.answer_call(SPACE, EAR, None, "v=0", [])
        with pytest.raises(OfferRefused):
            await stage.calls.answer_call(SpaceId("nowhere"), EAR, None, stranger.offer(), [])
        with pytest.raises(AdapterError):
            await stage.calls.answer_call(SPACE, EAR, "nobody", stranger.offer(), [])
        await host.says(WORD, lambda: len(ear.hears("TR_host")) >= 10)
        assert len(stage._sessions) == 2


# --- two connections: we offer what a client hears ---


async def test_a_client_that_is_offered_streams_hears_them_and_those_that_come_later(
    tmp_path: Path,
) -> None:
    async with (
        calling(tmp_path) as (stage, _, attended),
        client(stage, HOST) as host,
        client(stage, EAR) as ear,
    ):
        host.wire.publish()
        await host.join()
        offer = await ear.accept_offers([])
        assert offer.sections == {}
        assert len(sections_of(offer.sdp)) == 2  # one of audio, one of data
        await until(lambda: len(attended.connected) == 2)
        offer = await ear.accept_offers([stream_of(HOST)])
        assert offer.sections == {"0": "TR_host"}
        await host.says(WORD, lambda: len(ear.wire.heard(ssrc_in(offer.sdp, 0))) >= 10)
        with pytest.raises(OfferRefused) as refused:
            await stage.calls.accept_call_answer(offer.session, ear.wire.answer(7))
        assert refused.value.code == "stale"
        without = await ear.accept_offers([])
        assert sections_of(without.sdp)[0].direction == "inactive"
        again = await ear.accept_offers([stream_of(HOST)])
        assert ssrc_in(again.sdp, 0) != ssrc_in(offer.sdp, 0)
        await host.says(WORD, lambda: len(ear.wire.heard(ssrc_in(again.sdp, 0))) >= 10)


def ssrc_in(sdp: str, place: int) -> int | None:
    """The SSRC of a section."""
    return sections_of(sdp)[place].ssrc
