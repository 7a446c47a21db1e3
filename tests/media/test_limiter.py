"""The limiter, checked against exact arithmetic."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from spaces_bridge.media.worker.mix.limiter import KNEE, PEAK, Limiter, soft_clip
from spaces_bridge.media.worker.mix.opus import FRAME, Pcm

pytestmark = pytest.mark.unit

SECOND = 50
"""Frames."""


def bent(total: int) -> int:
    return int(soft_clip(np.full(FRAME, total, np.int32))[0])


def limited(sound: NDArray[np.int32]) -> Pcm:
    limiter = Limiter()
    return np.concatenate([limiter.limit(frame) for frame in sound.reshape(-1, FRAME)])


def sine(hertz: float, peak: float, frames: int = SECOND) -> NDArray[np.int32]:
    at = np.arange(frames * FRAME) / 48_000
    return np.rint(peak * np.sin(2 * np.pi * hertz * at)).astype(np.int32)


@given(st.integers(-400_000, 400_000), st.integers(-400_000, 400_000))
def test_louder_stays_louder_and_nothing_leaves_16_bits(one: int, other: int) -> None:
    low, high = sorted((one, other))
    assert bent(low) <= bent(high)
    assert abs(bent(low)) <= PEAK
    assert bent(-high) == -bent(high)


@given(st.lists(st.integers(-KNEE, KNEE), min_size=1, max_size=40))
def test_up_to_the_knee_nothing_is_changed(samples: list[int]) -> None:
    total = np.resize(np.array(samples, np.int32), FRAME)
    assert np.array_equal(soft_clip(total), total)
    assert np.array_equal(Limiter().limit(total), total)


@given(st.lists(st.integers(-20_000_000, 20_000_000), min_size=1, max_size=3 * FRAME))
def test_whatever_comes_no_sample_wraps_or_changes_its_sign(samples: list[int]) -> None:
    total = np.resize(np.array(samples, np.int32), 4 * FRAME)
    heard = limited(total).astype(np.int32)
    assert np.abs(heard).max() <= PEAK
    assert (heard * np.sign(total) >= 0).all()


def test_ten_at_full_scale_are_never_clipped() -> None:
    everybody = sum(sine(110.0 * 1.21**n, 32_767) for n in range(10))
    assert isinstance(everybody, np.ndarray)
    heard = np.abs(limited(everybody.astype(np.int32)))
    assert np.abs(everybody).max() > 5 * 32_767
    assert heard.max() <= PEAK
    # once the limiter knows how loud it is, next to nothing is bent any more
    assert (heard[SECOND // 2 * FRAME :] > KNEE).mean() < 0.01


def test_what_is_twice_too_loud_is_softer_and_hardly_distorted() -> None:
    def distortion(heard: Pcm) -> float:
        window = heard[-FRAME * SECOND // 2 :].astype(np.float64)
        spectrum = np.abs(np.fft.rfft(window)) ** 2
        tone = spectrum[round(400 * len(window) / 48_000)]
        return float(np.sqrt(max(spectrum.sum() - spectrum[0] - tone, 0.0) / tone))

    loud = sine(400, 2 * 32_767)
    assert distortion(soft_clip(loud)) > 0.2
    assert distortion(limited(loud)) < 0.01


def test_gain_never_leaps_and_comes_back() -> None:
    # a constant shows the gain itself
    parts = [8_000] * 10 + [120_000] * 5 + [8_000] * 40
    heard = limited(np.repeat(np.array(parts, np.int32), FRAME))
    quiet = heard[15 * FRAME :].astype(np.int32)
    assert quiet[0] < 8_000 // 3
    assert np.diff(quiet).max() <= 8_000 * 0.02 / 120 + 2
    assert (quiet[-FRAME:] == 8_000).all()
