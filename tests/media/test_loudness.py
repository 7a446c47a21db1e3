"""Loudness, against an implementation of BS.1770 that is not ours, and the gain made of it."""

import numpy as np
import pyloudnorm
import pytest
import soxr
from numpy.typing import NDArray

from spaces_bridge.media.worker.mix.loudness import (
    HIGHEST_GAIN_DB,
    LOWEST_GAIN_DB,
    TARGET_LUFS,
    AutomaticGain,
    SpeechMeter,
    lufs,
    power,
)
from spaces_bridge.media.worker.mix.opus import FRAME, Pcm
from spaces_bridge.media.worker.mix.voices import MOST_VOICES, Voices
from spaces_bridge_demo.speech import CONVERSATION, Line, speak
from tests.support.captions import human_speech, in_a_row

pytestmark = pytest.mark.unit

RATE = 48_000
METER = pyloudnorm.Meter(RATE)


def measured(pcm: Pcm) -> float:
    """The integrated loudness by pyloudnorm."""
    return float(METER.integrated_loudness(pcm / 32_768))


def at(loudness: float, pcm: Pcm) -> Pcm:
    """The same sound, so loud by pyloudnorm."""
    louder = pcm * 10 ** ((loudness - measured(pcm)) / 20)
    clipped: Pcm = np.clip(np.rint(louder), -32_768, 32_767).astype(np.int16)
    return clipped


def frames(pcm: Pcm) -> NDArray[np.int16]:
    return pcm[: len(pcm) // FRAME * FRAME].reshape(-1, FRAME)


def noise(seconds: float, peak: int = 2_000) -> Pcm:
    random = np.random.default_rng(5)
    return (random.normal(0, peak, round(seconds * RATE))).astype(np.int16)


@pytest.fixture(scope="module")
def speech() -> Pcm:
    """Half a minute of human readings with pauses between them."""
    pcm: Pcm = soxr.resample(in_a_row(human_speech()).pcm, 16_000, RATE)[: 30 * RATE]
    return pcm


@pytest.mark.parametrize("hertz", [123.4, 440.0, 997.0, 3_150.0, 9_000.0])
def test_tones_are_as_loud_as_bs_1770_says(hertz: float) -> None:
    tone = (20_000 * np.sin(2 * np.pi * hertz * np.arange(3 * RATE) / RATE)).astype(np.int16)
    ours = lufs(float(np.mean([power(frame) for frame in frames(tone)])))
    assert ours == pytest.approx(measured(tone), abs=0.2)


def test_a_sine_of_997_hertz_at_full_scale_has_the_loudness_of_the_standard() -> None:
    tone = (32_767 * np.sin(2 * np.pi * 997 * np.arange(3 * RATE) / RATE)).astype(np.int16)
    ours = lufs(float(np.mean([power(frame) for frame in frames(tone)])))
    assert ours == pytest.approx(-3.01, abs=0.05)


@pytest.mark.parametrize("loudness", [-45.0, -30.0, -20.0])
def test_speech_is_as_loud_as_pyloudnorm_says(speech: Pcm, loudness: float) -> None:
    pcm = at(loudness, speech)
    meter, told = SpeechMeter(), list[float]()
    for frame in frames(pcm):
        meter.hear(frame)
        if meter.loudness is not None:
            told.append(meter.loudness)
    # a meter of the last seconds follows the readers' voices: on average it says the same
    assert np.mean(told) == pytest.approx(loudness, abs=1.0)


@pytest.mark.parametrize("line", CONVERSATION[:3])
def test_one_sentence_is_as_loud_as_pyloudnorm_says(line: Line) -> None:
    pcm = at(-25.0, np.tile(speak(line), 3))
    meter = SpeechMeter()
    for frame in frames(pcm):
        meter.hear(frame)
    assert meter.loudness == pytest.approx(-25.0, abs=0.5)


@pytest.mark.parametrize("peak", [1, 30, 300, 3_000])
def test_noise_and_silence_are_not_made_louder(peak: int) -> None:
    gain = AutomaticGain()
    silence = np.zeros(2 * RATE, np.int16)
    for frame in frames(np.concatenate([silence, noise(15, peak), silence, noise(5, peak)])):
        assert gain.hear(frame) == 0.0


def test_noise_between_words_moves_nothing(speech: Pcm) -> None:
    gain = AutomaticGain()
    for frame in frames(at(-35.0, speech)):
        gain.hear(frame)
    reached = gain.decibels
    hum = frames(at(-50.0, noise(20)))
    for frame in hum:
        gain.hear(frame)
    assert gain.decibels == pytest.approx(reached, abs=2.0)


@pytest.mark.parametrize("loudness", [-40.0, -30.0, -20.0, -14.0])
def test_every_talker_is_brought_to_the_target(speech: Pcm, loudness: float) -> None:
    gain = AutomaticGain()
    said = at(loudness, speech)
    heard = [frame * 10 ** (gain.hear(frame) / 20) for frame in frames(said)]
    later = np.concatenate(heard[8 * 50 :])
    assert METER.integrated_loudness(later / 32_768) == pytest.approx(TARGET_LUFS, abs=1.5)


@pytest.mark.parametrize("loudness", [-52.0, -2.0])
def test_gain_keeps_its_bounds(speech: Pcm, loudness: float) -> None:
    gain = AutomaticGain()
    for frame in frames(at(loudness, speech)):
        gain.hear(frame)
        assert LOWEST_GAIN_DB <= gain.decibels <= HIGHEST_GAIN_DB


def test_gain_goes_down_faster_than_it_goes_up(speech: Pcm) -> None:
    gain = AutomaticGain()
    moves = [0.0]
    for pcm in (at(-40.0, speech), at(-15.0, speech)):
        for frame in frames(pcm):
            before = gain.decibels
            moves.append(gain.hear(frame) - before)
    assert max(moves) == pytest.approx(6.0 / 50)
    assert min(moves) == pytest.approx(-30.0 / 50)


def test_more_voices_than_are_remembered_may_begin_and_end_at_once() -> None:
    voices, frame = Voices(), np.full(FRAME, 1000, np.int16)
    for many in (MOST_VOICES, MOST_VOICES + 2, 0, MOST_VOICES + 1, 0):
        heard = voices.hear({f"u{number}": frame for number in range(many)})
        assert len(heard) >= many
    assert len(voices) <= MOST_VOICES + 2
