"""The actor of a live space is the only writer of its state.

Commands enter in order; each is decided, journalled together with the outbox tasks it leads to,
applied, and then told to the ports. Shutting a microphone comes before all of that.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NoReturn

from spaces_bridge.app import codec, policies
from spaces_bridge.app.context import AppContext
from spaces_bridge.app.errors import AdapterError, JournalConflict, StorageError
from spaces_bridge.app.records import OutboxEntry, SpaceSummary, StoredEvent
from spaces_bridge.core import commands as cmd
from spaces_bridge.core import events as ev
from spaces_bridge.core.errors import Rejected
from spaces_bridge.core.evolution import evolve
from spaces_bridge.core.ids import UserId
from spaces_bridge.core.live_space import LiveSpace
from spaces_bridge.core.rules import decide

log = logging.getLogger(__name__)

BUSY = 1000
"""The number of waiting commands above which new askers are refused."""

OBSERVATIONS = (cmd.ObserveLevels, cmd.ObserveMember, cmd.ObserveRoom, cmd.ObserveRefusedGrant)
"""The commands that say what the homeserver holds; they are never refused as too many."""

PROTECTING = (
    cmd.MuteSpeaker,
    cmd.MuteAll,
    cmd.DemoteSpeaker,
    cmd.LeaveStage,
    cmd.RemovePerson,
    cmd.SetGuests,
    cmd.LockSpace,
    cmd.EndSpace,
)
"""The commands that shut microphones or keep a crowd out.

They are not refused as too many, and the microphones shut before their turn.
"""

REACTIONS_AT_ONCE = 200
"""The most reactions after the first that are journalled with it in one transaction."""

STORAGE_PATIENCE_S = 30.0
"""The time that a command told (not asked) waits for a database that is away."""


@dataclass(frozen=True, slots=True)
class _Job:
    """A command that waits its turn. `done` None: it was told, and nobody awaits the outcome."""

    command: cmd.Command
    source: str | None
    done: asyncio.Future[list[ev.Event]] | None
    shut: tuple[UserId, ...] = ()
    """The people whose microphones were shut before its turn."""


_Outcome = list[ev.Event] | Rejected


class SpaceActor:
    """The actor of one live space: carries out its commands one by one. `run` is its task."""

    def __init__(
        self, context: AppContext, space: LiveSpace, next_seq: int, sources: set[str]
    ) -> None:
        self.space = space
        self._context = context
        self._next_seq = next_seq
        self._sources = sources
        self._jobs: asyncio.Queue[_Job | Callable[[], None]] = asyncio.Queue()
        self._held: _Job | Callable[[], None] | None = None
        """The job that was taken from the queue already, and comes next."""
        self.is_current = True
        """False after a bug, until `take_over`: the state may not be what the journal tells."""

    @property
    def next_seq(self) -> int:
        """The sequence number of the next event in the journal."""
        return self._next_seq

    async def ask(self, command: cmd.Command, source: str | None = None) -> list[ev.Event]:
        """Carry out the command and return the events. Raises Rejected, AdapterError."""
        foreseen = self._foreseen(command, source)
        if self._jobs.qsize() >= BUSY and not (foreseen or isinstance(command, OBSERVATIONS)):
            raise Rejected(
                "overloaded", "Too much is going on here right now. Try again in a moment."
            )
        done: asyncio.Future[list[ev.Event]] = asyncio.get_running_loop().create_future()
        shut = self._shut_on_arrival(command, foreseen)
        self._jobs.put_nowait(_Job(command, source, done, shut))
        return await done

    def tell(self, command: cmd.Command, source: str | None = None) -> None:
        """Carry out the command when its turn comes; a refusal is dropped."""
        shut = self._shut_on_arrival(command, self._foreseen(command, source))
        self._jobs.put_nowait(_Job(command, source, None, shut))

    def then(self, callback: Callable[[], None]) -> None:
        """Call back when every command so far is done."""
        self._jobs.put_nowait(callback)

    async def run(self) -> NoReturn:
        """Carry out commands for ever. A bug ends the task; the next run takes those waiting."""
        try:
            while True:
                await self._do_next()
        except Exception:
            self.is_current = False
            raise

    async def _do_next(self) -> None:
        job = self._held or await self._jobs.get()
        self._held = None
        if not isinstance(job, _Job):
            job()
        elif isinstance(job.command, cmd.React):
            await self._do([job, *self._reactions_behind(job)])
        else:
            await self._do([job])

    def take_over(self, space: LiveSpace, next_seq: int, sources: set[str]) -> None:
        """Go on from the state that the journal tells."""
        self.space = space
        self._next_seq = next_seq
        self._sources = sources
        self.is_current = True
        self._context.stage.set_volumes(space.space, space.volumes)
        self._context.stage.set_gates(space.space, space.on_air)

    def release_waiting(self) -> None:
        """Tell all who still wait that the bridge is stopping."""
        waiting = [self._held] if self._held is not None else []
        self._held = None
        while not self._jobs.empty():
            waiting.append(self._jobs.get_nowait())
        self._answer([job for job in waiting if isinstance(job, _Job)], _stopping())

    def _reactions_behind(self, first: _Job) -> list[_Job]:
        """Take the reactions behind `first` that can share its transaction.

        All are asked, or all are told, as failures differ.
        """
        jobs: list[_Job] = []
        while len(jobs) < REACTIONS_AT_ONCE and not self._jobs.empty():
            job = self._jobs.get_nowait()
            if not isinstance(job, _Job) or not _goes_with(job, first):
                self._held = job
                break
            jobs.append(job)
        return jobs

    async def _do(self, jobs: Sequence[_Job]) -> None:
        """Carry out jobs together and answer those who asked."""
        try:
            outcomes = await self._obey_patiently(jobs)
        except JournalConflict:
            self._answer(jobs, AdapterError("The live space restarts. Try again."))
            raise
        except StorageError as failure:
            self._answer(jobs, failure)
        except asyncio.CancelledError:
            self._answer(jobs, _stopping())
            raise
        except Exception:
            self._answer(jobs, AdapterError("The live space restarts. Try again."))
            raise
        else:
            for job, outcome in zip(jobs, outcomes, strict=True):
                if not outcome or isinstance(outcome, Rejected):
                    self._stay_shut(job)
                if isinstance(outcome, Rejected):
                    self._answer([job], outcome)
                elif job.done is not None and not job.done.done():
                    job.done.set_result(outcome)

    def _answer(self, jobs: Sequence[_Job], refusal: Exception) -> None:
        for job in jobs:
            if job.done is not None and not job.done.done():
                job.done.set_exception(refusal)
            elif isinstance(refusal, StorageError):
                name = type(job.command).__name__
                log.error("dropped a command: %s", name, exc_info=refusal)

    async def _obey_patiently(self, jobs: Sequence[_Job]) -> list[_Outcome]:
        """Carry out the jobs; told ones wait for a failing database, asked ones raise at once."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + STORAGE_PATIENCE_S
        while True:
            try:
                return await self._obey(jobs)
            except StorageError as error:
                asked = any(job.done is not None for job in jobs)
                if asked or isinstance(error, JournalConflict) or loop.time() > deadline:
                    raise
                await asyncio.sleep(0.5)

    async def _obey(self, jobs: Sequence[_Job]) -> list[_Outcome]:
        outcomes: list[_Outcome] = []
        caused: list[tuple[ev.Event, str | None]] = []
        after, known = self.space, set[str]()
        for job in jobs:
            outcome = [] if job.source in known else self._decided(after, job)
            outcomes.append(outcome)
            events = [] if isinstance(outcome, Rejected) else outcome
            if events and job.source is not None:
                known.add(job.source)
            for place, event in enumerate(events):
                caused.append((event, job.source if place == 0 else None))
                after = evolve(after, event)
        if caused:
            events = [event for event, _ in caused]
            self._shut_first(events)
            before = self.space
            await self._commit(caused)
            self._tell_ports(before, events)
        return outcomes

    def _decided(self, space: LiveSpace, job: _Job) -> _Outcome:
        if job.source is not None and job.source in self._sources:
            return []
        try:
            return decide(space, job.command)
        except Rejected as refusal:
            return refusal

    def _foreseen(self, command: cmd.Command, source: str | None) -> list[ev.Event]:
        """Return the events that a protecting command would lead to if it came first."""
        if not isinstance(command, PROTECTING) or source in self._sources:
            return []
        try:
            return decide(self.space, command)
        except Rejected:
            return []

    def _shut_on_arrival(
        self, command: cmd.Command, foreseen: Sequence[ev.Event]
    ) -> tuple[UserId, ...]:
        """Shut at once the microphones that the command will shut; return whose they are."""
        closed = [event.user for event in foreseen if isinstance(event, ev.MicrophoneClosed)]
        if isinstance(command, cmd.SuspectLoss):
            closed.append(command.user)
        elif isinstance(command, cmd.CloseMicrophone):
            closed.append(command.by)
        for user in closed:
            self._context.stage.close_microphone(self.space.space, user)
        return tuple(closed)

    def _stay_shut(self, job: _Job) -> None:
        """Close the microphones that were shut early for a job that came to nothing.

        Their owners open them again by their own act.
        """
        for user in job.shut:
            if user in self.space.microphones:
                self.tell(cmd.CloseMicrophone(user))

    def _shut_first(self, events: Sequence[ev.Event]) -> None:
        for event in events:
            if isinstance(event, ev.MicrophoneClosed):
                policies.shut(self._context, self.space.space, event)

    async def _commit(self, caused: Sequence[tuple[ev.Event, str | None]]) -> None:
        """Journal the events, each with its source, together with their outbox tasks."""
        now_ms = self._context.clock.now_ms()
        ttl_ms = self._context.settings.reaction_ttl_ms
        rows: list[StoredEvent] = []
        effects: dict[str, OutboxEntry] = {}
        after = self.space
        for event, source in caused:
            seq = self._next_seq + len(rows)
            rows.append(codec.stored(event, seq, now_ms, source))
            for effect in policies.effects_of(after, event, seq, now_ms, ttl_ms):
                effects[effect.key] = effect
            after = evolve(after, event)
        await self._context.journal.append(
            after.space, rows, list(effects.values()), summary_of(after)
        )
        self.space = after
        self._next_seq += len(rows)
        self._sources.update(source for _, source in caused if source is not None)
        self._context.outbox_signal.wake()

    def _tell_ports(self, before: LiveSpace, events: Sequence[ev.Event]) -> None:
        at = before
        for event in events:
            policies.tell(self._context, at, event)
            at = evolve(at, event)
        self._context.audience.changed(self.space, events)


def _goes_with(job: _Job, first: _Job) -> bool:
    return isinstance(job.command, cmd.React) and (job.done is None) == (first.done is None)


def _stopping() -> AdapterError:
    return AdapterError("The bridge is stopping. Try again in a moment.")


def summary_of(space: LiveSpace) -> SpaceSummary:
    """Return what listings show of the live space."""
    return SpaceSummary(
        space=space.space,
        slug=space.slug,
        title=space.title,
        host=space.host,
        phase=space.phase.value,
        private=space.private,
        room=space.room,
        scheduled_at_ms=space.scheduled_at_ms,
        started_at_ms=space.started_at_ms,
        ended_at_ms=space.ended_at_ms,
        host_name=space.person(space.host).name,
        captions=space.captions_said,
    )
