"""Opus through the packaged libopus: what goes in comes out, and what is missing is made up."""

import gc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spaces_bridge.media.worker.mix.opus import (
    FRAME,
    LONGEST,
    Decoder,
    Encoder,
    OpusError,
    duration,
)
from tests.support.sound import decibels, frames_of, tone

pytestmark = pytest.mark.unit


def test_a_tone_comes_out_as_it_went_in() -> None:
    encoder, decoder = Encoder(), Decoder()
    sound = tone(440, 2)
    heard = np.concatenate([decoder.decode(encoder.encode(f)) for f in frames_of(sound)])
    assert decibels(heard[FRAME * 10 :], 440) == pytest.approx(decibels(sound, 440), abs=0.5)
    assert decibels(heard[FRAME * 10 :], 1200) < -60


def test_the_bitrate_is_kept() -> None:
    encoder = Encoder(bitrate=16_000)
    noise = np.random.default_rng(1).normal(0, 3000, 48_000 * 2).astype(np.int16)
    octets = sum(len(encoder.encode(frame)) for frame in frames_of(noise))
    assert octets * 8 / 2 == pytest.approx(16_000, rel=0.2)


def test_silence_costs_next_to_nothing() -> None:
    encoder = Encoder()
    packets = [encoder.encode(np.zeros(FRAME, np.int16)) for _ in range(50)]
    assert max(len(packet) for packet in packets[10:]) <= 8


def test_a_lost_packet_is_made_up_from_what_came_before() -> None:
    encoder, decoder = Encoder(), Decoder()
    heard = [decoder.decode(encoder.encode(frame)) for frame in frames_of(tone(440, 0.4))]
    made_up = decoder.conceal(FRAME)
    assert len(made_up) == FRAME
    assert np.abs(made_up[: FRAME // 2]).max() > np.abs(heard[-1]).max() / 3


def test_a_frame_of_another_size_is_refused() -> None:
    with pytest.raises(OpusError):
        Encoder().encode(np.zeros(100, np.int16))


@given(st.binary(max_size=60))
def test_garbage_is_refused_or_decoded_but_never_worse(packet: bytes) -> None:
    try:
        samples = Decoder().decode(packet)
    except OpusError:
        return
    assert len(samples) == duration(packet)


@given(st.binary(max_size=10))
def test_a_duration_is_that_of_a_packet_or_nothing(packet: bytes) -> None:
    assert 0 <= duration(packet) <= LONGEST


@pytest.mark.parametrize(
    ("packet", "samples"),
    [(b"\xf8\0", 960), (b"\x18\0", 2880), (b"\xf9\0", 1920), (b"\xfb\x03", 2880), (b"", 0)],
)
def test_durations_are_read_as_the_rfc_says(packet: bytes, samples: int) -> None:
    assert duration(packet) == samples


def test_codecs_are_freed() -> None:
    for _ in range(200):
        Encoder()
        Decoder()
    gc.collect()
    assert not [each for each in gc.get_objects() if isinstance(each, Encoder | Decoder)]
