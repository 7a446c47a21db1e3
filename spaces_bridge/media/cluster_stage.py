"""The stage port on several media workers: one on this machine, others on nodes.

Every worker has every live space and its gates. One of them is home: microphones of pages go
there, and levels, sound for captions and the stream over HTTP come from there. Who listens goes
where the fewest people are. With the worker of this machine alone, all of it is that worker's.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from typing import Final

from spaces_bridge.app.errors import AdapterError, OfferRefused
from spaces_bridge.app.ports import Direction, MediaSession, StageListener
from spaces_bridge.app.supervisor import TaskSupervisor
from spaces_bridge.core.ids import SpaceId, UserId
from spaces_bridge.media import messages
from spaces_bridge.media.call_stage import WorkerCallStage
from spaces_bridge.media.cluster_desired import DesiredSpaces
from spaces_bridge.media.cluster_listener import MemberListener
from spaces_bridge.media.cluster_members import LOCAL, ClusterMember, ClusterMembers
from spaces_bridge.media.cluster_plain_calls import NO_WORKER, ClusterPlainCalls
from spaces_bridge.media.nodes.limits import LOOK_EVERY_S, LOST_S
from spaces_bridge.media.stage import WorkerStage

log = logging.getLogger(__name__)

TASK: Final = "media nodes"
MOST_TRIES: Final = 3
"""Workers that are asked to take one listener."""
_ELSEWHERE: Final = frozenset({"full", "busy"})
"""Refusals of a worker that another one may not share."""

HomeMoved = Callable[[str | None, str], None]
"""Called with the name of the member that was home (None: none was), and of the one that is."""

IsInRoom = Callable[[str, SpaceId], bool]
"""Called with a member's name; whether its relay is where the live space's speakers are."""


class ClusterStage:
    """A cluster stage implements `spaces_bridge.app.ports.Stage` with several media workers."""

    def __init__(
        self,
        local: WorkerStage | None,
        tasks: TaskSupervisor | None = None,
        *,
        domain: str = "",
        keep_s: float = 0.0,
    ) -> None:
        """`keep_s`: a node with sessions is remembered for so long while it is away.

        `domain` is our own.
        """
        self._local, self._tasks = local, tasks or TaskSupervisor()
        self._keep_s = keep_s
        self._listener: StageListener | None = None
        self._wants = DesiredSpaces(domain)
        self._members = ClusterMembers()
        self.plain_calls = ClusterPlainCalls(self._members)
        """The `PlainCallStage` port on the same workers."""
        self._has_nodes = False
        self._on_home_moved: HomeMoved = lambda _before, _now: None
        self._on_forgotten: Callable[[str], None] = lambda _name: None
        self._is_in_room: IsInRoom = lambda _name, _space: True
        if local is not None:
            self._add(ClusterMember(LOCAL, local))
            self._members.home = next(iter(self._members))

    # --- life ---

    def listen(self, listener: StageListener) -> None:
        """Part of the port."""
        self._listener = listener

    async def start(self) -> None:
        """Find or start the worker of this machine. Raises StartUpError, AdapterError."""
        if self._local is not None:
            await self._local.start()
        if self._has_nodes:
            self._tasks.keep(TASK, self._watch)

    async def stop(self) -> None:
        """End the sound here; nodes keep theirs for a while, for the next bridge."""
        await self._tasks.stop(TASK)
        await asyncio.gather(*(each.stage.stop() for each in self._members))

    def end_streams(self) -> None:
        """End the streams over HTTP, so that the pages can close: the bridge is about to stop."""
        for each in self._members:
            each.stage.end_streams()

    @property
    def port(self) -> int:
        """The public port of this machine's worker. Raises AdapterError if there is none."""
        if self._local is None:
            raise AdapterError("There is no media worker on this machine.")
        return self._local.port

    @property
    def worker_pid(self) -> int | None:
        """The process id of this machine's worker; None while there is none."""
        return self._local.worker_pid if self._local is not None else None

    @property
    def calls(self) -> WorkerCallStage | None:
        """The `CallStage` port on this machine's worker, if there is one."""
        return self._local.calls if self._local is not None else None

    async def check(self) -> None:
        """Part of the `Health` port: one worker is enough."""
        if not any(each.is_here for each in self._members):
            if self._local is not None:
                await self._local.check()
            raise AdapterError("No media node is connected.")

    def metrics(self) -> Mapping[str, float]:
        """Return the numbers of the home worker."""
        home = self._members.home
        return home.stage.metrics() if home is not None else {"worker_up": 0.0}

    def node_metrics(self) -> Mapping[str, float | Mapping[str, float]]:
        """Return the numbers of all nodes, some of them by the node's name."""
        nodes = [each for each in self._members if each.name != LOCAL]
        return {
            "connected": float(sum(each.is_here for each in nodes)),
            "listeners": {each.name: float(each.stage.all_listening) for each in nodes},
            "restarts": {each.name: float(each.stage.restarts) for each in nodes},
        }

    # --- live spaces and gates ---

    def open_space(self, space: SpaceId, elapsed_ms: int) -> None:
        """Part of the port."""
        self._wants.open(space, elapsed_ms, asyncio.get_running_loop().time())
        for each in self._members:
            each.stage.open_space(space, elapsed_ms)

    def close_space(self, space: SpaceId) -> None:
        """Part of the port."""
        self._wants.close(space)
        for each in self._members:
            each.stage.close_space(space)

    def set_gates(self, space: SpaceId, users: Collection[UserId]) -> None:
        """Part of the port."""
        self._wants.gates(space, users)
        for each in self._members:
            each.stage.set_gates(space, users)

    def set_volumes(self, space: SpaceId, volumes: Mapping[UserId, int]) -> None:
        """Part of the port."""
        self._wants.volumes(space, volumes)
        for each in self._members:
            each.stage.set_volumes(space, volumes)

    def open_microphone(self, space: SpaceId, user: UserId) -> None:
        """Part of the port."""
        self._wants.gate(space, user, is_open=True)
        for each in self._members:
            each.stage.open_microphone(space, user)

    def close_microphone(self, space: SpaceId, user: UserId) -> None:
        """Part of the port."""
        self._wants.gate(space, user, is_open=False)
        for each in self._members:
            each.stage.close_microphone(space, user)

    def end_microphone_session(self, space: SpaceId, user: UserId, spare: str = "") -> None:
        """Part of the port."""
        self._wants.gate(space, user, is_open=False)
        for each in self._members:
            each.stage.end_microphone_session(space, user, spare)

    def end_listening(self, space: SpaceId, user: UserId) -> None:
        """Part of the port. A node that comes later may tell of connections of an earlier run."""
        self._wants.listening_ended(space, user)
        for each in self._members:
            each.stage.end_listening(space, user)

    def end_guests(self, space: SpaceId, domain: str) -> None:
        """Part of the port."""
        self._wants.guests_ended(space)
        for each in self._members:
            each.stage.end_guests(space, domain)

    # --- connections ---

    async def offer(
        self, space: SpaceId, user: UserId, direction: Direction, sdp: str
    ) -> MediaSession:
        """Part of the port. Who listens is offered to the next worker if one does not answer."""
        tries = self._for_listeners(space) if direction is Direction.LISTEN else []
        *before, last = tries[:MOST_TRIES] or [self._home()]
        for each in before:
            try:
                return await each.stage.offer(space, user, direction, sdp)
            except OfferRefused as refusal:
                if refusal.code not in _ELSEWHERE:
                    raise
            except AdapterError as problem:
                log.warning("a media worker took no listener: %s", problem)
        return await last.stage.offer(space, user, direction, sdp)

    def hang_up(self, session: str) -> bool:
        """Part of the port."""
        return any(each.stage.hang_up(session) for each in self._members)

    def is_cut(self, session: str) -> bool:
        """Part of the port."""
        return any(each.stage.is_cut(session) for each in self._members)

    def has_microphone(self, space: SpaceId, user: UserId) -> bool:
        """Part of the port."""
        return any(each.stage.has_microphone(space, user) for each in self._members.counted())

    def listeners(self, space: SpaceId) -> int:
        """Part of the port. A worker that is lost has none."""
        return sum(each.stage.listeners(space) for each in self._members.counted())

    def mix(self, space: SpaceId, tags: Mapping[str, str]) -> AsyncIterator[bytes]:
        """Part of the port. The stream ends if another worker becomes home: players come back."""
        return self._home().stage.mix(space, tags)

    # --- sound for the captions ---

    def audio_taken(self, space: SpaceId, user: UserId, until_ms: int) -> None:
        """Part of the port."""
        if self._members.home is not None:
            self._members.home.stage.audio_taken(space, user, until_ms)

    def replay_audio(self, space: SpaceId, user: UserId, from_ms: int) -> None:
        """Part of the port."""
        if self._members.home is not None:
            self._members.home.stage.replay_audio(space, user, from_ms)

    # --- for the members' ears ---

    def is_home(self, member: ClusterMember) -> bool:
        """Return whether the member is home."""
        return self._members.home is member

    def is_on_air(self, space: SpaceId, user: UserId) -> bool:
        """Return whether the person's gate is open."""
        return self._wants.is_on_air(space, user)

    def has_page_microphone(self, space: SpaceId, user: UserId) -> bool:
        """Return whether the person has a microphone on a page at any member."""
        return any(each.stage.has_page_microphone(space, user) for each in self._members.counted())

    # --- nodes ---

    def attend_nodes(
        self, home_moved: HomeMoved, forgotten: Callable[[str], None], is_in_room: IsInRoom
    ) -> None:
        """Set who is told that another member is home, and that one is forgotten.

        `is_in_room`: whether a member hears what is said elsewhere. To be called once, before the
        start.
        """
        self._on_home_moved, self._on_forgotten = home_moved, forgotten
        self._is_in_room = is_in_room
        self._has_nodes = True

    def add_node(self, name: str, stage: WorkerStage) -> None:
        """Bring in a node's worker, which nobody has heard of yet."""
        member = ClusterMember(name, stage)
        self._add(member)
        self._wants.bring(stage, asyncio.get_running_loop().time())
        if self._members.home is None:
            self._move_home(member)

    def lose_node(self, name: str) -> None:
        """Forget a node that has ended, with all its sessions."""
        for each in self._members:
            if each.name == name:
                self._forget(each)
        self._settle_home()

    def may_stay(self, seat: messages.PeerSeat) -> bool:
        """Return whether an earlier run's peer, which a node that came later has, may go on."""
        return self._wants.may_stay(seat)

    def look(self) -> None:
        """Look who is there: what is lost counts no more, and another is home if need be."""
        now = asyncio.get_running_loop().time()
        for each in self._members.look(now):
            log.warning("the media worker %s is %s", each.name or "here", _state(each))
            if each.is_lost:
                each.stage.drop_microphones()
            self._tell_counts(each)
        for each in self._members:
            away_s = now - each.away_since if each.away_since is not None else 0.0
            kept_s = self._keep_s if each.stage.load else LOST_S
            if each.name != LOCAL and away_s > kept_s:
                self._forget(each)
        self._settle_home()

    async def _watch(self) -> None:
        while True:
            self.look()
            await asyncio.sleep(LOOK_EVERY_S)

    def _add(self, member: ClusterMember) -> None:
        self._members.add(member)
        member.stage.listen(MemberListener(self, member, lambda: self._listener))
        self.plain_calls.attend(member.stage)

    def _forget(self, member: ClusterMember) -> None:
        log.warning("the media node %s is forgotten: its sessions have ended", member.name)
        self._members.remove(member)
        member.stage.end_all("its media node is gone")
        self._on_forgotten(member.name)

    def _settle_home(self) -> None:
        home = self._members.next_home()
        if home is not None and home is not self._members.home:
            self._move_home(home)

    def _move_home(self, member: ClusterMember) -> None:
        """Have another worker take the microphones; those of before come back by themselves."""
        before, self._members.home = self._members.home, member
        log.warning("the media worker %s is home now", member.name or "here")
        if before is not None:
            before.stage.drop_microphones()
            for space in self._wants.spaces:
                before.stage.end_stream(space)
        self._on_home_moved(before.name if before is not None else None, member.name)

    def _for_listeners(self, space: SpaceId) -> list[ClusterMember]:
        """Return who may take a listener, in order: a node that is in no room is deaf."""
        return [
            each
            for each in self._members.for_listeners()
            if self.is_home(each) or self._is_in_room(each.name, space)
        ]

    def _tell_counts(self, member: ClusterMember) -> None:
        if self._listener is not None:
            for space in self._wants.spaces:
                if member.stage.listeners(space):
                    self._listener.listeners_changed(space)

    def _home(self) -> ClusterMember:
        if self._members.home is None:
            raise AdapterError(NO_WORKER)
        return self._members.home


def _state(member: ClusterMember) -> str:
    return "lost" if member.is_lost else "back"
