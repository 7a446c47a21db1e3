"""The stage port on several media workers of this machine, one for each core.

Each live space has a home among them, which mixes it: microphones, calls, levels, sound for
captions and the stream over HTTP are there. Who listens on the page goes where there is most room:
the others send the home's mix on (`worker/mix_relay.py`). A home stays the home while the live
space lasts, also when its worker or the bridge is replaced.
"""

import asyncio
from collections.abc import AsyncIterator, Collection, Iterator, Mapping, Sequence
from typing import Final

from spaces_bridge.app.errors import AdapterError, OfferRefused
from spaces_bridge.app.ports import Direction, MediaSession, Overload, StageListener
from spaces_bridge.core.ids import SpaceId, UserId
from spaces_bridge.media.cluster_plain_calls import ClusterPlainCalls
from spaces_bridge.media.local_calls import LocalCalls
from spaces_bridge.media.local_metrics import by_worker, of_all
from spaces_bridge.media.local_placement import LocalLoad, for_listener, home_among
from spaces_bridge.media.options import MediaOptions
from spaces_bridge.media.overloads import overload_of_all
from spaces_bridge.media.room_sounds import RoomSounds
from spaces_bridge.media.stage import CROWDED, WorkerStage
from spaces_bridge.media.supervisor import end_surplus

_ELSEWHERE: Final = frozenset({"full", "busy", CROWDED})
"""Refusals of a worker that another one may not share."""


class LocalStage:
    """A local stage implements `spaces_bridge.app.ports.Stage` with this machine's workers."""

    def __init__(
        self, stages: Sequence[WorkerStage], options: MediaOptions, *, one_home: bool = False
    ) -> None:
        """`stages`: of the workers, by place; `options`: of the first one.

        `one_home`: the first one mixes all live spaces. So it has to be where a relay joins rooms
        at an SFU, which is of one worker.
        """
        self._stages, self._options = tuple(stages), options
        self._one_home = one_home
        self._homes: dict[SpaceId, int] = {}
        self.calls = LocalCalls(self._stages, self._home_of)
        """The `CallStage` port on the same workers."""
        self.plain_calls = ClusterPlainCalls(lambda: self._stages, self._home_of)
        """The `PlainCallStage` port on the same workers."""

    # --- life ---

    def listen(self, listener: StageListener) -> None:
        """Part of the port."""
        for each in self._stages:
            each.listen(listener)

    async def start(self) -> None:
        """Find or start the workers, and end those of before that are too many.

        Raises StartUpError, AdapterError.
        """
        await end_surplus(self._options, len(self._stages))
        for each in self._stages:
            await each.start()

    async def stop(self) -> None:
        """End the sound and the workers."""
        await asyncio.gather(*(each.stop() for each in self._stages))

    def end_streams(self) -> None:
        """End the streams over HTTP, so that the pages can close: the bridge is about to stop."""
        for each in self._stages:
            each.end_streams()

    @property
    def port(self) -> int:
        """The public UDP and TCP port of the first worker."""
        return self._stages[0].port

    @property
    def worker_pid(self) -> int | None:
        """The first worker's process id; None while there is no such worker."""
        return self._stages[0].worker_pid

    @property
    def worker_pids(self) -> tuple[int | None, ...]:
        """The process ids of the workers, by place; None while there is none."""
        return tuple(each.worker_pid for each in self._stages)

    @property
    def room_sounds(self) -> RoomSounds:
        """What the first worker takes from rooms at an SFU, for its relay."""
        return self._stages[0].room_sounds

    @property
    def is_attached(self) -> bool:
        """Whether any of the workers can be reached now: the others are being replaced."""
        return any(each.is_attached for each in self._stages)

    @property
    def restarts(self) -> int:
        """The number of times a worker had to be replaced."""
        return sum(each.restarts for each in self._stages)

    @property
    def load(self) -> int:
        """The number of sessions of one worker, on average."""
        return -(-sum(each.load for each in self._stages) // len(self._stages))

    @property
    def all_listening(self) -> int:
        """The number of sessions that listen, in all live spaces."""
        return sum(each.all_listening for each in self._stages)

    @property
    def overload(self) -> Overload:
        """What the workers have given up, taken together."""
        return overload_of_all(each.overload for each in self._stages if each.is_attached)

    async def check(self) -> None:
        """Part of the `Health` port: every worker has to be there."""
        for each in self._stages:
            await each.check()

    def metrics(self) -> Mapping[str, float]:
        """Return the numbers of all workers together."""
        return of_all([each.metrics() for each in self._stages])

    def worker_metrics(self) -> Mapping[str, float | Mapping[str, float]]:
        """Return the numbers of each worker."""
        return by_worker([each.metrics() for each in self._stages])

    # --- live spaces and gates ---

    def open_space(self, space: SpaceId, elapsed_ms: int) -> None:
        """Part of the port. Who mixed it in an earlier run of the bridge stays home."""
        home = self._homes.get(space)
        if home is None:
            found = self._found(space)
            home = self._homes[space] = home_among(self._loads()) if found is None else found
        self._stages[home].open_space(space, elapsed_ms)
        for place, each in enumerate(self._stages):
            if place != home:
                each.relay_space(space, home)

    def close_space(self, space: SpaceId) -> None:
        """Part of the port."""
        self._homes.pop(space, None)
        for each in self._stages:
            each.close_space(space)

    def set_gates(self, space: SpaceId, users: Collection[UserId]) -> None:
        """Part of the port."""
        for each in self._gated(space):
            each.set_gates(space, users)

    def set_volumes(self, space: SpaceId, volumes: Mapping[UserId, int]) -> None:
        """Part of the port."""
        for each in self._gated(space):
            each.set_volumes(space, volumes)

    def open_microphone(self, space: SpaceId, user: UserId) -> None:
        """Part of the port."""
        for each in self._gated(space):
            each.open_microphone(space, user)

    def close_microphone(self, space: SpaceId, user: UserId) -> None:
        """Part of the port."""
        for each in self._gated(space):
            each.close_microphone(space, user)

    def end_microphone_session(self, space: SpaceId, user: UserId, spare: str = "") -> None:
        """Part of the port."""
        for each in self._gated(space):
            each.end_microphone_session(space, user, spare)

    def end_listening(self, space: SpaceId, user: UserId) -> None:
        """Part of the port."""
        for each in self._stages:
            each.end_listening(space, user)

    def end_guests(self, space: SpaceId, domain: str) -> None:
        """Part of the port."""
        for each in self._stages:
            each.end_guests(space, domain)

    def drop_microphones(self) -> None:
        """Hang up every microphone of pages, and plain calls: another machine takes them now."""
        for each in self._stages:
            each.drop_microphones()

    def end_all(self, reason: str) -> None:
        """Forget all sessions, as the workers are gone for good; nobody is left to be told."""
        for each in self._stages:
            each.end_all(reason)

    def end_stream(self, space: SpaceId) -> None:
        """End the stream over HTTP of a live space that goes on elsewhere."""
        for each in self._stages:
            each.end_stream(space)

    def knows(self, session: str) -> bool:
        """Return whether this is one of the workers' sessions."""
        return any(each.knows(session) for each in self._stages)

    # --- connections ---

    async def offer(
        self,
        space: SpaceId,
        user: UserId,
        direction: Direction,
        sdp: str,
        *,
        has_floor: bool = False,
    ) -> MediaSession:
        """Part of the port. Who listens is offered to the next worker if one has no room."""
        *before, last = self._for(space, direction)
        for each in before:
            try:
                return await each.offer(space, user, direction, sdp, has_floor=has_floor)
            except OfferRefused as refusal:
                if refusal.code not in _ELSEWHERE:
                    raise
            except AdapterError:
                if each.is_attached:
                    raise
        return await last.offer(space, user, direction, sdp, has_floor=has_floor)

    def hang_up(self, session: str) -> bool:
        """Part of the port."""
        return any(each.hang_up(session) for each in self._stages)

    def is_cut(self, session: str) -> bool:
        """Part of the port."""
        return any(each.is_cut(session) for each in self._stages)

    def has_microphone(self, space: SpaceId, user: UserId) -> bool:
        """Part of the port."""
        return any(each.has_microphone(space, user) for each in self._stages)

    def has_page_microphone(self, space: SpaceId, user: UserId) -> bool:
        """Return whether a peer of these workers is the user's microphone, and not a room."""
        return any(each.has_page_microphone(space, user) for each in self._stages)

    def listeners(self, space: SpaceId) -> int:
        """Part of the port."""
        return sum(each.listeners(space) for each in self._stages)

    def mix(self, space: SpaceId, tags: Mapping[str, str]) -> AsyncIterator[bytes]:
        """Part of the port."""
        return self._home_of(space).mix(space, tags)

    # --- sound for the captions ---

    def audio_taken(self, space: SpaceId, user: UserId, until_ms: int) -> None:
        """Part of the port."""
        self._home_of(space).audio_taken(space, user, until_ms)

    def replay_audio(self, space: SpaceId, user: UserId, from_ms: int) -> None:
        """Part of the port."""
        self._home_of(space).replay_audio(space, user, from_ms)

    # --- homes ---

    def _home_of(self, space: SpaceId) -> WorkerStage:
        """Return the home of a live space; of one that nobody has opened, the first worker."""
        home = self._homes.get(space)
        return self._stages[home if home is not None else self._found(space) or 0]

    def _gated(self, space: SpaceId) -> Iterator[WorkerStage]:
        """Return the stages at which the live space's gates may be."""
        home = self._homes.get(space)
        return iter(self._stages if home is None else (self._stages[home],))

    def _found(self, space: SpaceId) -> int | None:
        """Return the place of the worker that has mixed it since an earlier run, if any."""
        if self._one_home:
            return 0
        found = (at for at, each in enumerate(self._stages) if space in each.found_mixes)
        return next(found, None)

    def _loads(self) -> list[LocalLoad]:
        mixes = list(self._homes.values())
        return [
            LocalLoad(
                each.load,
                mixes.count(at),
                is_here=each.is_attached,
                is_crowded=each.overload >= Overload.CROWDED,
            )
            for at, each in enumerate(self._stages)
        ]

    def _for(self, space: SpaceId, direction: Direction) -> list[WorkerStage]:
        """Return who may take a session, in order: a microphone has to be at home."""
        home = self._homes.get(space)
        if home is None or direction is not Direction.LISTEN:
            return [self._home_of(space)]
        return [self._stages[at] for at in for_listener(self._loads(), home)]
