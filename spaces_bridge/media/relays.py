"""The relays port on one media worker and the SFU client beside it.

What is wanted is remembered here, so that a client that replaces another is brought to the same
state. A relay only sends and hears messages: the client may run on another machine.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Final, TypeAlias

from spaces_bridge.app.errors import AdapterError
from spaces_bridge.app.relay_ports import (
    RelayedParticipant,
    RelayedRoom,
    RelayedTrack,
    RelayListener,
    RelayTokens,
    RoomText,
)
from spaces_bridge.app.supervisor import TaskSupervisor
from spaces_bridge.core.ids import SpaceId, UserId
from spaces_bridge.media.room_sounds import RelayedSounds
from spaces_bridge.media.sfu_client import messages
from spaces_bridge.pacing.backoff import Backoff

log = logging.getLogger(__name__)

JOIN_BACKOFF: Final = Backoff(0.5, 30.0, jitter=0.3)
"""The wait before a room is joined again, after each failure in a row."""
STEADY_S: Final = 30.0
"""A room that was held for so long was no failure when it is lost."""
ATTEMPT: Final = Backoff(4.0, 30.0)
"""The time in which each attempt in a row has to come to something. One whose place at the SFU was
taken says so after 15 s only, and then tries again by itself."""
TASK_GROUP: Final = "joining rooms"

RoomKey: TypeAlias = tuple[SpaceId, str]


@dataclass(slots=True)
class _Wanted:
    """A room that is wanted, and how far its client is.

    Of its `tracks`, `replaced` ones have yielded to a microphone on the page; sound comes of those
    `taken`.
    """

    room: RelayedRoom
    tracks: Mapping[str, UserId] = field(default_factory=dict)
    replaced: set[str] = field(default_factory=set)
    taken: Mapping[str, UserId] = field(default_factory=dict)
    attempt: int = 0
    is_in: bool = False
    joined_at: float = 0.0
    failures: int = 0

    def wanted_tracks(self) -> Mapping[str, UserId]:
        """Return the tracks that the client is to take."""
        return {sid: user for sid, user in self.tracks.items() if sid not in self.replaced}


class WorkerRelays:
    """The relays of one media worker implement `spaces_bridge.app.relay_ports.RoomRelays`.

    `heard` and `lost` are called with what comes of the client; until its first message nothing is
    sent. `numbers` are the client's.
    """

    def __init__(
        self,
        send: Callable[[messages.ToSfuClient], None],
        sounds: RelayedSounds,
        tasks: TaskSupervisor | None = None,
        *,
        node: str = "",
        backoff: Backoff = JOIN_BACKOFF,
    ) -> None:
        """`send` sends to the client without waiting; `node` is "" for the home worker's."""
        self._send, self._sounds = send, sounds
        self._tasks = tasks or TaskSupervisor()
        self._node, self._backoff = node, backoff
        self._listener: RelayListener | None = None
        self._tokens: RelayTokens | None = None
        self._wanted: dict[RoomKey, _Wanted] = {}
        self._attempts = 0
        self._is_up = False
        self.numbers: Mapping[str, float] = {}
        sounds.attend_replaced(self._replaced)

    # --- the port ---

    def attend_relays(self, listener: RelayListener, tokens: RelayTokens) -> None:
        """Part of the port."""
        self._listener, self._tokens = listener, tokens

    def join_room(self, space: SpaceId, room: RelayedRoom) -> None:
        """Part of the port. A room of a known name is left first, if it is another.

        Another address counts as a failure: who names ever new ones is asked ever more rarely.
        """
        known = self._wanted.get((space, room.name))
        if known is not None and known.room == room:
            return
        failures = 0
        if known is not None:
            failures = known.failures + 1 if known.room.url != room.url else 0
            self.leave_room(space, room.name)
        self._wanted[space, room.name] = _Wanted(room, failures=failures)
        self._publish(space)
        self._begin((space, room.name))

    def leave_room(self, space: SpaceId, name: str) -> None:
        """Part of the port."""
        wanted = self._wanted.pop((space, name), None)
        if wanted is None:
            return
        self._tasks.cancel(_task(self._node, (space, name)))
        if self._is_up:
            self._send(messages.LeaveSfuRoom(space, name))
        self._heed(space, wanted, {})
        self._publish(space)

    def take_tracks(self, space: SpaceId, name: str, tracks: Mapping[str, UserId]) -> None:
        """Part of the port."""
        wanted = self._wanted.get((space, name))
        if wanted is None or wanted.tracks == tracks:
            return
        wanted.tracks = dict(tracks)
        wanted.replaced &= tracks.keys()
        self._take(space, name, wanted)

    def send_text(self, space: SpaceId, name: str, text: RoomText) -> None:
        """Part of the port."""
        wanted = self._wanted.get((space, name))
        if wanted is not None and wanted.is_in:
            self._send(
                messages.SendSfuText(
                    space, name, text.topic, text.text, dict(text.attributes), text.sender
                )
            )

    # --- for who keeps the client ---

    def become(self, node: str) -> None:
        """Be the relay of this node from now on ("" for the home one); rooms are joined anew."""
        if node == self._node:
            return
        for key in self._wanted:
            self._tasks.cancel(_task(self._node, key))
        self._node = node
        for (space, name), wanted in self._wanted.items():
            if self._is_up:
                self._send(messages.LeaveSfuRoom(space, name))
            self._out(space, wanted)
            self._begin((space, name))

    def is_in(self, space: SpaceId, name: str) -> bool:
        """Return whether the client is in this room."""
        wanted = self._wanted.get((space, name))
        return wanted is not None and wanted.is_in

    def stop(self) -> None:
        """End all that runs here; the client is its keeper's to end."""
        self._is_up = False
        self._tasks.cancel(*(_task(self._node, key) for key in self._wanted))

    def heard(self, message: messages.FromSfuClient) -> None:
        """Take a message of the client's; of an attempt that is over nothing is taken."""
        match message:
            case messages.SfuClientReady():
                self.lost()
                self._is_up = True
                for key in self._wanted:
                    self._begin(key)
            case messages.SfuStats():
                self.numbers = message.numbers
            case messages.SfuPong():
                pass
            case _:
                wanted = self._wanted.get((message.space, message.name))
                if wanted is not None and wanted.attempt == message.attempt:
                    self._of_room(wanted, message)

    def lost(self, reason: str = "the SFU client ended") -> None:
        """Note that there is no client any more: it is in no room."""
        self._is_up, self.numbers = False, {}
        for key, wanted in list(self._wanted.items()):
            self._tasks.cancel(_task(self._node, key))
            was_in = wanted.is_in
            self._out(key[0], wanted)
            if was_in:
                self._tell_lost(key, reason)

    # --- rooms ---

    def _of_room(
        self,
        wanted: _Wanted,
        message: messages.SfuRoomJoined
        | messages.SfuParticipants
        | messages.SfuTracksTaken
        | messages.SfuRoomLost,
    ) -> None:
        space, name = message.space, message.name
        match message:
            case messages.SfuRoomJoined():
                wanted.is_in, wanted.joined_at = True, asyncio.get_running_loop().time()
                log.info("joined a room of live space %s", space)
                self._take(space, name, wanted)
            case messages.SfuParticipants() if self._listener is not None:
                people = tuple(map(_participant, message.participants))
                self._listener.room_changed(space, name, people)
            case messages.SfuParticipants():
                pass
            case messages.SfuTracksTaken():
                known = wanted.wanted_tracks()
                self._heed(space, wanted, {s: known[s] for s in message.sids if s in known})
            case messages.SfuRoomLost():
                self._lost_room((space, name), wanted, message.reason)

    def _lost_room(self, key: RoomKey, wanted: _Wanted, reason: str) -> None:
        was_in = wanted.is_in
        held_s = asyncio.get_running_loop().time() - wanted.joined_at if was_in else 0.0
        wanted.failures = 1 if held_s >= STEADY_S else wanted.failures + 1
        if wanted.failures == 1:
            log.warning("a room of live space %s is lost and joined again: %s", key[0], reason)
        self._out(key[0], wanted)
        self._begin(key)
        if was_in:
            self._tell_lost(key, reason)

    def _tell_lost(self, key: RoomKey, reason: str) -> None:
        if self._listener is not None:
            self._listener.room_lost(*key, reason)

    def _out(self, space: SpaceId, wanted: _Wanted) -> None:
        """Note that the client is not in this room, and heed nothing more of its attempt."""
        wanted.is_in, wanted.attempt = False, 0
        self._heed(space, wanted, {})

    def _begin(self, key: RoomKey) -> None:
        """Have a room joined as soon as may be, if there is a client."""
        if self._is_up:
            self._tasks.finish(_task(self._node, key), partial(self._join, key), TASK_GROUP)

    async def _join(self, key: RoomKey) -> None:
        """Ask the client to join with a fresh token, once there is one."""
        wanted = self._wanted[key]
        token = await self._token(key[0], wanted)
        self._attempts += 1
        wanted.attempt = self._attempts
        self._send(
            messages.JoinSfuRoom(
                key[0],
                key[1],
                wanted.attempt,
                wanted.room.url,
                token,
                publishes=wanted.room.publishes,
                reports=not self._node,
            )
        )
        loop = asyncio.get_running_loop()
        patience_s = ATTEMPT.wait_s(wanted.failures + 1)
        loop.call_later(patience_s, self._give_up, key, wanted.attempt)

    def _give_up(self, key: RoomKey, attempt: int) -> None:
        """Join a room anew if nothing has come of an attempt: a message of it was lost."""
        wanted = self._wanted.get(key)
        if self._is_up and wanted is not None and wanted.attempt == attempt and not wanted.is_in:
            self._lost_room(key, wanted, "no answer in time")

    async def _token(self, space: SpaceId, wanted: _Wanted) -> str:
        """Ask for a token until there is one, first waiting for what failed before."""
        assert self._tokens is not None
        while True:
            await asyncio.sleep(self._backoff.wait_s(wanted.failures))
            try:
                return await self._tokens.token(space, wanted.room, self._node)
            except AdapterError as problem:
                wanted.failures += 1
                if wanted.failures == 1:
                    log.warning("no token for a room of live space %s: %s", space, problem)

    # --- sound ---

    def _replaced(self, space: SpaceId, user: UserId) -> None:
        """Take a user's tracks no more: their microphone is one on the page now."""
        for (other, name), wanted in list(self._wanted.items()):
            if other != space:
                continue
            gone = [sid for sid, whose in wanted.wanted_tracks().items() if whose == user]
            if not gone:
                continue
            wanted.replaced.update(gone)
            self._take(space, name, wanted)
            for sid in gone:
                if self._listener is not None:
                    self._listener.track_replaced(space, name, sid)

    def _take(self, space: SpaceId, name: str, wanted: _Wanted) -> None:
        """Bring the client to the tracks that are wanted now."""
        tracks = wanted.wanted_tracks()
        if wanted.is_in:
            self._send(messages.TakeSfuTracks(space, name, tracks))
        still = {sid: user for sid, user in wanted.taken.items() if tracks.get(sid) == user}
        self._heed(space, wanted, still)

    def _heed(self, space: SpaceId, wanted: _Wanted, taken: Mapping[str, UserId]) -> None:
        """Tell the worker whose sound comes newly from a room, and whose no longer."""
        new = {user for sid, user in taken.items() if wanted.taken.get(sid) != user}
        before = set(wanted.taken.values())
        wanted.taken = taken
        for user in before - self._users(space):
            self._sounds.drop(space, user)
        for user in new:
            self._sounds.use(space, user)

    def _users(self, space: SpaceId) -> set[UserId]:
        """Return the users whose sound comes from any room of a live space."""
        return {
            user
            for (other, _), wanted in self._wanted.items()
            if other == space
            for user in wanted.taken.values()
        }

    def _publish(self, space: SpaceId) -> None:
        """Tell the worker whether its speakers are published anywhere."""
        rooms = [each for (other, _), each in self._wanted.items() if other == space]
        self._sounds.publish(space, any(each.room.publishes for each in rooms))


def _task(node: str, key: RoomKey) -> str:
    return f"room {key[1]} of {key[0]} at {node or 'home'}"


def _participant(seen: messages.SfuParticipant) -> RelayedParticipant:
    return RelayedParticipant(
        seen.identity,
        seen.sid,
        seen.attributes,
        seen.may_publish,
        tuple(RelayedTrack(each.sid, each.name, each.is_muted) for each in seen.tracks),
    )
