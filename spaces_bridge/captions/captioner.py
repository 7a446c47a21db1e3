"""The captioner of the application, by a worker process of our own."""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Final

from spaces_bridge.app.errors import AdapterError
from spaces_bridge.app.ports import CaptionListener
from spaces_bridge.app.supervisor import TaskSupervisor
from spaces_bridge.captions.mailbox import ROOM_MS, Mailbox
from spaces_bridge.captions.messages import (
    CaptionsPong,
    CaptionsReady,
    DraftMessage,
    EndOfTrack,
    FromCaptionWorker,
    Load,
    LoadFailed,
    Missed,
    OpenTrack,
    RestDrafts,
    Speech,
    TrackEnded,
    TranscribedUntil,
    Utterance,
)
from spaces_bridge.captions.models import CaptionsModelMissing, model_directory
from spaces_bridge.captions.pauses import Pauses
from spaces_bridge.captions.process import COMMAND, run_worker
from spaces_bridge.captions.tracks import REPLAY_WAIT_S, Captioned, finished, shown_draft
from spaces_bridge.core.ids import SpaceId, UserId
from spaces_bridge.pacing.backoff import Backoff
from spaces_bridge.wire.pcm import length_ms

log = logging.getLogger(__name__)

TASK: Final = "captions"
_STEADY_S: Final = 60.0
"""After a worker that lived so long, the back-off starts from the beginning."""
WORKER_BACKOFF: Final = Backoff(0.2, 30.0, factor=3.0)


@dataclass(frozen=True, slots=True)
class CaptionerOptions:
    """The options of a captioner; `model` and `language` are as in the configuration.

    `cache` holds models put together from packages. `room_ms` is how much sound may wait.
    `partials` says whether to show what is being said before it is final.
    """

    model: str
    language: str
    cache: Path
    room_ms: int = ROOM_MS
    command: Sequence[str] = COMMAND
    partials: bool = True


@dataclass
class CaptionerNumbers:
    """The captioner's counters since the start."""

    utterances: int = 0
    missed_utterances: int = 0
    dropped_ms: int = 0
    restarts: int = 0
    latency_s_sum: float = 0.0
    """Seconds from the last sound of each utterance to its caption; `latency_s_count` of them."""
    latency_s_count: int = 0


class WorkerCaptioner:
    """A worker captioner feeds the worker, restarts it and hands on its captions.

    Only `start`, `stop` and `check` are awaited; all other methods return at once.
    """

    def __init__(self, options: CaptionerOptions, tasks: TaskSupervisor | None = None) -> None:
        self._options = options
        self._tasks = tasks or TaskSupervisor()
        self._listener: CaptionListener | None = None
        self._mailbox: Mailbox | None = None
        self._tracks: dict[tuple[SpaceId, UserId], Captioned] = {}
        self._ready: asyncio.Future[None] | None = None
        self._model: Path | None = None
        self._running = False
        self._drafts_rest = False
        self._pauses = Pauses(self._tell_paused)
        self._timers: set[asyncio.TimerHandle] = set()
        self._numbers = CaptionerNumbers()

    async def start(self) -> None:
        """Find the model, start the worker, wait until it is ready, however often that takes.

        Raises CaptionsModelMissing, with a sentence for the administrator, if there is no model
        or the worker cannot use it. A worker that dies is no reason: another is started.
        """
        options = self._options
        self._model = await asyncio.to_thread(model_directory, options.model, options.cache)
        self._ready = asyncio.get_running_loop().create_future()
        self._tasks.keep(TASK, self._supervise)
        await asyncio.wait([self._ready])
        error = self._ready.exception()
        if error is not None:
            await self.stop()
            raise error

    async def stop(self) -> None:
        """End the worker. Finals not handed on are lost: close the tracks before, and wait."""
        self._pauses.stop()
        for timer in self._timers:
            timer.cancel()
        await self._tasks.stop(TASK)
        self._running = False

    async def check(self) -> None:
        """Raise AdapterError while no worker writes captions."""
        if not self._running:
            raise AdapterError("Captions pause: their worker is being restarted.")

    def numbers(self) -> CaptionerNumbers:
        """Return a snapshot of the counters."""
        dropped_ms = self._mailbox.dropped_ms if self._mailbox else 0
        return replace(self._numbers, dropped_ms=self._numbers.dropped_ms + dropped_ms)

    def metrics(self) -> Mapping[str, float]:
        """Return the counters, and what is waiting now."""
        return {
            **asdict(self.numbers()),
            "worker_up": float(self._running),
            "tracks": len(self._tracks),
            "waiting_ms": self._mailbox.waiting_ms if self._mailbox else 0,
        }

    @property
    def open_tracks(self) -> int:
        """The number of tracks that are open, or whose last words are still being transcribed."""
        return len(self._tracks)

    def listen(self, listener: CaptionListener) -> None:
        """Set the listener; once, before start."""
        self._listener = listener

    def open_track(self, space: SpaceId, user: UserId, language: str) -> None:
        """Open the track of a microphone; `language` is a code or `auto`. May be repeated."""
        known = self._tracks.get((space, user))
        if known is None:
            self._tracks[space, user] = Captioned(language)
        else:
            known.language, known.closing = language, False
        self._tell_worker(OpenTrack(space, user, language))

    def hear(self, space: SpaceId, user: UserId, at_ms: int, pcm: bytes) -> None:
        """Take sound of an open track; without one it is ignored. Never blocks, never piles up."""
        track = self._tracks.get((space, user))
        if track is None:
            return
        now = asyncio.get_running_loop().time()
        admitted = track.admits(at_ms, now)
        if self._mailbox is None:
            track.lose()
        elif admitted:
            track.arrived = (at_ms + length_ms(pcm), now)
            if not self._mailbox.put(Speech(space, user, at_ms, pcm)):
                self._pauses.fall_behind()

    def close_track(self, space: SpaceId, user: UserId) -> None:
        """Close the track of a microphone that closed: its last words become final."""
        track = self._tracks.get((space, user))
        if track is not None and not track.closing:
            track.closing = True
            self._tell_worker(EndOfTrack(space, user))

    def rest_drafts(self, on: bool) -> None:
        """Make no drafts from now on, or make them again; the next worker is told, too."""
        if on != self._drafts_rest:
            self._drafts_rest = on
            self._tell_worker(RestDrafts(on))

    def _tell_worker(self, message: OpenTrack | EndOfTrack | RestDrafts) -> None:
        """Tell the worker, if there is one; the next one is told the state as it is then."""
        if self._mailbox is not None:
            self._mailbox.put(message)

    # --- what the worker says ------------------------------------------------------------------

    def _on_message(self, message: FromCaptionWorker) -> None:
        match message:
            case CaptionsReady():
                self._on_ready()
            case LoadFailed():
                self._on_load_failed(message.reason)
            case DraftMessage():
                self._on_draft(message)
            case Utterance():
                self._on_utterance(message)
            case TranscribedUntil():
                self._advance(message.space, message.speaker, message.until_ms)
            case TrackEnded():
                self._on_track_ended(message)
            case Missed():
                self._numbers.missed_utterances += 1
                self._pauses.fall_behind()
            case CaptionsPong():
                pass

    def _on_ready(self) -> None:
        self._running = True
        if self._ready is not None and not self._ready.done():
            self._ready.set_result(None)
        else:
            log.info("the caption worker is back")
        self._ask_for_replays()
        self._pauses.worker_ready()

    def _on_load_failed(self, reason: str) -> None:
        if self._ready is not None and not self._ready.done():
            self._ready.set_exception(CaptionsModelMissing(reason))
        else:
            log.error("the caption worker cannot load its model: %s", reason)

    def _on_draft(self, draft: DraftMessage) -> None:
        track = self._tracks.get((draft.space, draft.speaker))
        if track is not None:
            track.draft(draft)
            self._hand_on(draft)

    def _hand_on(self, draft: DraftMessage) -> None:
        if self._listener is not None:
            self._listener.drafted(draft.space, shown_draft(draft))

    def _on_utterance(self, said: Utterance) -> None:
        self._numbers.utterances += 1
        if (track := self._tracks.get((said.space, said.speaker))) is not None:
            track.drafts.pop(said.utterance, None)
            self._numbers.latency_s_sum += track.age_s(
                said.end_ms, asyncio.get_running_loop().time()
            )
            self._numbers.latency_s_count += 1
        if self._listener is not None:
            self._listener.captioned(said.space, finished(said))
        # Counted as transcribed at once: a worker that dies before saying so must not repeat it.
        self._advance(said.space, said.speaker, said.end_ms)

    def _advance(self, space: SpaceId, user: UserId, until_ms: int) -> None:
        track = self._tracks.get((space, user))
        if track is not None and until_ms > track.heard_ms:
            track.heard_ms = until_ms
            if self._listener is not None:
                self._listener.heard(space, user, until_ms)

    def _on_track_ended(self, ended: TrackEnded) -> None:
        track = self._tracks.get((ended.space, ended.speaker))
        if track is not None and track.closing:
            del self._tracks[ended.space, ended.speaker]

    # --- when it cannot keep up, or dies -------------------------------------------------------

    def _tell_paused(self, paused: bool) -> None:
        if self._listener is not None:
            self._listener.paused(paused)

    async def _supervise(self) -> None:
        """Run worker after worker, whatever ends them."""
        loop = asyncio.get_running_loop()
        failures = 0
        while True:
            started = loop.time()
            status = await self._run_once()
            self._on_death(status)
            failures = 0 if loop.time() - started > _STEADY_S else failures + 1
            await asyncio.sleep(WORKER_BACKOFF.wait_s(failures + 1))

    async def _run_once(self) -> int | None:
        """Run one worker; return its exit status, or None if it could not be started."""
        options = self._options
        self._mailbox = mailbox = Mailbox(options.room_ms)
        mailbox.put(Load(str(self._model), options.language, options.partials))
        if self._drafts_rest:
            mailbox.put(RestDrafts(True))
        for (space, user), track in self._tracks.items():
            mailbox.put(OpenTrack(space, user, track.language))
        try:
            return await run_worker(mailbox, self._on_message, options.command)
        except OSError:
            log.exception("the caption worker cannot be started")
            return None

    def _on_death(self, status: int | None) -> None:
        if self._running:
            log.warning("the caption worker ended (status %s) and is started again", status)
        else:
            log.error(
                "the caption worker ended (status %s) before it was ready, the lines above may "
                "say why; captions pause, and it is started again",
                status,
            )
        self._running = False
        self._numbers.restarts += 1
        if self._mailbox is not None:
            self._numbers.dropped_ms += self._mailbox.dropped_ms
            self._mailbox = None
        for track in self._tracks.values():
            # the next worker gets this sound anew, and may find other utterances in it
            for draft in track.take_back():
                self._hand_on(draft)
            track.lose()
        self._pauses.worker_gone()

    def _ask_for_replays(self) -> None:
        """Ask for all sound that is in no final yet to be replayed, for the new worker."""
        loop = asyncio.get_running_loop()
        for (space, user), track in list(self._tracks.items()):
            if track.wants_replay:
                track.expect_replay(loop.time())
                if self._listener is not None:
                    self._listener.missed(space, user, track.heard_ms)
            if track.closing:
                self._close_later(space, user)

    def _close_later(self, space: SpaceId, user: UserId) -> None:
        """Close a track that closed meanwhile, once its replay had time to come."""

        def close() -> None:
            self._timers.discard(timer)
            track = self._tracks.get((space, user))
            if track is not None and track.closing:
                self._tell_worker(EndOfTrack(space, user))

        timer = asyncio.get_running_loop().call_later(REPLAY_WAIT_S, close)
        self._timers.add(timer)
