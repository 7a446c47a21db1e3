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
from spaces_bridge.media.worker.mix.voice import FADE
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


class MixSetup:
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


def two_speakers() -> MixSetup:
    setup = MixSetup(Voice("@a", 440), Voice("@b", 700))
    setup.mix.join("ear of @a", "@a", LISTEN)
    setup.mix.join("ear of @b", "@b", LISTEN)
    setup.mix.join("ear of @c", "@c", LISTEN)
    setup.mix.set_gates(["@a", "@b"])
    setup.run(100)
    return setup


def test_each_speaker_hears_the_other_and_not_themselves_and_a_listener_hears_both() -> None:
    setup = two_speakers()
    said = decibels(tone(440, 1), 440)
    a, b, c = (setup.heard(f"ear of {user}") for user in ("@a", "@b", "@c"))
    assert decibels(a, 700) == pytest.approx(said, abs=3)
    assert decibels(a, 440) - said <= -40
    assert decibels(b, 440) == pytest.approx(said, abs=3)
    assert decibels(b, 700) - said <= -40
    assert decibels(c, 440) == pytest.approx(said, abs=3)
    assert decibels(c, 700) == pytest.approx(said, abs=3)


def test_a_microphone_that_is_published_anew_is_heard_at_once_wherever_it_counts_from() -> None:
    voice = Voice("@a", 440)
    setup = MixSetup(voice)
    setup.mix.join("ear", "@c", LISTEN)
    setup.mix.set_gates(["@a"])
    setup.run(100)
    voice.ssrc, voice.sent = 8, 20  # numbers and times that were used before
    setup.run(60)
    assert decibels(setup.heard("ear"), 440) == pytest.approx(decibels(tone(440, 1), 440), abs=3)


def test_a_call_peer_is_in_no_mix_and_its_microphone_is_its_users_when_it_speaks() -> None:
    setup = MixSetup()
    assert setup.mix.join("call", "@a", StreamDirection.CALL) is None
    setup.mix.set_gates(["@a"])
    setup.run(1)
    assert setup.ticks[-1].payloads == []
    packet = Voice("@a", 440).packet()
    assert setup.mix.receive("call", "@a", packet, 0.0) is Admission.NO_MICROPHONE
    assert setup.mix.speak("call", "@a") is None
    assert setup.mix.receive("call", "@a", packet, 0.0) is Admission.HEARD
    assert setup.mix.join("page", "@a", SPEAK) == "call"
    assert setup.mix.receive("call", "@a", packet, 0.0) is Admission.NO_MICROPHONE
    setup.mix.set_gates([])
    assert setup.mix.receive("page", "@a", packet, 0.0) is Admission.GATE_SHUT


def test_one_encode_serves_all_listeners() -> None:
    setup = MixSetup(Voice("@a", 440))
    for number in range(300):
        setup.mix.join(f"ear {number}", f"@listener{number}", LISTEN)
    setup.mix.join("ear of @a", "@a", LISTEN)
    setup.mix.set_gates(["@a"])
    setup.run(5)
    assert [len(peers) for peers, _ in setup.ticks[-1].payloads] == [300, 1]
    assert setup.ticks[-1].payloads[0][0] is setup.ticks[-2].payloads[0][0]


def test_nothing_is_decoded_and_nothing_is_heard_behind_a_shut_gate() -> None:
    setup = MixSetup(Voice("@a", 440))
    setup.mix.join("ear", "@c", LISTEN)
    setup.run(60)
    assert setup.decoders.decoded == 0
    assert setup.mix.gates.refused == 60
    assert not setup.heard("ear").any()
    assert setup.mix.kept() == []


def test_a_gate_that_shuts_is_silence_at_the_very_next_tick() -> None:
    setup = two_speakers()
    setup.mix.set_gate("@a", False)
    setup.mix.set_gate("@b", False)
    before, said = setup.decoders.decoded, len(setup.mixed)
    setup.run(60)
    assert setup.decoders.decoded == before
    assert setup.mixed[said - 1].any()
    # all that is left is how what was heard before fades out
    assert all(not frame[FADE:].any() for frame in setup.mixed[said : said + 3])
    assert not any(frame.any() for frame in setup.mixed[said + 3 :])
    tail = setup.heard("ear of @c", last=58)  # one frame after the codec's own delay
    assert np.abs(tail).max() < 100  # -50 dBFS, and falling


def test_a_regrant_plays_nothing_from_before() -> None:
    voice = Voice("@a", 440)
    setup = MixSetup(voice)
    setup.mix.join("ear", "@c", LISTEN)
    setup.mix.set_gate("@a", True)
    setup.run(50)
    setup.mix.set_gate("@a", False)
    late = [voice.packet() for _ in range(10)]  # still on their way when the gate shuts
    newest = voice.packet()
    setup.mix.receive(voice.peer, "@a", newest, setup.now)
    setup.voices.clear()
    setup.mix.set_gate("@a", True)
    for packet in late:
        setup.mix.receive(voice.peer, "@a", packet, setup.now)
    before = setup.decoders.decoded
    setup.run(100)
    assert setup.decoders.decoded == before
    assert np.abs(setup.heard("ear", last=80)).max() <= 2


@settings(max_examples=25)
@given(
    st.lists(
        st.tuples(st.sampled_from(["@a", "@b", "@c"]), st.booleans(), st.integers(1, 4)),
        max_size=12,
    )
)
def test_only_open_microphones_are_ever_decoded(turns: Iterable[tuple[str, bool, int]]) -> None:
    setup = MixSetup(Voice("@a", 300), Voice("@b", 500), Voice("@c", 900))
    setup.mix.join("ear", "@d", LISTEN)
    opened: set[str] = set()
    for user, is_open, ticks in turns:
        setup.mix.set_gate(user, is_open)
        opened = opened | {user} if is_open else opened - {user}
        before = setup.decoders.decoded
        setup.run(ticks)
        assert setup.decoders.decoded - before <= (ticks + 3) * len(opened)
    assert setup.mix.gates.open == opened


def test_a_listener_who_gets_the_floor_moves_from_the_mix_to_one_of_their_own() -> None:
    setup = two_speakers()
    setup.mix.set_gate("@a", False)
    setup.run(60)
    assert decibels(setup.heard("ear of @a"), 700) > -20
    assert len(setup.ticks[-1].payloads) == 2
    setup.mix.leave("ear of @b", "@b")
    setup.run(1)
    assert [peers for peers, _ in setup.ticks[-1].payloads] == [("ear of @a", "ear of @c")]


def test_a_second_microphone_of_the_same_person_replaces_the_first() -> None:
    setup = MixSetup(Voice("@a", 440, peer="old"))
    assert setup.mix.join("new", "@a", SPEAK) == "old"
    setup.mix.set_gate("@a", True)
    setup.run(5)
    assert setup.decoders.decoded == 0
    setup.mix.leave("old", "@a")
    assert setup.mix.join("new", "@a", SPEAK) is None


def test_what_is_said_is_kept_at_the_live_spaces_own_time() -> None:
    setup = MixSetup(Voice("@a", 440))
    setup.mix.set_gate("@a", True)
    setup.run(60)
    setup.mix.set_gate("@a", False)
    chunks = list(setup.mix.chunks("@a", 0))
    assert chunks[0].at_ms == 60_000
    assert chunks[-1].end_ms == 61_200
    setup.mix.taken("@a", 61_200)
    assert setup.mix.kept() == []


def test_skipped_ticks_move_the_time_on() -> None:
    mix = SpaceMix(1_000)
    mix.tick(0.0, steps=10)
    assert mix.position_ms == 1_200


def test_levels_are_told_five_times_a_second_and_only_when_they_change() -> None:
    setup = MixSetup(Voice("@a", 440))
    setup.mix.set_gate("@a", True)
    told = []
    for _ in range(100):
        setup.run(1)
        levels = setup.mix.levels()
        if levels is not None:
            told.append(levels["@a"])
    assert 1 <= len(told) <= 10
    assert told[-1] > 60
    setup.mix.set_gate("@a", False)
    later = []
    for _ in range(40):
        setup.run(1)
        later.append(setup.mix.levels())
    assert [levels for levels in later if levels is not None] == [{}]


def test_the_mix_is_a_packet_only_for_subscribers() -> None:
    setup = MixSetup(Voice("@a", 440))
    setup.run(3)
    assert setup.ticks[-1] == Tick([], None)
    assert setup.mix.subscribe(True) == ()
    setup.run(3)
    assert setup.ticks[-1].mix


def test_a_new_subscriber_gets_what_was_encoded_just_before() -> None:
    setup = MixSetup(Voice("@a", 440))
    assert setup.mix.subscribe(True) == ()
    setup.run(MIX_KEPT + 30)
    assert setup.mix.subscribe(True) == (), "who has it all gets nothing twice"
    assert setup.mix.subscribe(False) == ()
    kept = setup.mix.subscribe(True)
    now = setup.mix.position_ms // TICK_MS
    assert [number for number, _ in kept] == list(range(now - MIX_KEPT, now))
    assert [packet for _, packet in kept] == [tick.mix for tick in setup.ticks[-MIX_KEPT:]]


def test_where_nobody_listens_or_speaks_the_past_is_forgotten() -> None:
    setup = MixSetup(Voice("@a", 440))
    setup.mix.subscribe(True)
    setup.run(10)
    setup.mix.subscribe(False)
    setup.run(1)
    assert setup.mix.subscribe(True) == ()


def test_what_somebody_says_is_kept_though_nobody_listens() -> None:
    setup = MixSetup(Voice("@a", 440))
    setup.mix.set_gate("@a", True)
    setup.run(10)
    assert setup.ticks[-1] == Tick([], None)
    assert len(setup.mix.subscribe(True)) == 10


def test_of_many_who_spoke_and_were_not_written_down_the_last_ones_are_kept() -> None:
    mix = SpaceMix(0)
    users = [f"@{number}" for number in range(MOST_TRACKS + 3)]
    for user in users:
        mix.join(user, user, SPEAK)
        mix.set_gates([users[0], user])
        mix.tick(0.0)
    mix.set_gates([users[0]])
    assert set(mix.kept()) == {users[0], *users[4:]}
