"""The mix, checked against exact arithmetic."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spaces_bridge.media.worker.mix.mixer import (
    KNEE,
    PEAK,
    SILENCE,
    loudness,
    mix_minus,
    soft_clip,
)
from spaces_bridge.media.worker.mix.opus import FRAME, Pcm

pytestmark = pytest.mark.unit

LEVELS = st.integers(-32_768, 32_767)
USERS = st.dictionaries(st.sampled_from("abcdefghijklm"), LEVELS, max_size=12)


def flat(level: int) -> Pcm:
    return np.full(FRAME, level, np.int16)


def bent(total: int) -> int:
    return int(soft_clip(np.full(FRAME, total, np.int32))[0])


@given(USERS, st.sets(st.sampled_from("abcdefghijklmnop")))
def test_everybody_is_in_the_mix_and_each_mix_minus_lacks_its_own(
    levels: dict[str, int], minus: set[str]
) -> None:
    mix = mix_minus({user: flat(level) for user, level in levels.items()}, minus)
    total = sum(levels.values())
    assert mix.everybody[0] == bent(total)
    assert mix.without.keys() == minus
    for user in minus:
        assert mix.without[user][0] == bent(total - levels.get(user, 0))


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


def test_without_speakers_there_is_silence_for_all() -> None:
    mix = mix_minus({}, {"a"})
    assert mix.everybody is SILENCE
    assert mix.without == {"a": SILENCE}


def test_silence_cannot_be_written_to() -> None:
    with pytest.raises(ValueError, match="read-only"):
        SILENCE[0] = 1


def test_loudness_goes_from_nothing_to_all() -> None:
    loud = (26_000 * np.sin(np.arange(FRAME))).astype(np.int16)
    assert loudness(SILENCE) == 0
    assert loudness(loud) == 100
    assert 0 < loudness((loud // 50).astype(np.int16)) < 100
