"""The mix, checked against exact arithmetic."""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spaces_bridge.media.worker.mix.limiter import PEAK, Limiter
from spaces_bridge.media.worker.mix.mixer import SILENCE, Mixer, loudness
from spaces_bridge.media.worker.mix.opus import FRAME, Pcm

pytestmark = pytest.mark.unit

USERS = "abcdefghij"
LOUDNESS = st.sampled_from([0, 40, 3_000, 20_000, 32_767])
TICK = st.dictionaries(st.sampled_from(USERS), LOUDNESS, max_size=10)


def noise(seed: int, peak: int) -> Pcm:
    return np.random.default_rng(seed).integers(-peak, peak, FRAME, np.int16, endpoint=True)


@settings(max_examples=60)
@given(st.lists(TICK, min_size=1, max_size=6), st.sets(st.sampled_from(USERS + "xyz")))
def test_each_mix_minus_is_to_the_sample_what_the_others_alone_sound_like(
    ticks: Sequence[dict[str, int]], minus: set[str]
) -> None:
    mixer, everybody = Mixer(), Limiter()
    alone = {user: Limiter() for user in minus}
    for number, peaks in enumerate(ticks):
        frames = {u: noise(number * 100 + ord(u), peak) for u, peak in peaks.items()}
        mix = mixer.mix(frames, minus)
        assert np.array_equal(mix.everybody, everybody.limit(added(list(frames.values()))))
        assert mix.without.keys() == minus
        for user in minus:
            others = added([frame for who, frame in frames.items() if who != user])
            assert np.array_equal(mix.without[user], alone[user].limit(others))
            assert np.abs(mix.without[user].astype(int)).max() <= PEAK


def added(frames: Sequence[Pcm]) -> np.ndarray[tuple[int], np.dtype[np.int32]]:
    return sum((frame.astype(np.int32) for frame in frames), np.zeros(FRAME, np.int32))


def test_nobody_hears_a_trace_of_their_own_voice_however_loud() -> None:
    """Where all others are silent, there is nothing at all to hear."""
    mixer = Mixer()
    for tick in range(20):
        mix = mixer.mix({"a": noise(tick, 32_767), "b": SILENCE}, {"a", "b"})
        assert not mix.without["a"].any()
        assert mix.without["b"].any()


def test_without_speakers_there_is_silence_for_all() -> None:
    mix = Mixer().mix({}, {"a"})
    assert not mix.everybody.any()
    assert not mix.without["a"].any()


def test_silence_cannot_be_written_to() -> None:
    with pytest.raises(ValueError, match="read-only"):
        SILENCE[0] = 1


def test_loudness_goes_from_nothing_to_all() -> None:
    loud = (26_000 * np.sin(np.arange(FRAME))).astype(np.int16)
    assert loudness(SILENCE) == 0
    assert loudness(loud) == 100
    assert 0 < loudness((loud // 50).astype(np.int16)) < 100
