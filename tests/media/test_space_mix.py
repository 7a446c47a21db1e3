"""One live space without any network: who hears whom, and whom nobody hears."""

from collections.abc import Iterable
from typing import Final

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spaces_bridge.media.messages import MIX_KEPT
from spaces_bridge.media.worker.mix.opus import FRAME, Decoder, Encoder, Pcm, duration
from spaces_bridge.media.worker.mix.shared_packets import COMFORT_EVERY, CrowdPackets
from spaces_bridge.media.worker.mix.space_mix import (
    MOST_TRACKS,
    TICK_MS,
    Admission,
    SpaceMix,
    Tick,
)
from spaces_bridge.media.worker.mix.voice import FADE
from spaces_bridge.media.worker.values import ListenerPayload, RtpPacket, StreamDirection
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
        self.received: dict[str, list[tuple[int, ListenerPayload]]] = {}
        self.ticks: list[Tick] = []
        for voice in voices:
            self.mix.join(voice.peer, voice.user, SPEAK)

    def run(self, ticks: int) -> None:
        for _ in range(ticks):
            for voice in self.voices:
                self.mix.receive(voice.peer, voice.user, voice.packet(), self.now)
            tick = self.mix.tick(self.now)
            self.ticks.append(tick)
            for payload in tick.payloads:
                for peer in payload.peers:
                    self.received.setdefault(peer, []).append((len(self.ticks), payload))
            self.now += TICK

    def heard(self, peer: str, last: int = 50) -> Pcm:
        """What the peer heard in the last ticks; silence where no packet came."""
        decoder, sound = Decoder(), np.zeros((len(self.ticks) + 1) * FRAME, np.int16)
        for tick, payload in self.received[peer]:
            begin = tick * FRAME - payload.age
            samples = decoder.decode(payload.packet)
            sound[begin : begin + len(samples)] = samples
        return sound[-last * FRAME :]


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
    for number in range(190):
        setup.mix.join(f"ear {number}", f"@listener{number}", LISTEN)
    setup.mix.join("ear of @a", "@a", LISTEN)
    setup.mix.set_gates(["@a"])
    setup.run(5)
    assert [len(each.peers) for each in setup.ticks[-1].payloads] == [190, 1]
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
    assert [each.peers for each in setup.ticks[-1].payloads] == [("ear of @a", "ear of @c")]


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


def crowd_of(listeners: int, least: int = 12, frames: int = 3) -> MixSetup:
    setup = MixSetup(Voice("@a", 440))
    setup.mix = SpaceMix(0, crowd=CrowdPackets(frames, least), make_decoder=Decoder)
    setup.mix.join("mic of @a", "@a", SPEAK)
    for number in range(listeners):
        setup.mix.join(f"ear {number}", f"@listener{number}", LISTEN)
    setup.mix.set_gates(["@a"])
    return setup


def mixed(setup: MixSetup, last: int) -> Pcm:
    """What a listener of a stream of 20 ms heard, by the numbers of the shared mix."""
    decoder = Decoder()
    packets = [tick.mix for tick in setup.ticks]
    return np.concatenate([decoder.decode(packet) for packet in packets if packet])[
        -last * FRAME :
    ]


def test_a_crowd_hears_in_longer_packets_what_a_few_hear_in_short_ones() -> None:
    setup = crowd_of(11)
    setup.mix.subscribe(True)
    setup.run(50)
    assert {len(each.peers) for each in setup.ticks[-1].payloads} == {11}
    setup.mix.join("ear 11", "@listener11", LISTEN)  # now it is a crowd
    setup.run(100)
    assert setup.mix.packets.frames_per_packet == 3
    assert sorted(sum(len(p.peers) for p in t.payloads) for t in setup.ticks[-3:]) == [0, 0, 12]
    for number in (9, 10, 11):  # down to four fifths it stays one
        setup.mix.leave(f"ear {number}", f"@listener{number}")
    setup.run(50)
    assert setup.mix.packets.frames_per_packet == 1
    for number in range(9):
        assert np.array_equal(setup.heard(f"ear {number}", 195), mixed(setup, 195))


def test_under_load_even_a_few_hear_in_longer_packets_until_it_is_over() -> None:
    setup = crowd_of(3)
    setup.run(10)
    setup.mix.packets.lengthen(2)
    setup.run(20)
    assert setup.mix.packets.frames_per_packet == 2
    assert all(duration(each.packet) == 2 * FRAME for each in setup.ticks[-1].payloads)
    setup.mix.packets.lengthen(1)
    setup.run(10)
    assert [each.peers for each in setup.ticks[-1].payloads] == [("ear 0", "ear 1", "ear 2")]


def test_while_nobody_makes_a_sound_comfort_packets_are_all_that_is_sent() -> None:
    setup = crowd_of(2)
    setup.run(20)
    voice = setup.voices.pop()
    setup.run(200)
    sent = [tick for tick in setup.ticks[-160:] if tick.payloads]
    assert len(sent) == 160 // COMFORT_EVERY
    assert not any(each.begins for tick in sent for each in tick.payloads)
    setup.voices.append(voice)
    setup.run(10)
    begun = [each.begins for tick in setup.ticks[-10:] for each in tick.payloads]
    assert begun.count(True) == 1
    assert begun[-5:] == [False] * 5


def test_who_comes_on_air_in_a_crowd_hears_the_others_at_once_and_later_the_crowds_mix() -> None:
    setup = crowd_of(12)
    setup.run(50)
    setup.mix.set_gates(["@a", "@listener3"])
    setup.run(1)
    assert ("ear 3",) in [each.peers for each in setup.ticks[-1].payloads]
    setup.run(50)
    setup.mix.set_gates(["@a"])
    setup.run(50)
    came = setup.received["ear 3"]
    ends = [(tick + 1) * FRAME - each.age - FRAME + duration(each.packet) for tick, each in came]
    begins = [tick * FRAME - each.age for tick, each in came]
    gaps = [begin - end for begin, end in zip(begins[1:], ends, strict=False)]
    assert min(gaps) == 0  # nothing twice
    assert sum(gaps) <= 2 * FRAME  # what waited for a packet when the microphone opened
