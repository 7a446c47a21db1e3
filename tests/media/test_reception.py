"""A speaker's sound from bad networks: nothing is missing but what was lost, and less with FEC."""

from collections.abc import Sequence

import numpy as np
import pytest

from benchmarks.lossy import Network, Sent, distance_db, packets, speech, undisturbed
from benchmarks.peers.receivers import aiortc_hears
from benchmarks.reception import hears
from spaces_bridge.media.worker.mix import opus
from spaces_bridge.media.worker.mix.jitter import Gap, JitterBuffer, Restored
from spaces_bridge.media.worker.mix.opus import FRAME, Decoder
from spaces_bridge.media.worker.mix.speaker import Speaker
from spaces_bridge.media.worker.values import RtpPacket

pytestmark = pytest.mark.unit

SEED = 7


def lost_share(trace: Sequence[Sent]) -> float:
    return sum(each.arrives is None for each in trace) / len(trace)


@pytest.mark.parametrize("loss", [5, 10, 20])
def test_what_is_missing_is_a_part_of_what_was_lost(loss: int) -> None:
    trace = Network(loss / 100).carry(packets(loss), SEED)
    heard = hears(trace)
    assert heard.restored > 0.3 * lost_share(trace)
    assert heard.concealed + heard.restored <= lost_share(trace) + 0.02


def test_it_sounds_more_like_what_was_said_than_with_aiortc() -> None:
    payloads = packets(10)
    said = undisturbed(payloads)
    trace = Network(0.1).carry(payloads, SEED)
    assert distance_db(said, hears(trace).sound) < distance_db(said, aiortc_hears(trace)) / 3


def test_the_measure_of_likeness_sees_a_hole_and_overlooks_a_delay() -> None:
    said = speech()
    assert distance_db(said, np.concatenate((np.zeros(4 * FRAME, np.int16), said))) < 0.1
    torn = said.copy().reshape(-1, FRAME)
    torn[::10] = 0
    assert distance_db(said, torn.reshape(-1)) > 1


@pytest.mark.parametrize("drift", [-300e-6, 300e-6])
def test_a_clock_that_runs_otherwise_costs_no_sound_and_no_delay(drift: float) -> None:
    payloads = [*packets(0)] * 8  # 200 s: 60 ms of drift
    heard = hears(Network(0, jitter_s=0.002, drift=drift).carry(payloads, SEED))
    assert heard.concealed == 0
    assert max(heard.delays_s[-1000:]) < 0.045


def test_the_delay_grows_with_unevenness_and_comes_back_without_a_hole() -> None:
    payloads = [*packets(0)[:600]]
    even, uneven = Network(0, 0.002, 0), Network(0, 0.060, 0)
    trace = [*even.carry(payloads, 1)]
    for network, times in ((uneven, 1), (even, 4)):
        begin = len(trace)
        for sent in network.carry(payloads * times, 2):
            at = sent.arrives
            assert at is not None
            trace.append(Sent(begin + sent.number, sent.payload, begin * 0.02 + at))
    heard = hears(trace)
    assert max(heard.delays_s[300:580]) < 0.045
    assert np.median(heard.delays_s[900:1200]) > 0.060
    assert np.median(heard.delays_s[-300:]) < 0.045
    assert heard.concealed < 0.005


def test_a_lost_packet_is_told_again_by_the_next() -> None:
    payloads = packets(20)
    place = next(n for n in range(50, len(payloads)) if opus.has_fec(payloads[n]))
    buffer = JitterBuffer()
    taken = []
    for number in range(place + 4):
        if number != place - 1:
            buffer.push(number, number * FRAME, payloads[number], number * 0.02)
        if number >= 2:
            taken.append(buffer.take(number * 0.02 + 0.0001))
    assert Restored(FRAME, payloads[place]) in taken
    assert not any(isinstance(each, Gap) and each.conceal for each in taken)
    assert (buffer.totals.restored, buffer.totals.missing) == (FRAME, 0)


def test_what_is_told_again_is_more_like_it_than_what_is_made_up() -> None:
    payloads = packets(20)
    better = 0
    places = [n for n in range(50, 400) if opus.has_fec(payloads[n])][::10]
    for place in places:
        told, made_up = Decoder(), Decoder()
        for payload in payloads[: place - 1]:
            true = told.decode(payload)
            made_up.decode(payload)
        true = undisturbed(payloads[:place])[-FRAME:].astype(float)
        errors = [
            float(np.square(sound - true).sum())
            for sound in (told.restore(payloads[place], FRAME), made_up.conceal(FRAME))
        ]
        better += errors[0] < errors[1]
    assert better > 0.7 * len(places)


def test_a_packet_that_promises_fec_and_is_garbage_is_no_more_than_silence() -> None:
    speaker = Speaker("peer")
    garbage = bytes([0x0B << 3, 0xFF, 0xFF, 0xFF])
    assert opus.has_fec(garbage)
    for number in (0, 2, 3, 5, 6):
        payload = garbage if number % 3 else packets(5)[number]
        speaker.receive(RtpPacket(number, number * FRAME, False, 111, 1, payload), number * 0.02)
    frames = [speaker.frame(tick * 0.02) for tick in range(20)]
    assert all(frame is None or len(frame) == FRAME for frame in frames)


def test_falling_silent_is_not_missing_sound() -> None:
    payloads, buffer = packets(0), JitterBuffer()
    number = 0
    for tick in range(400):
        if tick % 100 < 50:  # then nothing is sent for a second
            buffer.push(number, tick * FRAME, payloads[number], tick * 0.02)
            number += 1
        buffer.take(tick * 0.02)
    assert buffer.totals.missing <= 3 * FRAME  # after the last packet one cannot know
