"""Talk of several people at once in real time, and the delays of its captions."""

import asyncio
import random
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import psutil

from spaces_bridge.app.ports import Draft
from spaces_bridge.captions.captioner import CaptionerOptions, WorkerCaptioner
from spaces_bridge.captions.worker.speech_track import SpeechPcm
from spaces_bridge.core.commands import CaptionUtterance
from spaces_bridge.core.ids import SpaceId, UserId, UtteranceId
from tests.support.captions import SPACE, Remembered, until, worker_of_this_test

SEED = 20
_PIECE_MS = 100


@dataclass(frozen=True, slots=True)
class Clip:
    """A clip: speech, and the times (s) at which its words end."""

    pcm: SpeechPcm
    word_ends_s: Sequence[float]


@dataclass(frozen=True, slots=True)
class Scenario:
    """A scenario: the number of talkers, and the clips they say."""

    pool: Sequence[Clip]
    talkers: int
    clips: int
    partials: bool = True


@dataclass(frozen=True, slots=True)
class Talk:
    """The measured talk: the delays in seconds of finals and words.

    `finals` are from the end of each turn to its last final, `words` from the end of each word to
    its first caption. `spoken_s` seconds of speech cost the worker `cpu_s`.
    """

    finals: Sequence[float]
    words: Sequence[float]
    spoken_s: float
    cpu_s: float


@dataclass(frozen=True, slots=True)
class Turn:
    """A turn: where a talker's clip begins and its speech ends, in ms of the recording."""

    start_ms: int
    end_ms: int
    clip: Clip


@dataclass(frozen=True, slots=True)
class Shown:
    """A caption as it came, with its time on the event loop's clock."""

    utterance: UtteranceId
    start_ms: int
    end_ms: int
    text: str
    final: bool
    at_s: float


@dataclass
class Timed(Remembered):
    """A `Remembered` that also notes when each caption came."""

    came: dict[UserId, list[Shown]] = field(default_factory=dict)

    def drafted(self, space: SpaceId, draft: Draft) -> None:
        super().drafted(space, draft)
        self._note(draft.speaker, draft, draft.utterance, final=False)

    def captioned(self, space: SpaceId, said: CaptionUtterance) -> None:
        super().captioned(space, said)
        self._note(said.speaker, said, said.utterance, final=True)

    def _note(
        self, user: UserId, said: Draft | CaptionUtterance, name: UtteranceId, *, final: bool
    ) -> None:
        at_s = asyncio.get_running_loop().time()
        shown = Shown(name, said.start_ms, said.end_ms, said.text, final, at_s)
        self.came.setdefault(user, []).append(shown)


@asynccontextmanager
async def captioning(
    model: str, cache: Path, remembered: Remembered, *, partials: bool = True
) -> AsyncIterator[WorkerCaptioner]:
    """Run a captioner with its worker, whose captions go to `remembered`."""
    captioner = WorkerCaptioner(CaptionerOptions(model, "en", cache, partials=partials))
    captioner.listen(remembered)
    try:
        await captioner.start()
        yield captioner
    finally:
        await captioner.stop()


def _cpu_s(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


async def talk(model: str, cache: Path, scenario: Scenario) -> Talk:
    """Let everybody talk at once in real time, and return the measured talk."""
    timed, rng = Timed(), random.Random(SEED)
    tracks: dict[UserId, tuple[SpeechPcm, list[Turn]]] = {}
    for number in range(scenario.talkers):
        pool = scenario.pool
        chosen = [pool[(number * 5 + turn) % len(pool)] for turn in range(scenario.clips)]
        tracks[UserId(f"@{number}:example.org")] = _track(chosen, rng)
    async with captioning(model, cache, timed, partials=scenario.partials) as captioner:
        worker = worker_of_this_test()
        before = _cpu_s(worker)
        began = await _play(captioner, {user: pcm for user, (pcm, _) in tracks.items()})
        await until(lambda: not captioner.open_tracks)
        cpu_s = _cpu_s(worker) - before
    turns = [(user, turn) for user, (_, turns) in tracks.items() for turn in turns]
    finals = (_final_delay(timed, user, turn, began) for user, turn in turns)
    words = [_word_delays(timed, user, turn, began) for user, turn in turns]
    return Talk(
        finals=[delay for delay in finals if delay is not None],
        words=[delay for delays in words for delay in delays],
        spoken_s=sum(len(turn.clip.pcm) for _, turn in turns) / 16_000,
        cpu_s=cpu_s,
    )


def _track(chosen: Sequence[Clip], rng: random.Random) -> tuple[SpeechPcm, list[Turn]]:
    """Return a talker's track: clips with pauses of 0.8 to 1.6 s between them."""
    parts, turns, at = [], [], 0
    for clip in chosen:
        pause = np.zeros(round(rng.uniform(0.8, 1.6) * 16_000), np.int16)
        loud = np.flatnonzero(np.abs(clip.pcm.astype(np.int32)) > 0.03 * np.abs(clip.pcm).max())
        start = at + len(pause)
        turns.append(Turn(start // 16, (start + int(loud[-1])) // 16, clip))
        parts += [pause, clip.pcm]
        at = start + len(clip.pcm)
    parts.append(np.zeros(16_000, np.int16))
    return np.concatenate(parts), turns


async def _play(captioner: WorkerCaptioner, tracks: dict[UserId, SpeechPcm]) -> float:
    """Feed all tracks in real time, and return their beginning on the event loop's clock."""
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


def _of_turn(timed: Timed, user: UserId, turn: Turn) -> list[Shown]:
    return [
        shown
        for shown in timed.came.get(user, ())
        if shown.start_ms < turn.end_ms and shown.end_ms > turn.start_ms
    ]


def _final_delay(timed: Timed, user: UserId, turn: Turn, began: float) -> float | None:
    finals = [shown.at_s for shown in _of_turn(timed, user, turn) if shown.final]
    return max(finals) - began - turn.end_ms / 1000 if finals else None


def _word_delays(timed: Timed, user: UserId, turn: Turn, began: float) -> Iterator[float]:
    """Yield the delay of each word to the first caption that shows so many words of the turn."""
    counts: dict[UtteranceId, int] = {}
    ends, shown_so_far = turn.clip.word_ends_s, 0
    for shown in _of_turn(timed, user, turn):
        counts[shown.utterance] = len(shown.text.split())
        count = min(sum(counts.values()), len(ends))
        for end_s in ends[shown_so_far:count]:
            yield shown.at_s - began - turn.start_ms / 1000 - end_s
        shown_so_far = max(shown_so_far, count)
