"""Which rooms are encrypted, and who is in them. Spec: Client-Server API, "m.room.encryption"."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from spaces_bridge.app.crypto_ports import CryptoStore, EncryptedRoom
from spaces_bridge.core.ids import RoomId, UserId
from spaces_bridge.matrix.events.envelope import envelope_of, is_id, is_user_id

ENCRYPTION: Final = "m.room.encryption"

PLAIN_FOR_S: Final = 300.0
"""Seconds that an answer "not encrypted" is used again, where no event says otherwise."""
PLAIN_KEPT: Final = 5000
"""Rooms that are known to be unencrypted; the one longest known is asked for again first."""
ENCRYPTED_HELD: Final = 5000
"""Rooms that are known to be encrypted and held in memory, besides the database."""
CHANGED_HELD: Final = 5000
"""Rooms of which it is remembered that they may be encrypted in another way by now."""
MEMBERS_KEPT: Final = 200
"""Rooms whose members are held in memory."""

ROTATION: Final = ("rotation_period_ms", "rotation_period_msgs")
NUMBER_MAX: Final = 2**53 - 1
"""The largest number of an event. Spec: Appendices, "Canonical JSON"."""

Content = Mapping[str, Any]


def _settings(content: Content) -> Content:
    """Return what counts of a room's `m.room.encryption`: whoever wrote it can add anything."""
    algorithm = content.get("algorithm")
    kept: dict[str, Any] = {"algorithm": algorithm} if is_id(algorithm) else {}
    for name in ROTATION:
        number = content.get(name)
        if isinstance(number, int) and abs(number) <= NUMBER_MAX:
            kept[name] = number
    return kept


def _is_same_algorithm(known: Content, found: Content | None) -> bool:
    return found is not None and found.get("algorithm") == known.get("algorithm")


class RoomStateReader(Protocol):
    """The port to what a room is now. Raises RequestRefused, Away."""

    async def state(self, room: RoomId, type_: str, key: str = "") -> Content | None: ...

    async def joined(self, room: RoomId) -> Mapping[UserId, str | None]: ...

    async def invited(self, room: RoomId) -> list[UserId]: ...


@dataclass(slots=True)
class Members:
    """The people in a room; `invited` is empty where they may not see what was said before."""

    joined: set[UserId] = field(default_factory=set)
    invited: set[UserId] = field(default_factory=set)

    @property
    def all(self) -> set[UserId]:
        """Everybody who gets the keys of messages."""
        return self.joined | self.invited


class EncryptedRooms:
    """The knowledge of which rooms are encrypted: one that was once is for ever.

    Homeservers tell of it in time by transactions, and are asked where that may have failed.
    """

    def __init__(
        self,
        reader: RoomStateReader,
        store: CryptoStore,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._reader = reader
        self._store = store
        self._clock = clock
        self._encrypted: OrderedDict[RoomId, Content] = OrderedDict()
        self._plain: OrderedDict[RoomId, float] = OrderedDict()
        self._changed: OrderedDict[RoomId, None] = OrderedDict()
        """Rooms in which an event has said how they are encrypted, since they were asked for."""
        self._epoch = 0

    def is_plain(self, room: RoomId) -> bool:
        """Return whether the room is known to be unencrypted: a look at a dictionary."""
        return self._clock() - self._plain.get(room, -PLAIN_FOR_S) < PLAIN_FOR_S

    async def is_encrypted(self, room: RoomId) -> bool:
        """Return whether the room is encrypted (`RoomSecrecy`). Raises as `settings_of`."""
        return await self.settings_of(room) is not None

    async def was_encrypted(self, room: RoomId) -> bool:
        """Return whether the room was seen encrypted; nobody is asked. Raises StorageError."""
        return await self._known(room) is not None

    async def settings_of(self, room: RoomId) -> Content | None:
        """Return what counts of the room's `m.room.encryption`; None: it is not encrypted.

        That is its algorithm, and when its session changes. Raises RequestRefused, Away,
        StorageError.
        """
        if self.is_plain(room):
            return None
        known = await self._known(room)
        if known is not None and room not in self._changed:
            return known
        epoch = self._epoch
        found = await self._reader.state(room, ENCRYPTION)
        content = _settings(found) if found is not None else None
        self._changed.pop(room, None)
        if known is not None and not _is_same_algorithm(known, content):
            return known  # nobody takes encryption back, or changes it to what is none
        if content is not None:
            await self._store.apply([EncryptedRoom(room, content)])
            self._hold(room, content)
            return content
        if epoch == self._epoch:  # else somebody may have encrypted a room just now
            self._plain[room] = self._clock()
            self._plain.move_to_end(room)
            while len(self._plain) > PLAIN_KEPT:
                self._plain.popitem(last=False)
        return None

    def note(self, event: Mapping[str, Any]) -> None:
        """Note an event on its arrival: from now on, its room may be encrypted."""
        room = event.get("room_id")
        if event.get("type") == ENCRYPTION and "state_key" in event and isinstance(room, str):
            self._epoch += 1
            self._plain.pop(RoomId(room), None)
            self._changed[RoomId(room)] = None
            while len(self._changed) > CHANGED_HELD:
                self._changed.popitem(last=False)

    def doubt(self) -> None:
        """Forget which rooms are unencrypted: events may have been missed."""
        self._epoch += 1
        self._plain.clear()

    async def _known(self, room: RoomId) -> Content | None:
        """Return how the room was seen encrypted; None: it was not. Raises StorageError."""
        if room in self._encrypted:
            self._encrypted.move_to_end(room)
            return self._encrypted[room]
        for row in await self._store.find(EncryptedRoom, room=room):
            self._hold(room, row.content)
            return row.content
        return None

    def _hold(self, room: RoomId, content: Content) -> None:
        self._encrypted[room] = content
        self._encrypted.move_to_end(room)
        while len(self._encrypted) > ENCRYPTED_HELD:
            self._encrypted.popitem(last=False)


class RoomMembers:
    """The members of encrypted rooms, read once and then followed by their events."""

    def __init__(self, reader: RoomStateReader) -> None:
        self._reader = reader
        self._rooms: OrderedDict[RoomId, Members] = OrderedDict()
        self._read: set[RoomId] = set()
        """Rooms that are being read; one whose members change meanwhile is taken out."""

    async def of(self, room: RoomId) -> Members:
        """Return the room's members. Raises RequestRefused, Away."""
        held = self._rooms.get(room)
        if held is not None:
            return held
        self._read.add(room)
        joined, invited, visibility = await asyncio.gather(
            self._reader.joined(room),
            self._reader.invited(room),
            self._reader.state(room, "m.room.history_visibility"),
        )
        # by the spec, somebody invited may read on, unless the room shows history from the join
        hidden = (visibility or {}).get("history_visibility") == "joined"
        members = Members(set(joined), set() if hidden else set(invited))
        if room in self._read:
            self._read.discard(room)
            self._rooms[room] = members
            while len(self._rooms) > MEMBERS_KEPT:
                self._rooms.popitem(last=False)
        return members

    def note(self, event: Mapping[str, Any]) -> UserId | None:
        """Note an event on its arrival.

        Returns whose membership of a room it changes; None: nobody's.
        """
        if event.get("type") not in ("m.room.member", "m.room.history_visibility"):
            return None
        head = envelope_of(event)
        if head is None or head.state_key is None:
            return None
        if head.type == "m.room.history_visibility":
            self.forget(head.room)
        if head.type != "m.room.member" or not is_user_id(head.state_key):
            return None
        self._read.discard(head.room)
        user, held = UserId(str(head.state_key)), self._rooms.get(head.room)
        membership = head.content.get("membership")
        if held is None:
            return user
        held.joined.discard(user)
        held.invited.discard(user)
        if membership == "join":
            held.joined.add(user)
        elif membership == "invite":
            self.forget(head.room)  # whether invited people count is asked anew
        return user

    def doubt(self) -> None:
        """Forget all members: events may have been missed."""
        self._read.clear()
        self._rooms.clear()

    def forget(self, room: RoomId) -> None:
        """Have the room's members read anew."""
        self._read.discard(room)
        self._rooms.pop(room, None)
