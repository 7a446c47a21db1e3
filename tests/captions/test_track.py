"""A track finds utterances in sound that comes with times, holes and repetitions."""

from collections.abc import Iterable

import numpy as np
import pytest

from spaces_bridge.captions.worker.speech_track import SpeechPcm, SpeechTrack, SpokenUtterance
from tests.support.captions import Loudness

pytestmark = pytest.mark.unit


def loud(ms: int) -> SpeechPcm:
    return np.full(ms * 16, 8000, np.int16)


def quiet(ms: int) -> SpeechPcm:
    return np.zeros(ms * 16, np.int16)


def in_pieces(at_ms: int, pcm: SpeechPcm, ms: int = 100) -> Iterable[tuple[int, SpeechPcm]]:
    step = ms * 16
    return [(at_ms + i // 16, pcm[i : i + step]) for i in range(0, len(pcm), step)]


def hear(track: SpeechTrack, pieces: Iterable[tuple[int, SpeechPcm]]) -> list[SpokenUtterance]:
    return [spoken for at_ms, pcm in pieces for spoken in track.hear(at_ms, pcm)]


def test_an_utterance_knows_its_place_in_the_live_space() -> None:
    track = SpeechTrack(Loudness)
    sound = np.concatenate([quiet(1000), loud(2000), quiet(1000)])
    (spoken,) = hear(track, in_pieces(60_000, sound))
    assert spoken.start_ms == pytest.approx(60_700, abs=40)
    assert spoken.end_ms == pytest.approx(63_250, abs=40)
    assert len(spoken.pcm) == (spoken.end_ms - spoken.start_ms) * 16


@pytest.mark.parametrize("ms", [7, 20, 100, 999])
def test_the_size_of_the_pieces_does_not_matter(ms: int) -> None:
    sound = np.concatenate([quiet(500), loud(1000), quiet(700), loud(300), quiet(600)])
    whole = hear(SpeechTrack(Loudness), [(0, sound)])
    pieces = hear(SpeechTrack(Loudness), in_pieces(0, sound, ms))
    assert [(s.start_ms, s.end_ms) for s in pieces] == [(s.start_ms, s.end_ms) for s in whole]
    assert all(np.array_equal(a.pcm, b.pcm) for a, b in zip(pieces, whole, strict=True))


def test_a_jump_in_time_ends_the_utterance() -> None:
    track = SpeechTrack(Loudness)
    assert hear(track, in_pieces(0, loud(1000))) == []
    (before,) = hear(track, in_pieces(5000, loud(1000)))
    assert (before.start_ms, before.end_ms) == pytest.approx((0, 1000), abs=40)
    (after,) = track.close()
    assert (after.start_ms, after.end_ms) == pytest.approx((5000, 6000), abs=40)


def test_a_small_hole_is_silence_inside_the_utterance() -> None:
    track = SpeechTrack(Loudness)
    hear(track, [(0, loud(1000)), (1060, loud(940))])
    (spoken,) = track.close()
    assert (spoken.start_ms, spoken.end_ms) == pytest.approx((0, 2000), abs=40)
    assert not spoken.pcm[1010 * 16 : 1050 * 16].any()


def test_sound_that_was_heard_already_is_not_heard_twice() -> None:
    track = SpeechTrack(Loudness)
    hear(track, [(0, loud(1000)), (200, loud(500)), (500, loud(1000))])
    (spoken,) = track.close()
    assert (spoken.start_ms, spoken.end_ms) == pytest.approx((0, 1500), abs=40)


def test_a_replay_that_comes_after_the_first_live_sound_is_heard_from_its_start() -> None:
    track = SpeechTrack(Loudness)
    hear(track, [(9000, loud(300))])
    hear(track, in_pieces(7000, loud(2500)))
    (spoken,) = track.close()
    assert (spoken.start_ms, spoken.end_ms) == pytest.approx((7000, 9500), abs=40)


def test_silence_is_settled_as_it_passes_and_speech_is_not() -> None:
    track = SpeechTrack(Loudness)
    hear(track, in_pieces(0, quiet(5000)))
    assert track.settled_ms == pytest.approx(4700, abs=40)
    hear(track, in_pieces(5000, loud(3000)))
    assert track.settled_ms == pytest.approx(4700, abs=40)


def test_a_track_keeps_no_sound_it_does_not_need() -> None:
    track = SpeechTrack(Loudness)
    hear(track, in_pieces(0, quiet(60_000)))
    assert len(track._pcm) < 16_000
