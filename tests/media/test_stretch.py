"""Speech made shorter and longer: whole periods of its pitch, without a click."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spaces_bridge.media.worker.mix.opus import FRAME, SAMPLE_RATE, Pcm
from spaces_bridge.media.worker.mix.pace import Pace
from spaces_bridge.media.worker.mix.stretch import LEAST, MOST, lengthen, shorten
from tests.support.sound import tone

pytestmark = pytest.mark.unit


def highest_step(sound: Pcm) -> int:
    return int(np.abs(np.diff(sound.astype(np.int32))).max())


@pytest.mark.parametrize("hertz", [90, 150, 220, 330])
def test_a_tone_stays_the_same_tone_without_a_click(hertz: float) -> None:
    sound = tone(hertz, 0.04)
    for shaped in (shorten(sound, MOST), lengthen(sound, MOST)):
        changed = abs(len(shaped) - len(sound))
        assert LEAST <= changed <= MOST
        periods = changed * hertz / SAMPLE_RATE
        assert periods == pytest.approx(round(periods), abs=0.05)
        assert highest_step(shaped) < 1.3 * highest_step(sound)
        assert shaped[0] == sound[0]
        assert (shaped[-100:] == sound[-100:]).all()


def test_noise_has_no_period_and_is_left_alone() -> None:
    noise = np.random.default_rng(5).normal(0, 4000, 2 * FRAME).astype(np.int16)
    assert shorten(noise, MOST) is noise
    assert lengthen(noise, MOST) is noise


@given(st.integers(LEAST, 2000), st.integers(FRAME, 3 * FRAME))
def test_silence_gives_way_as_far_as_is_asked(most: int, size: int) -> None:
    silence = np.zeros(size, np.int16)
    assert len(shorten(silence, most)) == size - min(most, MOST)
    assert len(lengthen(silence, most)) == size + min(most, MOST)


def test_what_is_too_short_or_too_little_is_left_alone() -> None:
    assert len(shorten(tone(200, 0.01), MOST)) == 480
    assert len(lengthen(tone(200, 0.04), LEAST - 1)) == 2 * FRAME


@pytest.mark.parametrize(("slack_s", "frames"), [(0.030, -1), (-0.010, 1), (0.010, 0)])
def test_the_pace_changes_until_a_frame_is_won_or_lost(slack_s: float, frames: int) -> None:
    pace, sound, came = Pace(), tone(200, 0.02), 0
    for _ in range(10):
        pace.note(slack_s)
    for _ in range(40):
        came += len(pace.shape(sound)) - len(sound)
    assert came == pytest.approx(frames * FRAME, abs=LEAST)


def test_one_late_tick_changes_no_pace() -> None:
    pace, sound = Pace(), tone(200, 0.02)
    for number in range(100):
        pace.note(0.050 if number % 10 else 0.010)
        assert pace.shape(sound) is sound
