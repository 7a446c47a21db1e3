"""One live space without any network: who hears whom, and whom nobody hears."""

from collections.abc import Iterable
from typing import Final

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spaces_bridge.media.messages import MIX_KEPT
from spaces_bridge.media.worker.mix.opus import FRAME, Decoder, Encoder, Pcm
from spaces_bridge.media.worker.mix.space_mix import (
    MOST_TRACKS,
    TICK_MS,
    Admission,
    SpaceMix,
    Tick,
)
from spaces_bridge.media.worker.values import RtpPacket, StreamDirection
from tests.support.sound import decibels, frames_of, tone

pytestmark = pytest.mark.unit

LISTEN, SPEAK = StreamDirection.LISTEN, StreamDirection.SPEAK
TICK: Final = 0.02


class CountingDecoder(Decoder):
    """Counts what was decoded, of all decoders of a test."""

    decoded = 0

    def decode(self, packet: bytes) -> Pcm:
        type(self).decoded += 1
        return super().decode(packet)


class Voice:
    """A speaker's client: encodes a tone and numbers its packets."""

    def __init__(self, user: str, hertz: float, peer: str | None = None) -> None:
        self.user, self.peer = user, peer or f"mic of {user}"
        self._encoder = Encoder()
        self._frames = frames_of(tone(hertz, 12))
        self.sent, self.ssrc = 0, 7

    def packet(self) -> RtpPacket:
        payload = self._encoder.encode(self._frames[self.sent])
        self.sent += 1
        return RtpPacket(self.sent % (1 << 16), self.sent * FRAME, False, 111, self.ssrc, payload)


class Scene:
    """A live space, its voices, and what every peer has received."""

    def __init__(self, *voices: Voice) -> None:
        mixed: list[Pcm] = []

        class Counting(CountingDecoder):
            decoded = 0

        class Noting(Encoder):
            def encode(self, frame: Pcm) -> bytes:
                mixed.append(frame)
                return super().encode(frame)

        self.decoders, self.mixed = Counting, mixed
        self.mix = SpaceMix(60_000, make_decoder=Counting, make_encoder=Noting)
        self.voices = list(voices)
        self.now = 0.0
        self.received: dict[str, list[bytes]] = {}
        self.ticks: list[Tick] = []
        for voice in voices:
            self.mix.join(voice.peer, voice.user, SPEAK)

    def run(self, ticks: int) -> None:
        for _ in range(ticks):
            for voice in self.voices:
                self.mix.receive(voice.peer, voice.user, voice.packet(), self.now)
            tick = self.mix.tick(self.now)
            self.ticks.append(tick)
            for peers, payload in tick.payloads:
                for peer in peers:
                    self.received.setdefault(peer, []).append(payload)
            self.now += TICK

    def heard(self, peer: str, last: int = 50) -> Pcm:
        decoder = Decoder()
        return np.concatenate([decoder.decode(packet) for packet in self.received[peer]])[
            -last * FRAME :
        ]


def two_speakers() -> Scene:
    scene = Scene(Voice("@a", 440), Voice("@b", 700))
    scene.mix.join("ear of @a", "@a", LISTEN)
    scene.mix.join("ear of @b", "@b", LISTEN)
    scene.mix.join("ear of @c", "@c", LISTEN)
    scene.mix.set_gates(["@a", "@b"])
    scene.run(100)
    return scene


def test_each_speaker_hears_the_other_and_not_themselves_and_a_listener_hears_both() -> None:
    scene = two_speakers()
    said = decibels(tone(440, 1), 440)
    a, b, c = (scene.heard(f"ear of {user}") for user in ("@a", "@b", "@c"))
    assert decibels(a, 700) == pytest.approx(said, abs=3)
    assert decibels(a, 440) - said <= -40
    assert decibels(b, 440) == pytest.approx(said, abs=3)
    assert decibels(b, 700) - said <= -40
    assert decibels(c, 440) == pytest.approx(said, abs=3)
    assert decibels(c, 700) == pytest.approx(said, abs=3)


def test_a_microphone_that_is_published_anew_is_heard_at_once_wherever_it_counts_from() -> None:
    voice = Voice("@a", 440)
    scene = Scene(voice)
    scene.mix.join("ear", "@c", LISTEN)
    scene.mix.set_gates(["@a"])
    scene.run(100)
    voice.ssrc, voice.sent = 8, 20  # numbers and times that were used before
    scene.run(60)
    assert decibels(scene.heard("ear"), 440) == pytest.approx(decibels(tone(440, 1), 440), abs=3)


def test_a_call_peer_is_in_no_mix_and_its_microphone_is_its_users_when_it_speaks() -> None:
    scene = Scene()
    assert scene.mix.join("call", "@a", StreamDirection.CALL) is None
    scene.mix.set_gates(["@a"])
    scene.run(1)
    assert scene.ticks[-1].payloads == []
    packet = Voice("@a", 440).packet()
    assert scene.mix.receive("call", "@a", packet, 0.0) is Admission.NO_MICROPHONE
    assert scene.mix.speak("call", "@a") is None
    assert scene.mix.receive("call", "@a", packet, 0.0) is Admission.HEARD
    assert scene.mix.join("page", "@a", SPEAK) == "call"
    assert scene.mix.receive("call", "@a", packet, 0.0) is Admission.NO_MICROPHONE
    scene.mix.set_gates([])
    assert scene.mix.receive("page", "@a", packet, 0.0) is Admission.GATE_SHUT


def test_one_encode_serves_all_listeners() -> None:
    scene = Scene(Voice("@a", 440))
    for number in range(300):
        scene.mix.join(f"ear {number}", f"@listener{number}", LISTEN)
    scene.mix.join("ear of @a", "@a", LISTEN)
    scene.mix.set_gates(["@a"])
    scene.run(5)
    assert [len(peers) for peers, _ in scene.ticks[-1].payloads] == [300, 1]
    assert scene.ticks[-1].payloads[0][0] is scene.ticks[-2].payloads[0][0]


def test_nothing_is_decoded_and_nothing_is_heard_behind_a_shut_gate() -> None:
    scene = Scene(Voice("@a", 440))
    scene.mix.join("ear", "@c", LISTEN)
    scene.run(60)
    assert scene.decoders.decoded == 0
    assert scene.mix.gates.refused == 60
    assert not scene.heard("ear").any()
    assert scene.mix.kept() == []


def test_a_gate_that_shuts_is_silence_at_the_very_next_tick() -> None:
    scene = two_speakers()
    scene.mix.set_gate("@a", False)
    scene.mix.set_gate("@b", False)
    before, said = scene.decoders.decoded, len(scene.mixed)
    scene.run(60)
    assert scene.decoders.decoded == before
    assert scene.mixed[said - 1].any()
    assert not any(frame.any() for frame in scene.mixed[said:])
    tail = scene.heard("ear of @c", last=58)  # one frame after the codec's own delay
    assert np.abs(tail).max() < 50  # -56 dBFS, and falling


def test_a_regrant_plays_nothing_from_before() -> None:
    voice = Voice("@a", 440)
    scene = Scene(voice)
    scene.mix.join("ear", "@c", LISTEN)
    scene.mix.set_gate("@a", True)
    scene.run(50)
    scene.mix.set_gate("@a", False)
    late = [voice.packet() for _ in range(10)]  # still on their way when the gate shuts
    newest = voice.packet()
    scene.mix.receive(voice.peer, "@a", newest, scene.now)
    scene.voices.clear()
    scene.mix.set_gate("@a", True)
    for packet in late:
        scene.mix.receive(voice.peer, "@a", packet, scene.now)
    before = scene.decoders.decoded
    scene.run(100)
    assert scene.decoders.decoded == before
    assert np.abs(scene.heard("ear", last=90)).max() <= 2


@settings(max_examples=25)
@given(
    st.lists(
        st.tuples(st.sampled_from(["@a", "@b", "@c"]), st.booleans(), st.integers(1, 4)),
        max_size=12,
    )
)
def test_only_open_microphones_are_ever_decoded(turns: Iterable[tuple[str, bool, int]]) -> None:
    scene = Scene(Voice("@a", 300), Voice("@b", 500), Voice("@c", 900))
    scene.mix.join("ear", "@d", LISTEN)
    opened: set[str] = set()
    for user, is_open, ticks in turns:
        scene.mix.set_gate(user, is_open)
        opened = opened | {user} if is_open else opened - {user}
        before = scene.decoders.decoded
        scene.run(ticks)
        assert scene.decoders.decoded - before <= (ticks + 3) * len(opened)
    assert scene.mix.gates.open == opened


def test_a_listener_who_gets_the_floor_moves_from_the_mix_to_one_of_their_own() -> None:
    scene = two_speakers()
    scene.mix.set_gate("@a", False)
    scene.run(60)
    assert decibels(scene.heard("ear of @a"), 700) > -20
    assert len(scene.ticks[-1].payloads) == 2
    scene.mix.leave("ear of @b", "@b")
    scene.run(1)
    assert [peers for peers, _ in scene.ticks[-1].payloads] == [("ear of @a", "ear of @c")]


def test_a_second_microphone_of_the_same_person_replaces_the_first() -> None:
    scene = Scene(Voice("@a", 440, peer="old"))
    assert scene.mix.join("new", "@a", SPEAK) == "old"
    scene.mix.set_gate("@a", True)
    scene.run(5)
    assert scene.decoders.decoded == 0
    scene.mix.leave("old", "@a")
    assert scene.mix.join("new", "@a", SPEAK) is None


def test_what_is_said_is_kept_at_the_live_spaces_own_time() -> None:
    scene = Scene(Voice("@a", 440))
    scene.mix.set_gate("@a", True)
    scene.run(60)
    scene.mix.set_gate("@a", False)
    chunks = list(scene.mix.chunks("@a", 0))
    assert chunks[0].at_ms == 60_000
    assert chunks[-1].end_ms == 61_200
    scene.mix.taken("@a", 61_200)
    assert scene.mix.kept() == []


def test_skipped_ticks_move_the_time_on() -> None:
    mix = SpaceMix(1_000)
    mix.tick(0.0, steps=10)
    assert mix.position_ms == 1_200


def test_levels_are_told_five_times_a_second_and_only_when_they_change() -> None:
    scene = Scene(Voice("@a", 440))
    scene.mix.set_gate("@a", True)
    told = []
    for _ in range(100):
        scene.run(1)
        levels = scene.mix.levels()
        if levels is not None:
            told.append(levels["@a"])
    assert 1 <= len(told) <= 10
    assert told[-1] > 60
    scene.mix.set_gate("@a", False)
    later = []
    for _ in range(40):
        scene.run(1)
        later.append(scene.mix.levels())
    assert [levels for levels in later if levels is not None] == [{}]


def test_the_mix_is_a_packet_only_for_subscribers() -> None:
    scene = Scene(Voice("@a", 440))
    scene.run(3)
    assert scene.ticks[-1] == Tick([], None)
    assert scene.mix.subscribe(True) == ()
    scene.run(3)
    assert scene.ticks[-1].mix


def test_a_new_subscriber_gets_what_was_encoded_just_before() -> None:
    scene = Scene(Voice("@a", 440))
    assert scene.mix.subscribe(True) == ()
    scene.run(MIX_KEPT + 30)
    assert scene.mix.subscribe(True) == (), "who has it all gets nothing twice"
    assert scene.mix.subscribe(False) == ()
    kept = scene.mix.subscribe(True)
    now = scene.mix.position_ms // TICK_MS
    assert [number for number, _ in kept] == list(range(now - MIX_KEPT, now))
    assert [packet for _, packet in kept] == [tick.mix for tick in scene.ticks[-MIX_KEPT:]]


def test_where_nobody_listens_or_speaks_the_past_is_forgotten() -> None:
    scene = Scene(Voice("@a", 440))
    scene.mix.subscribe(True)
    scene.run(10)
    scene.mix.subscribe(False)
    scene.run(1)
    assert scene.mix.subscribe(True) == ()


def test_what_somebody_says_is_kept_though_nobody_listens() -> None:
    scene = Scene(Voice("@a", 440))
    scene.mix.set_gate("@a", True)
    scene.run(10)
    assert scene.ticks[-1] == Tick([], None)
    assert len(scene.mix.subscribe(True)) == 10


def test_of_many_who_spoke_and_were_not_written_down_the_last_ones_are_kept() -> None:
    mix = SpaceMix(0)
    users = [f"@{number}" for number in range(MOST_TRACKS + 3)]
    for user in users:
        mix.join(user, user, SPEAK)
        mix.set_gates([users[0], user])
        mix.tick(0.0)
    mix.set_gates([users[0]])
    assert set(mix.kept()) == {users[0], *users[4:]}
