"""Delayed leaves: when a participant of a call is gone, its membership in the room ends, too.

A client has its homeserver send its leave event later (MSC4140), and delegates it to us (MSC4195).
While the participant is connected, we have the delay begin anew in time; when it is gone, we have
the event sent. Nobody who closed a lid stays in the call as a ghost.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from spaces_bridge.app.call_ports import CallPresence, DelayedEventGone, DelayedEvents
from spaces_bridge.app.errors import AdapterError
from spaces_bridge.app.notes.delayed_leaves import DelegatedLeave, DelegatedLeaves
from spaces_bridge.app.ports import NoteStore
from spaces_bridge.app.usecases.calls import CallPermit
from spaces_bridge.core.errors import Rejected
from spaces_bridge.core.ids import SpaceId
from spaces_bridge.livekit.issuer import identity_of
from spaces_bridge.pacing.backoff import Backoff

log = logging.getLogger(__name__)

LOOK_EVERY_S: Final = 1.0
"""Seconds between two looks at who is connected."""

JOIN_WITHIN_S: Final = 60.0
"""Seconds in which who delegated has to connect; also after a restart of the bridge."""

GONE_AFTER_S: Final = 5.0
"""Seconds after which who is not connected any more is gone."""

MOST = 5000
"""Delayed leaves that are looked after, of all people."""

MOST_PER_USER = 5
"""Delayed leaves of one person: one for each device in a call."""

AT_ONCE = 32
"""Questions to homeservers at once."""

AT_ONCE_PER_SERVER = 4
"""Questions to one homeserver at once, unless it is our own; the others wait for the next look."""

_TRY_AGAIN: Final = Backoff(1.0, 60.0)


class _Act(Enum):
    RESTART = auto()
    SEND = auto()
    FORGET = auto()


@dataclass(slots=True)
class _Watched:
    """One delayed leave and what is known of its participant. It is pure: times are passed in.

    `restart_at` is when the homeserver is asked next, `sent_at` when it sends the event by itself.
    """

    leave: DelegatedLeave
    away_since: float | None
    restart_at: float
    sent_at: float
    was_there: bool = False
    failures: int = 0
    busy: bool = False

    @property
    def server(self) -> str:
        """Return the name of the homeserver that holds the event."""
        return self.leave.user.partition(":")[2]

    def due(self, now: float, connected: bool) -> _Act | None:
        """Return what is to be done now that the participant is connected, or is not."""
        if connected:
            self.was_there, self.away_since = True, None
        elif self.away_since is None:
            self.away_since = now
        if now >= self.sent_at:
            return _Act.FORGET
        if now < self.restart_at and self.failures:
            return None  # its homeserver did not answer a moment ago
        patience_s = GONE_AFTER_S if self.was_there else JOIN_WITHIN_S
        if self.away_since is not None and now - self.away_since >= patience_s:
            return _Act.SEND
        return _Act.RESTART if now >= self.restart_at else None

    def restarted(self, now: float) -> None:
        """Note that the delay begins anew; in half of it, it has to again."""
        delay_s = self.leave.delay_ms / 1000
        self.failures = 0
        self.restart_at, self.sent_at = now + delay_s / 2, now + delay_s

    def failed(self, now: float) -> None:
        """Note that the homeserver did not answer."""
        self.failures += 1
        self.restart_at = now + _TRY_AGAIN.wait_s(self.failures)


class LeaveKeeper:
    """The keeper of delayed leaves. Implements `DelayedLeaves`; `run` does the work.

    A note holds them over a restart: whoever does not come back within `JOIN_WITHIN_S` is gone.
    While the bridge is away for long, homeservers send the events by themselves.
    """

    def __init__(
        self,
        presence: CallPresence,
        events: DelayedEvents,
        notes: NoteStore,
        now: Callable[[], float],
        domain: str,
    ) -> None:
        """`now` gives seconds of any clock; `domain` is that of our own homeserver."""
        self._presence = presence
        self._events = events
        self._notes = notes
        self._now = now
        self._domain = domain
        self._watched: dict[tuple[SpaceId, str], _Watched] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._changed = False
        self._is_restored = False
        self._more = asyncio.Event()
        self.sent = 0
        """The delayed leaves that homeservers were told to send."""

    def __len__(self) -> int:
        """Return the number of delayed leaves that are looked after."""
        return len(self._watched)

    @property
    def failing(self) -> int:
        """The number of those whose homeserver did not answer when it was asked last."""
        return sum(watched.failures > 0 for watched in self._watched.values())

    async def delegate(
        self, permit: CallPermit, device: str, member: str, delay_id: str, delay_ms: int
    ) -> None:
        """Keep the delayed event `delay_id` from now on. Raises Rejected, AdapterError.

        DelayedEventGone: there is no such event. Other AdapterError: the homeserver cannot be
        asked now; it is asked again, and the event is kept.
        """
        identity = identity_of(permit.user, device, member)
        leave = DelegatedLeave(permit.space, identity, permit.user, delay_id, delay_ms)
        self._make_place(leave)
        now = self._now()
        watched = _Watched(leave, now, restart_at=now, sent_at=now + delay_ms / 1000, busy=True)
        before = self._watched.get(_key(leave))
        self._watched[_key(leave)] = watched
        self._note_change()
        if before is not None and before.leave.delay_id != delay_id:
            # the same membership under a new event: the old one would end it
            self._start(self._cancel(before.leave))
        await self._act(watched, _Act.RESTART, raises=True)

    def _make_place(self, leave: DelegatedLeave) -> None:
        """Raise Rejected if there is no place for one more."""
        others = [w for key, w in self._watched.items() if key != _key(leave)]
        own = sum(w.leave.user == leave.user for w in others)
        if own >= MOST_PER_USER or len(others) >= MOST:
            raise Rejected("too_many_devices", "You are in too many calls. Leave another first.")

    # --- the work -----------------------------------------------------------------------------

    async def run(self) -> None:
        """Look after all delayed leaves, for ever. Raises StorageError before the first look."""
        try:
            if not self._is_restored:
                await self._restore()
            while True:
                self._look()
                await self.save()
                await self._until_next_look()
        finally:
            for task in self._tasks:
                task.cancel()

    async def _restore(self) -> None:
        note = await self._notes.get(DelegatedLeaves.key())
        now = self._now()
        for leave in note.leaves if note is not None else ():
            # asked at once, as nobody knows how much of the delay is left
            sent_at = now + leave.delay_ms / 1000
            self._watched.setdefault(_key(leave), _Watched(leave, now, now, sent_at))
        self._is_restored = True

    def _look(self) -> None:
        """Begin whatever is due."""
        now = self._now()
        asked = Counter(w.server for w in self._watched.values() if w.busy)
        for watched in list(self._watched.values()):
            if watched.busy:
                continue
            act = watched.due(now, self._is_there(watched.leave))
            if act is _Act.FORGET:
                self._forget(watched)
            elif act is not None and self._has_place(watched.server, asked):
                watched.busy = True
                asked[watched.server] += 1
                self._start(self._act(watched, act))

    def _has_place(self, server: str, asked: Counter[str]) -> bool:
        """Return whether one more question to a homeserver may be asked now."""
        is_free = server == self._domain or asked[server] < AT_ONCE_PER_SERVER
        return is_free and len(self._tasks) < AT_ONCE

    def _is_there(self, leave: DelegatedLeave) -> bool:
        return self._presence.is_connected(leave.space, leave.identity)

    async def _until_next_look(self) -> None:
        if self._watched or self._changed:
            await asyncio.sleep(LOOK_EVERY_S)
        else:
            self._more.clear()
            await self._more.wait()

    async def _act(self, watched: _Watched, act: _Act, *, raises: bool = False) -> None:
        """Have the homeserver begin the delay anew, or send the event."""
        leave = watched.leave
        ask = self._events.restart if act is _Act.RESTART else self._events.send
        try:
            await ask(leave.user, leave.delay_id)
        except DelayedEventGone:
            self._forget(watched)  # the client left by itself, or the homeserver was quicker
            if raises:
                raise
        except AdapterError as error:
            watched.failed(self._now())
            if watched.failures == 1:
                log.warning("a delegated leave of a call has to wait: %s", error)
            if raises:
                raise
        else:
            if act is _Act.SEND:
                self.sent += 1
                self._forget(watched)
            else:
                watched.restarted(self._now())
        finally:
            watched.busy = False

    async def _cancel(self, leave: DelegatedLeave) -> None:
        try:
            await self._events.cancel(leave.user, leave.delay_id)
        except AdapterError as error:
            log.info("an older delegated leave of a call stays at its homeserver: %s", error)

    def _start(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # --- the note -----------------------------------------------------------------------------

    def _forget(self, watched: _Watched) -> None:
        if self._watched.get(_key(watched.leave)) is watched:
            del self._watched[_key(watched.leave)]
            self._note_change()

    def _note_change(self) -> None:
        self._changed = True
        self._more.set()

    async def save(self) -> None:
        """Write the note if anything has changed since it was written."""
        if not self._changed:
            return
        self._changed = False
        leaves = tuple(watched.leave for watched in self._watched.values())
        try:
            await self._notes.put(DelegatedLeaves(leaves))
        except AdapterError as error:
            self._changed = True
            log.warning("delegated leaves of calls cannot be noted: %s", error)


def _key(leave: DelegatedLeave) -> tuple[SpaceId, str]:
    """Return what a leave is kept under: a device is the same participant in every call."""
    return leave.space, leave.identity
