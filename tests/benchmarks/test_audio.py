"""Markers in a sound are found, and each is taken for the one that was said."""

import numpy as np
import pytest

from benchmarks.audio import delays_s, onsets

pytestmark = pytest.mark.unit

RATE = 48_000


def test_a_marker_begins_where_the_tone_does() -> None:
    starts = (RATE // 2, RATE, RATE + 20_000)
    pcm = (np.sin(np.arange(2 * RATE) / 42) * 300).astype(np.int16)
    tone = np.sin(2 * np.pi * 1500 * np.arange(1440) / RATE) * 12_000
    for start in starts:
        pcm[start : start + len(tone)] = tone.astype(np.int16)
    found = onsets(pcm)
    assert len(found) == len(starts)
    assert all(0 <= at - start < 24 for at, start in zip(found, starts, strict=True))


def test_silence_has_no_marker() -> None:
    assert onsets(np.zeros(RATE, np.int16)) == []


def test_a_lost_marker_is_left_out_and_the_next_is_not_taken_for_it() -> None:
    said, heard = [1.0, 1.3, 1.6], [1.08, 1.69]
    assert delays_s(said, heard) == pytest.approx([0.08, 0.09])
