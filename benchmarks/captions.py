"""How good, how costly and how quick captions are, with the real worker and model.

* Word errors: the worker's finals against faster-whisper's own transcription of the whole
  recording (30 s windows, beam of five, same model), in points.
* Cost: CPU time of the worker, user and system, per second of speech.
* Delay: several people talk at once in real time, each in their own track; from the end of their
  speech to the final. Human readings (LibriVox) and the synthetic conversation, looped.
"""

import asyncio
import random
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import psutil
from faster_whisper import WhisperModel

from benchmarks.result import Result, percentile, spread
from spaces_bridge.app.ports import Utterance
from spaces_bridge.captions.captioner import CaptionerOptions, WorkerCaptioner
from spaces_bridge.captions.models import model_directory
from spaces_bridge.captions.worker.track import Pcm, as_sound
from spaces_bridge.core.ids import SpaceId, UserId
from spaces_bridge.demo.wer import word_errors, words_of
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

_SEED = 20
_PIECE_MS = 100
_PEER = "faster-whisper, 30 s windows, beam 5, offline"


def results(model: str = "base", talkers: int = 8, clips: int = 13) -> Sequence[Result]:
    """All figures; the delays rest on `talkers` times `clips` turns of speech."""
    with tempfile.TemporaryDirectory() as cache:
        quality = asyncio.run(_quality(model, Path(cache)))
        offline = _offline(model, Path(cache))
        delays = asyncio.run(_delays(model, Path(cache), talkers, clips))
    online = 100 * quality.errors / quality.words
    told = f"{online:.2f} % against {offline:.2f} % offline, model {model}"
    over = round(online - offline, 2)
    cost = round(quality.cpu_s / quality.spoken_s, 4)
    cost_told = f"model {model}, worker RSS {quality.rss / 2**20:.0f} MiB (< 450)"
    return [
        Result("captions.wer_over_offline_pt", over, "points", quality.words, told, peer=_PEER),
        Result("captions.cpu_s_per_spoken_s", cost, "s/s", round(quality.spoken_s), cost_told),
        _delay_result("captions.final_p50_s", delays, 50, talkers),
        _delay_result("captions.final_p95_s", delays, 95, talkers),
    ]


def _delay_result(name: str, delays: Sequence[float], percent: float, talkers: int) -> Result:
    told = f"{spread(delays, 2)}, {talkers} talkers at once"
    value = round(percentile(delays, percent), 2)
    return Result(name, value, "s", len(delays), told, seed=_SEED)


@dataclass(frozen=True, slots=True)
class Quality:
    """Word errors, words, seconds of speech, CPU seconds and memory of the worker."""

    errors: int
    words: int
    spoken_s: float
    cpu_s: float
    rss: int


@dataclass(frozen=True, slots=True)
class Turn:
    """When a talker's clip begins and when its speech ends, in ms of the recording."""

    start_ms: int
    end_ms: int


@dataclass
class Timed(Remembered):
    """Remembers when each final came, on the clock of the loop."""

    came: list[tuple[Utterance, float]] = field(default_factory=list)

    def captioned(self, space: SpaceId, utterance: Utterance) -> None:
        super().captioned(space, utterance)
        self.came.append((utterance, asyncio.get_running_loop().time()))


@asynccontextmanager
async def _captioning(
    model: str, cache: Path, remembered: Remembered
) -> AsyncIterator[WorkerCaptioner]:
    captioner = WorkerCaptioner(CaptionerOptions(model, "en", cache))
    captioner.listen(remembered)
    try:
        await captioner.start()
        yield captioner
    finally:
        await captioner.stop()


def _recordings() -> list[list[Known]]:
    return [human_speech(), conversation()]


def _cpu_s(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


async def _quality(model: str, cache: Path) -> Quality:
    remembered, recordings = Remembered(), _recordings()
    users = [UserId(f"@{number}:example.org") for number in range(len(recordings))]
    async with _captioning(model, cache, remembered) as captioner:
        worker = worker_of_this_test()
        before = _cpu_s(worker)
        for user, recording in zip(users, recordings, strict=True):
            captioner.open_track(SPACE, user, "en")
            feed(captioner, user, in_a_row(recording).pcm)
            captioner.close_track(SPACE, user)
        await until(lambda: not captioner.open_tracks, timeout=300)
        cpu_s, rss = _cpu_s(worker) - before, worker.memory_info().rss
    pairs = [
        (words_of(in_a_row(recording).text), words_of(remembered.text_of(user)))
        for user, recording in zip(users, recordings, strict=True)
    ]
    return Quality(
        errors=sum(word_errors(wanted, written) for wanted, written in pairs),
        words=sum(len(wanted) for wanted, _ in pairs),
        spoken_s=sum(len(known.pcm) for recording in recordings for known in recording) / 16_000,
        cpu_s=cpu_s,
        rss=rss,
    )


def _offline(model: str, cache: Path) -> float:
    """Word errors in percent of the same recordings, transcribed as files."""
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


async def _delays(model: str, cache: Path, talkers: int, clips: int) -> list[float]:
    """Seconds from the end of each turn to its last final, everybody talking at once."""
    timed, rng = Timed(), random.Random(_SEED)
    pool = [known for recording in _recordings() for known in recording]
    tracks: dict[UserId, tuple[Pcm, list[Turn]]] = {}
    for number in range(talkers):
        chosen = [pool[(number * 5 + turn) % len(pool)] for turn in range(clips)]
        tracks[UserId(f"@{number}:example.org")] = _talk(chosen, rng)
    async with _captioning(model, cache, timed) as captioner:
        began = await _play(captioner, {user: pcm for user, (pcm, _) in tracks.items()})
        await until(lambda: not captioner.open_tracks)
    found = (
        _delay(timed, user, turn, began) for user, (_, turns) in tracks.items() for turn in turns
    )
    return [delay for delay in found if delay is not None]


def _talk(chosen: Sequence[Known], rng: random.Random) -> tuple[Pcm, list[Turn]]:
    """A talker's track: clips with pauses of 0.8 to 1.6 s between them."""
    parts, turns, at = [], [], 0
    for known in chosen:
        pause = np.zeros(round(rng.uniform(0.8, 1.6) * 16_000), np.int16)
        loud = np.flatnonzero(np.abs(known.pcm.astype(np.int32)) > 0.03 * np.abs(known.pcm).max())
        start = at + len(pause)
        turns.append(Turn(start // 16, (start + int(loud[-1])) // 16))
        parts += [pause, known.pcm]
        at = start + len(known.pcm)
    parts.append(np.zeros(16_000, np.int16))
    return np.concatenate(parts), turns


async def _play(captioner: WorkerCaptioner, tracks: dict[UserId, Pcm]) -> float:
    """Feed all tracks as they are spoken; when they began, on the clock of the loop."""
    loop = asyncio.get_running_loop()
    for user in tracks:
        captioner.open_track(SPACE, user, "en")
    began = loop.time()
    step = _PIECE_MS * 16
    for piece in range(max(map(len, tracks.values())) // step + 1):
        # A piece exists when it has been spoken to its end.
        await asyncio.sleep(began + (piece + 1) * _PIECE_MS / 1000 - loop.time())
        for user, pcm in tracks.items():
            spoken = pcm[piece * step : (piece + 1) * step]
            captioner.hear(SPACE, user, piece * _PIECE_MS, spoken.tobytes())
    for user in tracks:
        captioner.close_track(SPACE, user)
    return began


def _delay(timed: Timed, user: UserId, turn: Turn, began: float) -> float | None:
    finals = [
        came
        for said, came in timed.came
        if said.speaker == user and said.start_ms < turn.end_ms and said.end_ms > turn.start_ms
    ]
    return max(finals) - began - turn.end_ms / 1000 if finals else None
