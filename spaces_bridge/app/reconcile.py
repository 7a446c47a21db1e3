"""Reconciliation compares what is wanted with what is observed: after a start, and now and then.

A restart replays journals but repeats no side effect. What was wanted and is not so is found here:
levels are re-read, sound and captions are brought to the state of each live space, and outbox
tasks whose outcome is missing are stored again.
"""

import asyncio
import logging
from collections.abc import Collection, Iterator

from spaces_bridge.app import codec, policies
from spaces_bridge.app import tasks as outbox_tasks
from spaces_bridge.app.errors import AdapterError
from spaces_bridge.app.media_events import MediaEvents
from spaces_bridge.app.ports import RoomReader
from spaces_bridge.app.records import OutboxEntry
from spaces_bridge.app.registry import Spaces
from spaces_bridge.app.supervisor import TaskSupervisor
from spaces_bridge.core import commands as cmd
from spaces_bridge.core.access import GuestPolicy
from spaces_bridge.core.display_names import called
from spaces_bridge.core.errors import Rejected
from spaces_bridge.core.ids import RoomId, SpaceId
from spaces_bridge.core.live_space import LiveSpace
from spaces_bridge.pacing.backoff import Backoff

log = logging.getLogger(__name__)

TASK = "reconcile"
REREAD_EVERY_S = 600.0
REREAD_BACKOFF = Backoff(1.0, 30.0)
"""The waits before a room that could not be read is tried again."""
LOOK_EVERY_S = 0.5

DOUBT_S = 3.0
"""The age from which a doubt is looked into here: its event, which is to do so, was lost."""


class Reconciler:
    """The reconciler brings the outside world to the state of the journals."""

    def __init__(
        self,
        spaces: Spaces,
        media_events: MediaEvents,
        rooms: RoomReader,
        tasks: TaskSupervisor | None = None,
    ) -> None:
        self._spaces = spaces
        self._media_events = media_events
        self._rooms = rooms
        self._tasks = tasks or TaskSupervisor()
        self._due: dict[SpaceId, tuple[float, int]] = {}
        """When to read each room again, and the failures in a row so far."""
        self._doubted: dict[SpaceId, float] = {}

    def start(self) -> None:
        """Resume sound at once, and read each room as soon as possible, then every ten minutes."""
        for space in self._spaces.open():
            self._resume_sound(space)
        self._tasks.keep(TASK, self._watch)

    async def stop(self) -> None:
        """End the reconciler's task."""
        await self._tasks.stop(TASK)

    async def _watch(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            spaces = [s.space for s in self._spaces.open()]
            self._forget_all_but(spaces)
            for space in spaces:
                at, failures = self._due.get(space, (0.0, 0))
                forgotten = self._is_doubt_old(space, loop.time()) and not failures
                if loop.time() < at and not forgotten:
                    continue
                if await self._reread(space):
                    self._due[space] = (loop.time() + REREAD_EVERY_S, 0)
                else:
                    wait_s = REREAD_BACKOFF.wait_s(failures + 1)
                    self._due[space] = (loop.time() + wait_s, failures + 1)
            await asyncio.sleep(LOOK_EVERY_S)

    def _forget_all_but(self, spaces: Collection[SpaceId]) -> None:
        for over in (self._due.keys() | self._doubted.keys()) - set(spaces):
            self._due.pop(over, None)
            self._doubted.pop(over, None)

    def _is_doubt_old(self, space: SpaceId, now: float) -> bool:
        view = self._spaces.view(space)
        if view is None or not view.doubts:
            self._doubted.pop(space, None)
            return False
        return now - self._doubted.setdefault(space, now) >= DOUBT_S

    async def _reread(self, space: SpaceId) -> bool:
        view = self._spaces.view(space)
        if view is None or view.room is None:
            return True
        try:
            await self.observe(space, view.room)
            await self._enqueue_missing(space)
        except Rejected:
            return True
        except AdapterError as error:
            log.warning("live space %s: cannot read its room yet: %s", space, error)
            return False
        except Exception:  # one live space with a bug must not keep the others from being read
            log.exception("live space %s: its room could not be compared", space)
            return False
        return True

    async def observe(self, space: SpaceId, room: RoomId) -> None:
        """Read the room and let its live space observe it. Raises AdapterError, Rejected."""
        snapshot = await self._rooms.read_room(room)
        await self._spaces.ask(
            space, cmd.ObserveRoom(snapshot.levels, snapshot.joined, snapshot.banned)
        )

    async def _enqueue_missing(self, space: SpaceId) -> None:
        view = self._spaces.view(space)
        if view is None:
            return
        effects = [*missing(view, self._spaces.next_seq(space))]
        await self._spaces.context.outbox.enqueue(effects)
        self._spaces.context.outbox_signal.wake()

    def _resume_sound(self, space: LiveSpace) -> None:
        context = self._spaces.context
        for user, until_ms in space.captioned_until_ms.items():
            context.stage.audio_taken(space.space, user, until_ms)
        for user in sorted(space.microphones):
            if not context.stage.has_microphone(space.space, user):
                self._spaces.tell(space.space, cmd.CloseMicrophone(user))
            elif space.captions and context.settings.captions:
                context.captioner.open_track(space.space, user, space.language)
        self._show_out_again(space)
        # last, because it sends the audio the worker kept, for which the tracks are open now
        self._media_events.open_stage(space.space)

    def _show_out_again(self, space: LiveSpace) -> None:
        """End the sessions of removed people again.

        The worker may not have been told of removals just before the bridge stopped.
        """
        stage = self._spaces.context.stage
        for user in sorted(space.removed):
            stage.end_microphone_session(space.space, user)
            stage.end_listening(space.space, user)
        if space.guests is GuestPolicy.OFF:
            stage.end_guests(space.space, self._spaces.context.settings.domain)


def missing(space: LiveSpace, next_seq: int) -> list[OutboxEntry]:
    """Return the outbox entries of tasks whose outcome the observed room does not show.

    Keys carry the place in the journal: as long as nothing happens, no task is stored twice.
    """
    effects = [
        codec.entry_of(wanted, f"{space.space}:again:{next_seq}:{index}")
        for index, wanted in enumerate(_unfulfilled(space))
    ]
    made_true = [policies.arrangement, policies.state, policies.card]
    if not space.private:
        made_true.append(policies.listing)
        if space.community is not None:
            made_true.append(policies.bubble)
    return [*effects, *(make(space.space) for make in made_true)]


def _unfulfilled(space: LiveSpace) -> Iterator[outbox_tasks.OutboxTask]:
    accepted = {user for user in space.requests if space.is_accepted(user)}
    for user in sorted(accepted):
        person = space.person(user)
        if person.guest and not person.joined:
            yield outbox_tasks.SeatGuest(space.space, user, called(space, user))
    for user in sorted(accepted | space.closing | {*space.overruled, *space.appointments}):
        yield outbox_tasks.WriteLevel(space.space, user, space.level_wanted(user))
    for user, removal in sorted(space.removed.items()):
        if not removal.in_force and not space.person(user).guest:
            yield outbox_tasks.BanPerson(space.space, user, removal.reason)
