"""Remote speakers: people in the call who publish at their own server's SFU, and are heard here.

Their server's SFU is joined while one of them has the floor. It can say whatever it likes, and
speak for those alone who named it as theirs in their own member event; the live space decides.
"""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Final

from spaces_bridge.app.audiences import QuietAudience
from spaces_bridge.app.call_ports import BOT_DEVICE
from spaces_bridge.app.errors import AdapterError
from spaces_bridge.app.registry import Spaces
from spaces_bridge.app.relay_ports import RelayedParticipant, RelayedRoom, RoomRelays
from spaces_bridge.app.remote_ports import ForeignSfus, RemoteMember, RemoteMembers
from spaces_bridge.app.supervisor import TaskSupervisor
from spaces_bridge.app.usecases.calls import Calls
from spaces_bridge.core.errors import Rejected
from spaces_bridge.core.events import Event
from spaces_bridge.core.ids import SpaceId, UserId
from spaces_bridge.core.live_space import LiveSpace, Phase
from spaces_bridge.livekit.limits import OPENINGS_BURST, OPENINGS_PER_S
from spaces_bridge.livekit.relevant_changes import RelevantChanges
from spaces_bridge.livekit.remote.members import KnownMembers
from spaces_bridge.livekit.remote.room import FIRST_BACKOFF, RemoteRoom, name_of
from spaces_bridge.livekit.remote.track_states import OpenedTracks
from spaces_bridge.pacing.token_bucket import TokenBuckets

log = logging.getLogger(__name__)

SFUS_MAX: Final = 4
"""Other servers' SFUs joined for one live space."""
ALL_SFUS_MAX: Final = 20
"""Other servers' SFUs joined for all live spaces."""
FAILURES_TOLD: Final = 3
"""Tries in vain, in a row, after which people are told that they are not heard, and after which an
SFU's place is another's if that one needs it."""
JOINING: Final = "joining other SFUs"
"""Under this, tasks are counted that ask for a first token."""
TELLING: Final = "telling who is not heard"
LOOK_EVERY_S: Final = 30.0
"""Seconds between looks whether memberships have expired."""


class RemoteSpeakers(QuietAudience):
    """The remote speakers of all live spaces.

    Implements `Audience`, `RemoteMemberListener`, `RelayListener` and `RelayTokens`.
    """

    def __init__(
        self,
        spaces: Spaces,
        calls: Calls,
        relays: RoomRelays,
        sfus: ForeignSfus,
        members: RemoteMembers,
        tasks: TaskSupervisor,
    ) -> None:
        self._spaces = spaces
        self._calls = calls
        self._relays = relays
        self._sfus = sfus
        self._reader = members
        self._members = KnownMembers()
        self._used: defaultdict[SpaceId, OpenedTracks] = defaultdict(OpenedTracks)
        self._seen: defaultdict[SpaceId, RelevantChanges] = defaultdict(RelevantChanges)
        self._refused: defaultdict[SpaceId, set[UserId]] = defaultdict(set)
        """Who was told that there is no place for their SFU."""
        self._rooms: dict[tuple[SpaceId, str], RemoteRoom] = {}
        self._allowance = TokenBuckets(OPENINGS_BURST, OPENINGS_PER_S)
        self._tasks = tasks

    async def run(self) -> None:
        """Read who is in the calls, then let memberships expire; runs until cancelled."""
        unread = [space.space for space in self._spaces.open() if space.phase is Phase.LIVE]
        while True:
            unread = [space for space in unread if not await self._read(space)]
            for space in self._members.spaces:
                self._settle(space)
            await asyncio.sleep(LOOK_EVERY_S)

    async def stop(self) -> None:
        """Leave all rooms. Safe to repeat."""
        for key in list(self._rooms):
            self._leave(key)

    async def _read(self, space: SpaceId) -> bool:
        """Take note of who was there before the start; False: it is to be tried again."""
        try:
            found = await self._reader.read(space)
        except AdapterError as error:
            log.info("the call of live space %s cannot be read: %s", space, error)
            return False
        for member in found:
            if not self._members.knows(space, member.user, member.device):
                self._note(space, member)
        return True

    # --- members ------------------------------------------------------------------------------

    def member_seen(self, space: SpaceId, member: RemoteMember) -> None:
        """Take note of a device. Part of `RemoteMemberListener`."""
        self._note(space, member)
        self._settle(space)

    def member_gone(self, space: SpaceId, user: UserId, device: str, member: str) -> None:
        """Forget a device. Part of `RemoteMemberListener`."""
        if self._members.forget(space, user, device, member):
            self._settle(space)

    def _note(self, space: SpaceId, member: RemoteMember) -> None:
        self._members.note(
            space, member, lambda: {each.user for each in self._with_the_floor(space)}
        )

    # --- the live space -----------------------------------------------------------------------

    def changed(self, space: LiveSpace, events: Sequence[Event]) -> None:
        """Follow the floor. Part of `Audience`."""
        if space.space not in self._members.spaces or not self._seen[space.space].is_news(space):
            return
        try:
            self._settle(space.space)
        except Exception:  # a bug here must end neither the live space nor its pages
            log.exception("the remote speakers of live space %s are left", space.space)
            self._members.drop(space.space)
            for key in [key for key in self._rooms if key[0] == space.space]:
                with suppress(Exception):  # it may fail here again
                    self._leave(key)

    def _settle(self, space: SpaceId) -> None:
        """Join the SFUs of those who may speak now, and leave the others."""
        view = self._spaces.view(space)
        if view is None or view.phase is Phase.ENDED:
            self._members.drop(space)
            for kept in (self._used, self._seen, self._refused):
                kept.pop(space, None)
        if view is not None and view.phase is not Phase.LIVE:
            view = None
        wanted = self._wanted(space) if view is not None else {}
        names = {name_of(service) for service in wanted}
        for key in [key for key in self._rooms if key[0] == space and key[1] not in names]:
            self._leave(key)
        for service, members in wanted.items():
            room = self._room(space, service)
            if room is None:
                self._refuse(space, members)
            elif view is not None:
                room.members = members
                room.refresh(view)

    def _wanted(self, space: SpaceId) -> Mapping[str, Sequence[RemoteMember]]:
        """Return who is to be heard, by their SFUs: of each person that of the newest device."""
        there = list(self._with_the_floor(space))
        newest = {member.user: member.service for member in there}
        wanted: defaultdict[str, list[RemoteMember]] = defaultdict(list)
        for member in there:
            if newest[member.user] == member.service:
                wanted[member.service].append(member)
        return wanted

    def _with_the_floor(self, space: SpaceId) -> Iterator[RemoteMember]:
        now_ms = self._spaces.context.clock.now_ms()
        for member in self._members.of(space):
            if member.expires_at_ms is not None and member.expires_at_ms <= now_ms:
                continue
            try:
                permit = self._calls.permit(space, member.user)
            except Rejected:
                continue
            if permit.may_publish:
                yield member

    def _room(self, space: SpaceId, service: str) -> RemoteRoom | None:
        """Return the room at an SFU, joined from now on; None: there are too many."""
        key = (space, name_of(service))
        room = self._rooms.get(key)
        if room is not None:
            return room
        view = self._spaces.view(space)
        if view is None or view.room is None or not self._has_place(space):
            return None
        room = RemoteRoom(
            space,
            view.room,
            service,
            self._spaces,
            self._relays,
            self._sfus,
            self._used[space],
            BOT_DEVICE,
            self._allowance,
        )
        self._rooms[key] = room
        self._tasks.finish(_joining(key), partial(self._join, room), JOINING)
        return room

    def _has_place(self, space: SpaceId) -> bool:
        """Return whether one more SFU may be joined: where one lets nobody in, it is left."""
        among = [key for key in self._rooms if key[0] == space]
        if len(among) < SFUS_MAX:
            if len(self._rooms) < ALL_SFUS_MAX:
                return True
            among = list(self._rooms)
        worst = max(among, key=lambda key: self._rooms[key].failures)
        if self._rooms[worst].failures < FAILURES_TOLD:
            return False
        self._leave(worst)
        return True

    def _refuse(self, space: SpaceId, members: Sequence[RemoteMember]) -> None:
        """Tell people, once, that they are not heard: there is no place for their SFU."""
        told = self._refused[space]
        if not told:
            log.warning("live space %s has speakers at too many SFUs", space)
        users = {member.user for member in members} - told
        told |= users
        for user in sorted(users):
            work = partial(self._tell_unheard, space, [user])
            self._tasks.finish(f"{TELLING}: {space} {user}", work, TELLING)

    def _leave(self, key: tuple[SpaceId, str]) -> None:
        self._tasks.cancel(_joining(key))
        self._rooms.pop(key).leave()

    async def _join(self, room: RemoteRoom) -> None:
        while True:
            try:
                await room.join()
            except AdapterError as error:
                log.info("live space %s cannot hear an SFU yet: %s", room.space, error)
            else:
                return
            if room.failures == FAILURES_TOLD:
                users = {member.user for member in room.members}
                await self._tell_unheard(room.space, sorted(users))
            await asyncio.sleep(FIRST_BACKOFF.wait_s(room.failures))

    async def _tell_unheard(self, space: SpaceId, users: Sequence[UserId]) -> None:
        try:
            for user in users:
                await self._reader.tell_unheard(space, user)
        except AdapterError as error:
            log.warning("nobody can be told that they are not heard: %s", error)

    # --- relays -------------------------------------------------------------------------------

    async def token(self, space: SpaceId, room: RelayedRoom, node: str) -> str:
        """Return a fresh token. Part of `RelayTokens`; raises AdapterError."""
        known = self._rooms.get((space, room.name))
        if known is None:
            raise AdapterError("This room is not ours any more.")
        return await known.token(node)

    def room_changed(
        self, space: SpaceId, name: str, participants: Sequence[RelayedParticipant]
    ) -> None:
        """Take who is in a room. Part of `RelayListener`."""
        room = self._rooms.get((space, name))
        if room is not None:
            room.changed(participants)

    def room_lost(self, space: SpaceId, name: str, reason: str) -> None:
        """Close what is open from a room. Part of `RelayListener`."""
        room = self._rooms.get((space, name))
        if room is not None:
            log.info("live space %s hears an SFU no more: %s", space, reason)
            room.lost()

    def track_replaced(self, space: SpaceId, name: str, sid: str) -> None:
        """A microphone on the page took a track's place. Part of `RelayListener`."""
        room = self._rooms.get((space, name))
        if room is not None:
            room.replaced(sid)


def _joining(key: tuple[SpaceId, str]) -> str:
    """Return the name of the task that joins a room."""
    return f"{JOINING}: {key[0]} {key[1]}"
