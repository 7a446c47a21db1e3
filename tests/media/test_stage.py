"""The stage with a real worker process and real WebRTC clients: who is heard, and who is not."""

import asyncio
import io
import itertools
from collections.abc import Sequence
from pathlib import Path

import av
import numpy as np
import pytest

from spaces_bridge.app.errors import AdapterError, OfferRefused
from spaces_bridge.app.ports import Direction
from spaces_bridge.core.ids import SpaceId
from spaces_bridge.media import messages as say
from spaces_bridge.media.live_ogg import MOST_WAITING
from spaces_bridge.media.stage import WorkerStage
from spaces_bridge.media.worker.values import StreamDirection as PeerDirection
from spaces_bridge.wire.pcm import length_ms
from spaces_bridge_demo.peer import SpeakerPeer
from spaces_bridge_demo.wire import WireConnection, WirePeer
from tests.support.kept import kept
from tests.support.sound import RATE, Pcm, decibels, tone
from tests.support.stage import (
    EAR,
    GUEST,
    HOST,
    SPACE,
    comes,
    falls_silent,
    hears,
    listening,
    options,
    running,
    speaking,
    until,
)

pytestmark = pytest.mark.peers


def lately(pcm: Pcm, hertz: float) -> float:
    """How loud this tone is in the last second."""
    return decibels(pcm[-RATE:], hertz)


async def test_two_speakers_hear_each_other_and_a_listener_hears_both(tmp_path: Path) -> None:
    stage = WorkerStage(options(tmp_path))
    async with running(stage):
        stage.open_space(SPACE, 0)
        async with (
            speaking(stage, HOST) as host,
            speaking(stage, GUEST) as guest,
            listening(stage, HOST) as hosts_ear,
            listening(stage, GUEST) as guests_ear,
            listening(stage, EAR) as ear,
        ):
            stage.set_gates(SPACE, [HOST, GUEST])
            host.say(tone(440, 120))
            guest.say(tone(700, 120))

            def hear_each_other() -> bool:
                own, guests, both = (peer.pcm() for peer in (hosts_ear, guests_ear, ear))
                return (
                    lately(both, 440) > -20
                    and lately(both, 440) == pytest.approx(lately(both, 700), abs=3)
                    and lately(own, 700) == pytest.approx(lately(both, 700), abs=3)
                    and lately(guests, 440) == pytest.approx(lately(both, 440), abs=3)
                )

            await comes(ear, lambda _: hear_each_other())
            loudest = lately(ear.pcm(), 440)
            for peer, own in ((hosts_ear, 440), (guests_ear, 700)):
                for second in np.array_split(peer.pcm(), len(peer.pcm()) // RATE):
                    assert decibels(second, own) - loudest <= -40


async def test_nobody_is_heard_before_the_gate_opens_or_after_it_shuts(tmp_path: Path) -> None:
    stage = WorkerStage(options(tmp_path))
    async with running(stage) as noted:
        stage.open_space(SPACE, 0)
        async with speaking(stage, HOST) as host, listening(stage) as ear:
            host.say(tone(440, 120))
            await ear.wait_packets(60)
            assert not ear.pcm().any()
            assert not noted.audio_of
            stage.open_microphone(SPACE, HOST)
            await hears(ear)
            stage.close_microphone(SPACE, HOST)
            await falls_silent(ear)
            await until(lambda: stage.metrics().get("gate_refused", 0) > 100)
        stage.close_space(SPACE)
        await until(lambda: stage.metrics()["spaces"] == 0)
        assert stage.metrics()["gate_refused"] > 100


async def test_a_regrant_plays_nothing_old(tmp_path: Path) -> None:
    stage = WorkerStage(options(tmp_path))
    async with running(stage):
        stage.open_space(SPACE, 0)
        async with speaking(stage, HOST) as host, listening(stage) as ear:
            stage.open_microphone(SPACE, HOST)
            host.say(tone(440, 120))
            await hears(ear)
            stage.close_microphone(SPACE, HOST)
            await falls_silent(ear)
            host.stop_saying()
            host.say(tone(700, 120))
            refused = stage.metrics().get("gate_refused", 0)
            await until(lambda: stage.metrics().get("gate_refused", 0) > refused + 50)
            before = len(ear.pcm())
            stage.open_microphone(SPACE, HOST)
            await hears(ear, 700)
            after = ear.pcm()[before:]
    assert decibels(after, 440) < -60


async def test_ending_a_microphones_session_hangs_up_and_says_nothing_to_the_app(
    tmp_path: Path,
) -> None:
    stage = WorkerStage(options(tmp_path))
    async with running(stage) as noted:
        stage.open_space(SPACE, 0)
        async with speaking(stage, HOST) as host:
            stage.open_microphone(SPACE, HOST)
            assert stage.has_microphone(SPACE, HOST)
            stage.end_microphone_session(SPACE, HOST)
            assert not stage.has_microphone(SPACE, HOST)
            await until(lambda: host.state == "closed")
            assert noted.lost == []


async def test_the_app_is_told_when_a_microphone_is_lost_and_when_listeners_come_and_go(
    tmp_path: Path,
) -> None:
    stage = WorkerStage(options(tmp_path))
    async with running(stage) as noted:
        stage.open_space(SPACE, 0)
        async with speaking(stage, HOST):
            async with listening(stage), listening(stage):
                await until(lambda: stage.listeners(SPACE) == 2)
            await until(lambda: stage.listeners(SPACE) == 0)
            assert noted.lost == []
        await until(lambda: noted.lost == [HOST])
        assert noted.listener_changes == 4


async def test_a_second_microphone_takes_over_and_none_is_lost(tmp_path: Path) -> None:
    stage = WorkerStage(options(tmp_path))
    async with running(stage) as noted:
        stage.open_space(SPACE, 0)
        stage.open_microphone(SPACE, HOST)
        async with speaking(stage, HOST) as first, speaking(stage, HOST), listening(stage):
            await until(lambda: first.state == "closed")
            assert stage.has_microphone(SPACE, HOST)
            assert noted.lost == []


async def test_hanging_up_ends_one_connection(tmp_path: Path) -> None:
    stage = WorkerStage(options(tmp_path))
    async with running(stage) as noted:
        stage.open_space(SPACE, 0)
        sessions: list[str] = []

        async def signal(offer: str) -> str:
            session = await stage.offer(SPACE, HOST, Direction.SPEAK, offer)
            sessions.append(session.id)
            return session.answer

        peer = SpeakerPeer(signal)
        await peer.connect()
        assert stage.hang_up(sessions[0])
        assert not stage.hang_up(sessions[0])
        assert noted.lost == [HOST]
        await until(lambda: peer.state == "closed")
        await peer.close()


async def test_offers_that_cannot_be_accepted_are_refused_in_plain_words(tmp_path: Path) -> None:
    stage = WorkerStage(options(tmp_path))
    async with running(stage):
        with pytest.raises(OfferRefused) as not_live:
            await stage.offer(SPACE, EAR, Direction.LISTEN, "v=0\r\n")
        assert not_live.value.code == "no_sound"
        stage.open_space(SPACE, 0)
        for broken in ("", "v=0\r\n", "x" * 20_000):
            with pytest.raises(OfferRefused) as refused:
                await stage.offer(SPACE, EAR, Direction.LISTEN, broken)
            assert refused.value.text.endswith(".")
        assert stage.listeners(SPACE) == 0


async def test_a_live_space_that_ends_hangs_up_and_ends_its_streams(tmp_path: Path) -> None:
    stage = WorkerStage(options(tmp_path))
    async with running(stage):
        stage.open_space(SPACE, 0)
        pages: list[bytes] = []

        async def stream() -> None:
            pages.extend([page async for page in stage.mix(SPACE, {})])

        async with asyncio.TaskGroup() as tasks, listening(stage) as ear:
            tasks.create_task(stream())
            await until(lambda: stage.listeners(SPACE) == 2)
            stage.close_space(SPACE)
            await until(lambda: ear.state == "closed")
        assert len(pages) >= 2
        assert stage.listeners(SPACE) == 0


async def test_the_mix_is_an_ogg_stream_that_players_understand(tmp_path: Path) -> None:
    stage = WorkerStage(options(tmp_path))
    async with running(stage):
        stage.open_space(SPACE, 0)
        stage.open_microphone(SPACE, HOST)
        async with speaking(stage, HOST) as host:
            host.say(tone(440, 120))
            pages: list[bytes] = []
            async with asyncio.timeout(60):
                async for page in stage.mix(SPACE, {}):
                    pages.append(page)
                    if len(pages) >= 6 and lately(_decoded(b"".join(pages)), 440) > -20:
                        break
        assert stage.metrics()["http_listeners"] in (0, 1)
    assert len(_decoded(b"".join(pages))) >= 2 * RATE


def _decoded(stream: bytes) -> Pcm:
    with av.open(io.BytesIO(stream), "r", format="ogg") as container:
        resampler = av.AudioResampler("s16", "mono", RATE)
        frames = [out for frame in container.decode(audio=0) for out in resampler.resample(frame)]
    return np.concatenate([frame.to_ndarray()[0] for frame in frames]).astype(np.int16)


async def test_who_comes_over_http_gets_the_last_seconds_at_once(tmp_path: Path) -> None:
    stage = WorkerStage(options(tmp_path))
    async with running(stage):
        stage.open_space(SPACE, 0)
        async with speaking(stage, HOST) as host, listening(stage) as ear:
            stage.open_microphone(SPACE, HOST)
            host.say(tone(440, 120))
            await hears(ear)
            await ear.wait_packets(150)
            stage.close_microphone(SPACE, HOST)
            await ear.wait_packets(8)  # of the silence that is sent at once
            # all that can still be heard was said before anybody came, to the worker or to us
            first, second = stage.mix(SPACE, {}), stage.mix(SPACE, {})
            for mix in (first, second):
                begun = [await anext(mix) for _ in range(5)]
                assert decibels(_decoded(b"".join(begun))[: 2 * RATE], 440) > -20


async def test_a_reader_who_does_not_keep_up_is_cut_off_and_harms_nobody(tmp_path: Path) -> None:
    stage = WorkerStage(options(tmp_path))
    async with running(stage):
        stage.open_space(SPACE, 0)
        slow, quick = stage.mix(SPACE, {}), stage.mix(SPACE, {})
        await anext(slow)
        await anext(quick)
        taken = 0
        async with asyncio.timeout(60):
            while stage.listeners(SPACE) == 2:
                await anext(quick)
                taken += 1
            rest = [page async for page in slow]
        assert taken > MOST_WAITING
        assert rest == []
        stage.close_space(SPACE)
        assert [page async for page in quick]


async def test_before_a_stop_all_streams_end_and_none_begins(tmp_path: Path) -> None:
    stage = WorkerStage(options(tmp_path))
    async with running(stage):
        stage.open_space(SPACE, 0)
        early = stage.mix(SPACE, {})
        await anext(early)
        stage.end_streams()
        async with asyncio.timeout(60):
            assert [page async for page in early]
            assert [page async for page in stage.mix(SPACE, {})] == []
        assert stage.listeners(SPACE) == 0


async def test_what_is_said_comes_for_the_captions_in_order_and_at_its_time(
    tmp_path: Path,
) -> None:
    stage = WorkerStage(options(tmp_path))
    async with running(stage) as noted:
        stage.open_space(SPACE, 3_600_000)
        stage.open_microphone(SPACE, HOST)
        async with speaking(stage, HOST) as host:
            host.say(tone(440, 120))

            def heard() -> bool:
                return len(chunks) >= 20 and decibels(sound_of(chunks[-10:]), 440, 16_000) > -20

            chunks = noted.audio_of[HOST]
            await until(heard)
    starts = [at_ms for at_ms, _ in chunks]
    assert 3_600_000 <= starts[0] < 3_700_000
    for (one, pcm), (other, _) in itertools.pairwise(chunks):
        assert one + length_ms(pcm) <= other


def sound_of(chunks: Sequence[tuple[int, bytes]]) -> Pcm:
    return np.frombuffer(b"".join(pcm for _, pcm in chunks), "<i2").astype(np.int16)


async def test_sound_is_played_again_until_it_was_taken(tmp_path: Path) -> None:
    stage = WorkerStage(options(tmp_path))
    async with running(stage) as noted:
        stage.open_space(SPACE, 0)
        stage.open_microphone(SPACE, HOST)
        async with speaking(stage, HOST) as host:
            host.say(tone(440, 120))
            await until(lambda: len(noted.audio_of[HOST]) >= 10)
        stage.close_microphone(SPACE, HOST)
        before = dict(noted.audio_of[HOST])
        fifth = sorted(before)[5]
        stage.audio_taken(SPACE, HOST, fifth)
        noted.audio_of.clear()
        stage.replay_audio(SPACE, HOST, 0)
        wanted = {at: pcm for at, pcm in before.items() if at >= fifth}
        await until(lambda: wanted.keys() <= dict(noted.audio_of[HOST]).keys())
        again = dict(noted.audio_of[HOST])
        assert min(again) == fifth
        assert wanted.items() <= again.items()


async def test_the_mix_of_an_unknown_live_space_and_gates_there_do_no_harm(tmp_path: Path) -> None:
    stage = WorkerStage(options(tmp_path))
    other = SpaceId("space0000000000b")
    async with running(stage):
        for _ in range(2):
            stage.close_space(other)
            stage.set_gates(other, [HOST])
            stage.open_microphone(other, HOST)
            stage.close_microphone(other, HOST)
            stage.end_microphone_session(other, HOST)
            stage.audio_taken(other, HOST, 1)
            stage.replay_audio(other, HOST, 1)
        stage.open_space(SPACE, 0)
        async with listening(stage) as ear:
            await ear.wait_packets(5)
        await stage.check()


async def test_before_its_start_the_stage_says_so() -> None:
    stage = WorkerStage(options(Path("/nowhere")))
    with pytest.raises(AdapterError):
        await stage.check()
    with pytest.raises(AdapterError):
        _ = stage.port


async def test_who_may_not_listen_any_more_is_hung_up_and_others_are_not(tmp_path: Path) -> None:
    stage = WorkerStage(options(tmp_path))
    async with running(stage):
        stage.open_space(SPACE, 0)
        async with listening(stage) as ear, listening(stage, GUEST) as other:
            stage.end_listening(SPACE, EAR)
            await until(lambda: ear.state == "closed")
            assert [session.user for session in stage._sessions.values()] == [GUEST]
            await other.wait_packets(5)


async def test_a_new_microphone_session_is_spared_when_earlier_ones_end(tmp_path: Path) -> None:
    stage = WorkerStage(options(tmp_path))
    async with running(stage) as noted:
        stage.open_space(SPACE, 0)
        async with speaking(stage, HOST) as earlier:
            [kept] = stage._sessions
            stage.end_microphone_session(SPACE, HOST, spare=kept)
            assert stage.has_microphone(SPACE, HOST)
            stage.end_microphone_session(SPACE, HOST, spare="another one")
            assert not stage.has_microphone(SPACE, HOST)
            await until(lambda: earlier.state == "closed")
            assert noted.lost == []


async def test_a_sender_that_goes_on_sending_too_much_is_told_once(tmp_path: Path) -> None:
    stage = WorkerStage(options(tmp_path))
    async with running(stage) as noted:
        stage.open_space(SPACE, 0)
        client, session = WireConnection(WirePeer(PeerDirection.SPEAK)), ""

        async def signal(offer: str) -> str:
            nonlocal session
            made = await stage.offer(SPACE, GUEST, Direction.SPEAK, offer)
            session = made.id
            return made.answer

        try:
            await client.join(signal)
            assert not stage.is_cut(session)
            number = itertools.count()
            async with asyncio.timeout(60):
                while not stage.is_cut(session):
                    for index in itertools.islice(number, 20):
                        client.send(client.peer.rtp(index, index * 960, bytes(1200)))
                    await asyncio.sleep(0)
            assert noted.cut == [GUEST]
            assert stage.has_microphone(SPACE, GUEST)
        finally:
            client.close()


async def test_sound_that_comes_after_the_end_leaves_nothing_behind(tmp_path: Path) -> None:
    stage = WorkerStage(options(tmp_path))
    before = kept(stage)
    for number in range(40):
        space = SpaceId(f"space{number}")
        stage.open_space(space, 0)
        stage._hear(say.SpeakerAudio(space, HOST, 0, bytes(640)))
        stage.close_space(space)
        stage._hear(say.SpeakerAudio(space, HOST, 20, bytes(640)))  # it was on its way
    assert kept(stage) == before
