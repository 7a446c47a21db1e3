"""Sound for the captions: right in time, kept until it is taken."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spaces_bridge.media.worker.mix.opus import FRAME
from spaces_bridge.media.worker.mix.track import KEPT_MS, CaptionAudio, SoundChunk
from spaces_bridge.wire.pcm import SAMPLE_RATE as CAPTION_RATE
from tests.support.sound import decibels, frames_of, tone

pytestmark = pytest.mark.unit


def pcm_of(chunks: list[SoundChunk]) -> np.ndarray[tuple[int], np.dtype[np.int16]]:
    return np.frombuffer(b"".join(chunk.pcm for chunk in chunks), "<i2").astype(np.int16)


def test_speech_arrives_at_16_khz_and_at_its_time() -> None:
    track = CaptionAudio()
    for number, frame in enumerate(frames_of(tone(440, 1))):
        track.hear(frame, 7_000 + number * 20)
    track.pause()
    chunks = list(track.since(0))
    pcm = pcm_of(chunks)
    assert [chunk.at_ms for chunk in chunks] == list(range(7_000, 8_000, 100))
    assert len(pcm) == CAPTION_RATE
    assert decibels(pcm, 440, CAPTION_RATE) == pytest.approx(decibels(tone(440, 1), 440), abs=0.5)


@given(st.lists(st.sampled_from(["hear", "leap", "pause"]), max_size=120))
def test_times_never_go_back_and_no_sound_is_lost(acts: list[str]) -> None:
    track, at_ms, heard_ms = CaptionAudio(), 500, 0
    frame = np.zeros(FRAME, np.int16)
    for act in acts:
        if act == "hear":
            track.hear(frame, at_ms)
            at_ms, heard_ms = at_ms + 20, heard_ms + 20
        elif act == "leap":
            at_ms += 140
        else:
            track.pause()
    track.pause()
    chunks = list(track.since(0))
    assert all(one.end_ms <= other.at_ms for one, other in itertools.pairwise(chunks))
    assert len(pcm_of(chunks)) == heard_ms * 16


def test_what_is_taken_is_forgotten_and_the_rest_comes_again() -> None:
    track = CaptionAudio()
    for number in range(50):
        track.hear(np.zeros(FRAME, np.int16), number * 20)
    track.pause()
    track.taken(450)
    assert [chunk.at_ms for chunk in track.since(0)] == [400, 500, 600, 700, 800, 900]
    assert [chunk.at_ms for chunk in track.since(700)] == [700, 800, 900]
    track.taken(1_000)
    assert track.is_empty


def test_no_more_than_30_s_are_kept() -> None:
    track = CaptionAudio()
    for number in range(2_000):
        track.hear(np.zeros(FRAME, np.int16), number * 20)
    chunks = list(track.since(0))
    assert chunks[-1].end_ms - chunks[0].at_ms <= KEPT_MS
    assert chunks[-1].end_ms >= 39_800
