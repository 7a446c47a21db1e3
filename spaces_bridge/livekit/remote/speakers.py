"""Remote speakers: people in the call who publish at their own server's SFU, and are heard here.

Their server's SFU is joined while one of them has the floor. It can say whatever it likes, and
speak for those alone who named it as theirs in their own member event; the live space decides.
"""

import asyncio
import logging
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
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
from spaces_bridge.livekit.limits import DEVICES_MAX
from spaces_bridge.livekit.remote.acts import UsedActs
from spaces_bridge.livekit.remote.room import FIRST_BACKOFF, RemoteRoom
from spaces_bridge.livekit.seen import Seen

log = logging.getLogger(__name__)

SFUS_MAX: Final = 4
"""Other servers' SFUs joined for one live space."""
ALL_SFUS_MAX: Final = 20
"""Other servers' SFUs joined for all live spaces."""
MEMBERS_MAX: Final = 500
"""Devices of one live space that are remembered."""
FAILURES_TOLD: Final = 3
"""Tokens refused in a row after which people are told that they are not heard."""
JOINING: Final = "joining other SFUs"
"""Under this, tasks are counted that ask for a first token."""
LOOK_EVERY_S: Final = 30.0
"""Seconds between looks whether memberships have expired."""

_Members = dict[tuple[UserId, str], RemoteMember]


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
        self._members: dict[SpaceId, _Members] = {}
        self._used: defaultdict[SpaceId, UsedActs] = defaultdict(UsedActs)
        self._seen: defaultdict[SpaceId, Seen] = defaultdict(Seen)
        self._crowded = set[SpaceId]()
        """Live spaces of which was logged that they have too many SFUs."""
        self._rooms: dict[tuple[SpaceId, str], RemoteRoom] = {}
        self._tasks = tasks

    async def run(self) -> None:
        """Read who is in the calls, then let memberships expire; runs until cancelled."""
        unread = [space.space for space in self._spaces.open() if space.phase is Phase.LIVE]
        while True:
            unread = [space for space in unread if not await self._read(space)]
            for space in list(self._members):
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
            if (member.user, member.device) not in self._members.get(space, {}):
                self._note(space, member)
        return True

    # --- members ------------------------------------------------------------------------------

    def member_seen(self, space: SpaceId, member: RemoteMember) -> None:
        """Take note of a device. Part of `RemoteMemberListener`."""
        self._note(space, member)
        self._settle(space)

    def member_gone(self, space: SpaceId, user: UserId, device: str, member: str) -> None:
        """Forget a device. Part of `RemoteMemberListener`."""
        members = self._members.get(space, {})
        gone = [
            key
            for key, known in members.items()
            if known.user == user and (known.device == device or known.member == member)
        ]
        for key in gone:
            del members[key]
        if gone:
            self._settle(space)

    def _note(self, space: SpaceId, member: RemoteMember) -> None:
        members = self._members.setdefault(space, {})
        of_user = Counter(user for user, _ in members)[member.user]
        key = (member.user, member.device)
        if key not in members:
            if of_user >= DEVICES_MAX:
                return
            if len(members) >= MEMBERS_MAX:  # nobody is kept out by a crowd that listens
                heard = {each.user for each in self._with_the_floor(space)}
                del members[next(key for key in members if key[0] not in heard)]
        members[key] = member

    # --- the live space -----------------------------------------------------------------------

    def changed(self, space: LiveSpace, events: Sequence[Event]) -> None:
        """Follow the floor. Part of `Audience`."""
        if space.space not in self._members or not self._seen[space.space].is_news(space):
            return
        try:
            self._settle(space.space)
        except Exception:  # a bug here must end neither the live space nor its pages
            log.exception("the remote speakers of live space %s are left", space.space)
            self._members.pop(space.space, None)
            for key in [key for key in self._rooms if key[0] == space.space]:
                with suppress(Exception):  # it may fail here again
                    self._leave(key)

    def _settle(self, space: SpaceId) -> None:
        """Join the SFUs of those who may speak now, and leave the others."""
        view = self._spaces.view(space)
        if view is None or view.phase is Phase.ENDED:
            for kept in (self._members, self._used, self._seen):
                kept.pop(space, None)
            self._crowded.discard(space)
        if view is not None and view.phase is not Phase.LIVE:
            view = None
        wanted: defaultdict[str, list[RemoteMember]] = defaultdict(list)
        if view is not None:
            for member in self._with_the_floor(space):
                wanted[member.service].append(member)
        for key in [key for key in self._rooms if key[0] == space and key[1] not in wanted]:
            self._leave(key)
        for name, members in wanted.items():
            room = self._room(space, name)
            if room is not None and view is not None:
                room.members = members
                room.refresh(view)

    def _with_the_floor(self, space: SpaceId) -> Iterator[RemoteMember]:
        now_ms = self._spaces.context.clock.now_ms()
        for member in self._members.get(space, {}).values():
            if member.expires_at_ms is not None and member.expires_at_ms <= now_ms:
                continue
            try:
                permit = self._calls.permit(space, member.user)
            except Rejected:
                continue
            if permit.may_publish:
                yield member

    def _room(self, space: SpaceId, name: str) -> RemoteRoom | None:
        """Return the room at an SFU, joined from now on; None: there are too many."""
        key = (space, name)
        room = self._rooms.get(key)
        if room is not None:
            return room
        view = self._spaces.view(space)
        here = sum(where == space for where, _ in self._rooms)
        if view is None or view.room is None:
            return None
        if here >= SFUS_MAX or len(self._rooms) >= ALL_SFUS_MAX:
            if space not in self._crowded:
                self._crowded.add(space)
                log.warning("live space %s has speakers at too many SFUs", space)
            return None
        room = RemoteRoom(
            space,
            view.room,
            name,
            self._spaces,
            self._relays,
            self._sfus,
            self._used[space],
            BOT_DEVICE,
        )
        self._rooms[key] = room
        self._tasks.finish(_joining(key), partial(self._join, room), JOINING)
        return room

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
                await self._tell_unheard(room)
            await asyncio.sleep(FIRST_BACKOFF.wait_s(room.failures))

    async def _tell_unheard(self, room: RemoteRoom) -> None:
        try:
            for user in sorted({member.user for member in room.members}):
                await self._reader.tell_unheard(room.space, user)
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
