"""Voices on their way into the mix: who returns, what a host sets, and no clicks at either end."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spaces_bridge.core.limits import VOLUME_MAX
from spaces_bridge.media.worker.mix.limiter import PEAK
from spaces_bridge.media.worker.mix.opus import FRAME, Pcm
from spaces_bridge.media.worker.mix.voice import FADE, Voice
from spaces_bridge.media.worker.mix.voices import MOST_VOICES, Voices
from tests.support.sound import frames_of, loudness, tone

pytestmark = pytest.mark.unit

USER = "@a:example.org"


def highest_step(pcm: Pcm) -> int:
    return int(np.abs(np.diff(pcm.astype(np.int32))).max())


@given(st.integers(0, FRAME - 1), st.integers(60, 2_000), st.integers(1_000, 20_000))
def test_a_microphone_that_comes_and_goes_makes_no_click(at: int, hertz: int, peak: int) -> None:
    """Wherever in a wave: no step is higher than the highest of the sound itself."""
    sound = tone(hertz, 0.3, peak)[at:]
    voice = Voice()
    heard = [voice.hear(frame) for frame in frames_of(sound)]
    fade = voice.stop()
    assert fade is not None
    silence = np.zeros(FRAME, np.int16)
    assert highest_step(np.concatenate([silence, *heard, fade])) <= highest_step(sound) * 1.1 + 2
    # without fades there would be one as high as the wave, somewhere
    assert voice.stop() is None


def test_what_fades_out_was_heard_before() -> None:
    voice = Voice()
    heard = [voice.hear(frame) for frame in frames_of(tone(440, 0.1))]
    fade = voice.stop()
    assert fade is not None
    assert not fade[FADE:].any()
    assert (np.abs(fade[:FADE]) <= np.abs(heard[-1][: -FADE - 1 : -1])).all()
    assert voice.hear(np.zeros(FRAME, np.int16)).any() == np.False_


def test_a_click_there_would_be() -> None:
    """The measure itself: cut where the wave is high, the step is as high as the wave."""
    cut = tone(440, 0.1)[: 4 * FRAME + 27]
    assert highest_step(np.concatenate([cut, np.zeros(FRAME, np.int16)])) > 3_000


@pytest.mark.parametrize(("percent", "share"), [(0, 0.0), (50, 0.5), (100, 1.0), (200, 2.0)])
def test_a_host_sets_how_much_of_the_sound_as_it_is_sent_is_heard(
    percent: int, share: float
) -> None:
    voices = Voices()
    voices.set_volumes({USER: percent})
    sound = tone(440, 0.2)
    heard = [voices.hear({USER: frame})[USER] for frame in frames_of(sound)]
    assert loudness(np.concatenate(heard[2:])) == pytest.approx(share * loudness(sound), abs=1e-3)


def test_a_volume_that_is_changed_is_gone_to_without_a_click_and_back_again() -> None:
    voices, heard = Voices(), []
    for number, frame in enumerate(frames_of(tone(440, 0.6))):
        if number == 10:
            voices.set_volumes({USER: VOLUME_MAX})
        if number == 20:
            voices.set_volumes({})
        heard.append(voices.hear({USER: frame})[USER])
    assert highest_step(np.concatenate(heard)) <= 2.1 * highest_step(tone(440, 0.6))
    assert np.array_equal(heard[-1], frames_of(tone(440, 0.6))[-1])


def test_somebody_who_returns_begins_as_loud_as_they_ended() -> None:
    # half a second of sound and half of a tenth of it: speech, as far as a meter can tell
    syllables = np.tile(np.concatenate([tone(440, 0.5, 500), tone(440, 0.5, 50)]), 8)
    voices = Voices()
    before = [voices.hear({USER: frame})[USER] for frame in frames_of(syllables)]
    assert loudness(before[-30]) > 4 * loudness(before[5])
    for _ in range(500):
        voices.hear({})
    after = [voices.hear({USER: frame})[USER] for frame in frames_of(syllables)]
    assert loudness(after[5]) == pytest.approx(loudness(before[-45]), rel=0.2)


def test_one_shout_does_not_make_the_others_softer() -> None:
    voices = Voices()
    voices.set_volumes({"@b": 200})
    frames = {"@a": tone(440, 0.02), "@b": np.full(FRAME, PEAK, np.int16)}
    heard = [voices.hear(frames) for _ in range(5)][-1]
    assert np.array_equal(heard["@a"], frames["@a"])
    assert np.abs(heard["@b"].astype(int)).max() <= PEAK


def test_all_who_stop_at_once_fade_once() -> None:
    voices = Voices()
    voices.hear({user: tone(440, 0.02) for user in "abc"})
    assert voices.hear({"a": tone(440, 0.02)}).keys() == {"a", "b", "c"}
    assert voices.hear({}).keys() == {"a"}
    assert voices.hear({}) == {}


def test_of_very_many_who_spoke_the_last_ones_are_remembered() -> None:
    voices = Voices()
    for number in range(MOST_VOICES + 50):
        voices.hear({f"@{number}": tone(440, 0.02), "@speaks": tone(440, 0.02)})
    assert len(voices) <= MOST_VOICES
    assert "@speaks" in voices
    assert "@0" not in voices
