"""Captions' quality, cost and delays, with the real worker and model.

* Word errors: the worker's finals against faster-whisper's own transcription of the whole
  recording (30 s windows, beam of five, same model), in points.
* Finals: several people talk at once in real time, each in their own track; from the end of their
  speech to the final. Human readings (LibriVox) and the synthetic conversation, looped.
* Partials: the same with fewer people; from the end of each word to the first caption that shows
  it, draft or final. The ends of words are faster-whisper's word timestamps (about 0.1 s).
* Cost: CPU time of the worker, user and system, per second of speech, in that same talk.
"""

import asyncio
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from faster_whisper import WhisperModel

from benchmarks.result import Result, percentile, spread
from benchmarks.talk import SEED, Clip, Scenario, Talk, captioning, talk
from spaces_bridge.captions.models import model_directory
from spaces_bridge.captions.worker.speech_track import as_sound
from spaces_bridge.core.ids import UserId
from spaces_bridge_demo.wer import word_errors, words_of
from tests.support.captions import (
    SPACE,
    Known,
    Remembered,
    conversation,
    feed,
    human_speech,
    in_a_row,
    until,
    worker_of_this_test,
)

_PEER = "faster-whisper, 30 s windows, beam 5, offline"


def results(
    model: str = "base", talkers: int = 8, clips: int = 13, few: int = 4
) -> Sequence[Result]:
    """Return all figures; delays rest on `talkers` (for partials `few`) times `clips` turns."""
    with tempfile.TemporaryDirectory() as name:
        cache = Path(name)
        quality = asyncio.run(_quality(model, cache))
        offline = _offline(model, cache)
        pool = _pool(model, cache)
        many = asyncio.run(talk(model, cache, Scenario(pool, talkers, clips)))
        plain = asyncio.run(talk(model, cache, Scenario(pool, talkers, clips, partials=False)))
        sparse = asyncio.run(talk(model, cache, Scenario(pool, few, clips)))
    online = 100 * quality.errors / quality.words
    told = f"{online:.2f} % against {offline:.2f} % offline, model {model}"
    over = round(online - offline, 2)
    cost = round(sparse.cpu_s / sparse.spoken_s, 4)
    cost_told = (
        f"model {model}, {few} talkers at once; {plain.cpu_s / plain.spoken_s:.4f} without "
        f"partials; worker RSS {quality.rss / 2**20:.0f} MiB (< 450)"
    )
    return [
        Result("captions.wer_over_offline_pt", over, "points", quality.words, told, peer=_PEER),
        Result("captions.cpu_s_per_spoken_s", cost, "s/s", round(sparse.spoken_s), cost_told),
        _partial_result("captions.first_partial_p50_s", sparse, 50, few),
        _partial_result("captions.first_partial_p95_s", sparse, 95, few),
        _final_result("captions.final_p50_s", many, plain, 50, talkers),
        _final_result("captions.final_p95_s", many, plain, 95, talkers),
    ]


def _partial_result(name: str, talk: Talk, percent: float, talkers: int) -> Result:
    told = f"per word, {spread(talk.words, 2)}, {talkers} talkers at once"
    value = round(percentile(talk.words, percent), 2)
    return Result(name, value, "s", len(talk.words), told, seed=SEED)


def _final_result(name: str, talk: Talk, plain: Talk, percent: float, talkers: int) -> Result:
    without = round(percentile(plain.finals, percent), 2)
    told = f"{spread(talk.finals, 2)}, {talkers} talkers at once; {without} without partials"
    value = round(percentile(talk.finals, percent), 2)
    return Result(name, value, "s", len(talk.finals), told, seed=SEED)


@dataclass(frozen=True, slots=True)
class Quality:
    """The captions' quality: word errors, words, and memory of the worker."""

    errors: int
    words: int
    rss: int


def _recordings() -> list[list[Known]]:
    return [human_speech(), conversation()]


async def _quality(model: str, cache: Path) -> Quality:
    remembered, recordings = Remembered(), _recordings()
    users = [UserId(f"@{number}:example.org") for number in range(len(recordings))]
    async with captioning(model, cache, remembered) as captioner:
        worker = worker_of_this_test()
        for user, recording in zip(users, recordings, strict=True):
            captioner.open_track(SPACE, user, "en")
            feed(captioner, user, in_a_row(recording).pcm)
            captioner.close_track(SPACE, user)
        await until(lambda: not captioner.open_tracks, timeout=300)
        rss = worker.memory_info().rss
    pairs = [
        (words_of(in_a_row(recording).text), words_of(remembered.text_of(user)))
        for user, recording in zip(users, recordings, strict=True)
    ]
    return Quality(
        errors=sum(word_errors(wanted, written) for wanted, written in pairs),
        words=sum(len(wanted) for wanted, _ in pairs),
        rss=rss,
    )


def _offline(model: str, cache: Path) -> float:
    """Return the word errors in percent of the same recordings, transcribed as files."""
    whisper = WhisperModel(
        str(model_directory(model, cache)), device="cpu", compute_type="int8", cpu_threads=1
    )
    errors = words = 0
    for recording in map(in_a_row, _recordings()):
        segments, _ = whisper.transcribe(as_sound(recording.pcm), language="en", beam_size=5)
        wanted = words_of(recording.text)
        errors += word_errors(wanted, words_of(" ".join(s.text for s in segments)))
        words += len(wanted)
    return 100 * errors / words


def _pool(model: str, cache: Path) -> list[Clip]:
    """Return all clips, with the ends of their words."""
    whisper = WhisperModel(
        str(model_directory(model, cache)), device="cpu", compute_type="int8", cpu_threads=1
    )
    clips = []
    for known in (known for recording in _recordings() for known in recording):
        segments, _ = whisper.transcribe(
            as_sound(known.pcm), language="en", beam_size=5, word_timestamps=True
        )
        clips.append(Clip(known.pcm, [w.end for s in segments for w in s.words or ()]))
    return clips
