"""What counts as hearing a tone, or nothing."""

import numpy as np
import pytest

from spaces_bridge_demo.ears import FLOOR_DB, loudness_db, tone, tone_level_db
from spaces_bridge_demo.peer import RATE

pytestmark = pytest.mark.unit


@pytest.mark.parametrize("hertz", [300, 440, 1000])
@pytest.mark.parametrize("level", [0.25, 0.01])
def test_a_tone_is_measured_as_loud_as_it_is(hertz: float, level: float) -> None:
    assert tone_level_db(tone(hertz, 1.0, level), hertz) == pytest.approx(
        20 * np.log10(level), abs=0.3
    )


def test_another_tone_is_not_heard_as_this_one() -> None:
    assert tone_level_db(tone(440, 1.0), 1000) < -80


def test_two_tones_at_once_are_both_measured() -> None:
    both = tone(440, 1.0) + tone(1000, 1.0)
    alone = tone_level_db(tone(440, 1.0), 440)
    assert tone_level_db(both, 440) == pytest.approx(alone, abs=0.5)
    assert tone_level_db(both, 1000) == pytest.approx(alone, abs=0.5)


def test_silence_and_too_little_sound_are_at_the_floor() -> None:
    assert loudness_db(np.zeros(RATE, np.int16)) == FLOOR_DB
    assert loudness_db(np.zeros(0, np.int16)) == FLOOR_DB
    assert tone_level_db(tone(440, 0.01), 440) == FLOOR_DB


def test_loudness_is_the_root_mean_square() -> None:
    assert loudness_db(tone(440, 1.0, 1.0)) == pytest.approx(-3.01, abs=0.05)
