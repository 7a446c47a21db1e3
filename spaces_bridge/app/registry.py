"""The registry of all live spaces: the only way to them.

Open ones live in memory, each with its actor under supervision: a bug ends an actor's run, and a
new one goes on from the journal. Ended ones are read from the journal when somebody asks.
"""

import asyncio
import hashlib
import logging
import re
import unicodedata
from base64 import b32encode
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

from spaces_bridge.app import codec
from spaces_bridge.app import tasks as outbox_tasks
from spaces_bridge.app.actor import SpaceActor, summary_of
from spaces_bridge.app.chat import ChatLine
from spaces_bridge.app.context import AppContext
from spaces_bridge.app.errors import AdapterError, JournalConflict
from spaces_bridge.app.supervisor import TaskSupervisor
from spaces_bridge.core import commands as cmd
from spaces_bridge.core import events as ev
from spaces_bridge.core import refusals
from spaces_bridge.core.errors import Rejected
from spaces_bridge.core.evolution import born, evolve
from spaces_bridge.core.floor import SpeakPolicy
from spaces_bridge.core.ids import RoomId, SpaceId, UserId
from spaces_bridge.core.live_space import LiveSpace, Phase
from spaces_bridge.core.rules import create

log = logging.getLogger(__name__)

LAST_WORDS_MS = 600_000
"""An ended live space stays in memory at least so long, for last captions and open pages."""

OPEN_PER_HOST = 20
"""The number of live spaces one host may have open, scheduled ones included."""

AT_ONCE = 100
"""The number of a journal's events that are read without a pause (some 10 ms)."""

RESTART_PAUSE_S = 0.2
"""The pause between two tries to read a failed actor's journal."""


class Spaces:
    """The registry of live spaces, by which every adapter reaches them."""

    def __init__(self, context: AppContext, tasks: TaskSupervisor | None = None) -> None:
        self.context = context
        self._actors: dict[SpaceId, SpaceActor] = {}
        self._tasks = tasks or TaskSupervisor()

    # --- life ---------------------------------------------------------------------------------

    async def resume(self) -> None:
        """Replay every live space that has not ended."""
        for space in await self.context.journal.open_spaces():
            await self._actor_for(space)

    async def stop(self) -> None:
        """End the actors; nothing journalled is lost."""
        await self._tasks.stop(*map(_task_of, self._actors))
        for actor in self._actors.values():
            actor.release_waiting()

    async def create(self, command: cmd.CreateSpace, source: str | None = None) -> LiveSpace:
        """Create a live space, or return it if it exists. Raises Rejected, StorageError."""
        created = create(command)
        self._refuse_crowd(command)
        await self._refuse_taken_name(command)
        space = born(created)
        row = codec.stored(created, 1, command.at_ms, source)
        room = codec.entry_of(outbox_tasks.MakeRoom(space.space), f"room:{space.space}")
        try:
            await self.context.journal.append(space.space, [row], [room], summary_of(space))
        except JournalConflict:
            log.info("live space exists already: %s", space.space)
        self._retire_ended()
        actor = await self._actor_for(space.space)
        self.context.outbox_signal.wake()
        return actor.space

    async def _refuse_taken_name(self, command: cmd.CreateSpace) -> None:
        """Raise Rejected when another live space has the slug.

        A room is found again by its slug: nobody may come to somebody else's room that way.
        """
        namesake = await self.context.directory.by_slug(command.slug)
        if namesake is not None and namesake.space != command.space:
            raise Rejected("name_taken", "There was one of that name already. Try again, please.")

    def _refuse_crowd(self, command: cmd.CreateSpace) -> None:
        others = [s for s in self.open() if s.host == command.by and s.space != command.space]
        if len(others) >= OPEN_PER_HOST:
            raise Rejected(
                "too_many_spaces",
                "You have {most} live spaces open already. End or `unschedule` one.",
                most=OPEN_PER_HOST,
            )

    def _retire_ended(self) -> None:
        """Drop live spaces that ended a while ago; look-ups read their journal from then on."""
        before_ms = self.context.clock.now_ms() - LAST_WORDS_MS
        for space, actor in list(self._actors.items()):
            ended_at_ms = actor.space.ended_at_ms
            if ended_at_ms is not None and ended_at_ms < before_ms:
                self._tasks.cancel(_task_of(space))
                del self._actors[space]
                self.context.chat.close(space)
                actor.release_waiting()

    async def _actor_for(self, space: SpaceId) -> SpaceActor:
        if space not in self._actors:
            journal = await self._read(space)
            if journal is None:
                raise AdapterError(f"live space {space} has no journal")
            actor = self._actors.setdefault(space, SpaceActor(self.context, *journal))
            self._tasks.keep(_task_of(space), partial(self._supervise, actor), "live space")
        return self._actors[space]

    async def _supervise(self, actor: SpaceActor) -> None:
        """Run the actor for ever: after a bug, it starts again from its journal."""
        while True:
            if not actor.is_current:
                await self._reload(actor)
            try:
                await actor.run()
            except Exception:
                space = actor.space.space
                log.exception("live space %s failed; restarting it from its journal", space)

    async def _reload(self, actor: SpaceActor) -> None:
        """Give the actor the state that the journal tells, as soon as it can be read."""
        while True:
            try:
                journal = await self._read(actor.space.space)
            except AdapterError as error:
                log.warning("live space %s cannot be read yet: %s", actor.space.space, error)
                await asyncio.sleep(RESTART_PAUSE_S)
                continue
            if journal is not None:
                actor.take_over(*journal)
            return

    async def _read(self, space: SpaceId) -> tuple[LiveSpace, int, set[str]] | None:
        rows = await self.context.journal.replay(space)
        if not rows:
            return None
        created = codec.event_from(rows[0])
        if not isinstance(created, ev.SpaceCreated):
            raise AdapterError(f"the journal of live space {space} does not begin with it")
        found = born(created)
        for row in rows[1:]:
            event = codec.event_from(row)
            if not isinstance(event, ev.SpaceCreated):
                found = evolve(found, event)
            if row.seq % AT_ONCE == 0:
                await asyncio.sleep(0)  # a long journal must not keep others from being served
        sources = {row.source for row in rows if row.source is not None}
        return found, rows[-1].seq + 1, sources

    # --- look-ups -----------------------------------------------------------------------------

    def view(self, space: SpaceId) -> LiveSpace | None:
        """Return the live space as it is now, if it is in memory: open, or ended lately."""
        actor = self._actors.get(space)
        return actor.space if actor is not None else None

    def open(self) -> list[LiveSpace]:
        """Return all live spaces that have not ended, oldest first."""
        spaces = [actor.space for actor in self._actors.values()]
        return sorted(
            (s for s in spaces if s.phase is not Phase.ENDED), key=lambda s: s.created_at_ms
        )

    def by_room(self, room: RoomId) -> LiveSpace | None:
        """Return the live space of a Matrix room, if it is in memory."""
        return next((a.space for a in self._actors.values() if a.space.room == room), None)

    def by_slug(self, slug: str) -> LiveSpace | None:
        """Return the live space with this slug, if it is in memory."""
        return next((a.space for a in self._actors.values() if a.space.slug == slug), None)

    async def find(self, space: SpaceId) -> LiveSpace | None:
        """Return the live space, also one that ended long ago."""
        here = self.view(space)
        if here is not None:
            return here
        journal = await self._read(space)
        return journal[0] if journal is not None else None

    async def find_by_slug(self, slug: str) -> LiveSpace | None:
        """Return the live space with this slug, also one that ended long ago."""
        here = self.by_slug(slug)
        if here is not None:
            return here
        summary = await self.context.directory.by_slug(slug)
        return await self.find(summary.space) if summary is not None else None

    def next_seq(self, space: SpaceId) -> int:
        """Return the sequence number of the next event in an open live space's journal."""
        return self._actors[space].next_seq

    def audience_size(self, space: SpaceId) -> int:
        """Return the number of listeners: people in the room without the floor, page's guests."""
        view = self.view(space)
        if view is None:
            return 0
        members = sum(1 for p in view.people.values() if p.joined)
        seated = len(view.stage)
        return max(0, members - seated) + self.context.audience.guests(space)

    def written(self, space: SpaceId) -> Sequence[ChatLine]:
        """Return the last lines of the live space's chat."""
        return self.context.chat.lines(space)

    # --- commands -----------------------------------------------------------------------------

    async def ask(
        self, space: SpaceId, command: cmd.Command, source: str | None = None
    ) -> list[ev.Event]:
        """Have a live space carry out a command; return the events. Raises Rejected, AdapterError.

        `source` names what caused the command (a Matrix event id): it takes effect only once.
        """
        actor = self._actors.get(space)
        if actor is None:
            raise refusals.ended()
        if isinstance(command, cmd.StartSpace):
            self._refuse_second_live_space(actor.space)
        if isinstance(command, cmd.HandOver):
            self._refuse_busy_heir(actor.space, command.user)
        if isinstance(command, cmd.RequestToSpeak):
            command = await self._knowing_the_host(actor.space, command)
        return await actor.ask(command, source)

    def tell(self, space: SpaceId, command: cmd.Command, source: str | None = None) -> None:
        """Have a live space carry out a command when its turn comes; refusals are dropped."""
        actor = self._actors.get(space)
        if actor is not None:
            actor.tell(command, source)

    def then(self, space: SpaceId, callback: Callable[[], None]) -> None:
        """Call back when the live space has carried out every command so far."""
        actor = self._actors.get(space)
        if actor is not None:
            actor.then(callback)

    async def enqueue_task(
        self, wanted: outbox_tasks.OutboxTask, key: str, due_at_ms: int = 0
    ) -> None:
        """Put an outbox task straight into the outbox."""
        await self.context.outbox.enqueue([codec.entry_of(wanted, key, due_at_ms)])
        self.context.outbox_signal.wake()

    async def _knowing_the_host(
        self, space: LiveSpace, command: cmd.RequestToSpeak
    ) -> cmd.RequestToSpeak:
        if space.speak_policy is not SpeakPolicy.FOLLOWED or command.guest:
            return command
        followed = await self.context.followers.follows(command.by, follower=space.host)
        return replace(command, followed=followed)

    def _refuse_second_live_space(self, space: LiveSpace) -> None:
        other = self._live_elsewhere(space, space.host)
        if other is not None:
            raise Rejected(
                "host_is_live",
                "You are live in “{title}” already. End that first.",
                title=other.title,
            )

    def _refuse_busy_heir(self, space: LiveSpace, user: UserId) -> None:
        if self._live_elsewhere(space, user) is not None:
            raise Rejected("heir_is_live", "That person hosts another live space right now.")

    def _live_elsewhere(self, space: LiveSpace, host: UserId) -> LiveSpace | None:
        others = [s for s in self.open() if s.host == host and s.space != space.space]
        return next((s for s in others if s.phase is Phase.LIVE), None)

    # --- names --------------------------------------------------------------------------------

    @staticmethod
    def new_identity(title: str, source: str) -> tuple[SpaceId, str]:
        """Return id and slug for a new live space; the same source gives the same ones."""
        digest = b32encode(hashlib.sha256(source.encode()).digest()).decode().lower()
        plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode().lower()
        words = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:40].strip("-")
        return SpaceId(digest[:16]), f"{words or 'space'}-{digest[16:20]}"


def _task_of(space: SpaceId) -> str:
    return f"live space {space}"


def is_ghost(user: UserId, domain: str) -> bool:
    """Return whether the id is one of ours for a guest of the page, and not of another server."""
    return user.startswith("@spaces_") and user.endswith(f":{domain}")
