"""The Megolm sessions by which the bot's messages are encrypted, one for each room at a time.

A session is stored advanced before what it encrypted leaves: after a crash no index is used twice.
Spec: Client-Server API, "m.megolm.v1.aes-sha2"; when a session ends: "m.room.encryption".
"""

import json
import logging
from collections import OrderedDict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, Self

from vodozemac import GroupSession, InboundGroupSession

from spaces_bridge.app.crypto_ports import (
    CryptoStore,
    InboundSession,
    KeyShare,
    OutboundSession,
)
from spaces_bridge.app.ports import Clock
from spaces_bridge.core.ids import RoomId, UserId
from spaces_bridge.matrix.crypto.olm_outbound import OlmAccount
from spaces_bridge.matrix.crypto.peer_keys import MEGOLM

log = logging.getLogger(__name__)

Content = Mapping[str, Any]
DeviceName = tuple[UserId, str]

KEPT: Final = 500
"""Rooms whose sessions are held in memory, besides the database."""

GIVE_AGAIN: Final = ""
"""The key of a `KeyShare` whose device is given the session's key again: no device has it."""

PERIOD_MS: Final = 604_800_000
MESSAGES: Final = 100
"""How long, and for how many messages, a session is used where the room does not say."""
PERIOD_MIN_MS: Final = 3_600_000
MESSAGES_MAX: Final = 10_000
"""No room makes the bot change sessions all the time by its age, or keep one for ever."""


@dataclass(frozen=True, slots=True)
class Rotation:
    """How long, and for how many messages, a room's session is used."""

    period_ms: int = PERIOD_MS
    messages: int = MESSAGES

    @classmethod
    def of(cls, content: Content) -> Self:
        """Return what the content of `m.room.encryption` says, within bounds."""
        period_ms = _whole(content.get("rotation_period_ms"), PERIOD_MS)
        messages = _whole(content.get("rotation_period_msgs"), MESSAGES)
        return cls(max(PERIOD_MIN_MS, period_ms), min(max(1, messages), MESSAGES_MAX))


@dataclass(slots=True)
class RoomSession:
    """A room's session in use, and what each device got of it.

    `people`: those whose devices were looked at when the key was handed out last. `is_shared`:
    everybody who is to have the key has it, and nothing came up since that looking began.
    `again_at_ms`: when to look again, because somebody could not be given it; None: nobody.
    """

    room: RoomId
    group: GroupSession
    created_at_ms: int
    shares: dict[DeviceName, KeyShare] = field(default_factory=dict)
    people: frozenset[UserId] = frozenset()
    is_shared: bool = False
    is_doubted: bool = False
    again_at_ms: int | None = None

    def doubt(self) -> None:
        """Have it looked at who is to have the key before the next message."""
        self.is_shared = False
        self.is_doubted = True

    def is_worn(self, rotation: Rotation, now_ms: int) -> bool:
        """Return whether the session was used for as long, or as often, as the room allows."""
        age_ms = now_ms - self.created_at_ms
        return self.group.message_index >= rotation.messages or age_ms >= rotation.period_ms

    def holders(self) -> Collection[DeviceName]:
        """Return the devices that have its key."""
        return [name for name, share in self.shares.items() if not share.code]


class OutboundSessions:
    """The sessions of all rooms. Methods that store raise StorageError."""

    def __init__(self, store: CryptoStore, account: OlmAccount, clock: Clock) -> None:
        self._store = store
        self._account = account
        self._clock = clock
        self._rooms: OrderedDict[RoomId, RoomSession] = OrderedDict()
        self.encrypted = 0
        """How many events were encrypted, for the metrics."""

    def held(self, room: RoomId) -> RoomSession | None:
        """Return the room's session if it is in memory."""
        return self._rooms.get(room)

    async def of(self, room: RoomId) -> RoomSession | None:
        """Return the room's session, None where it has none yet."""
        session = self._rooms.get(room)
        return session if session is not None else await self._load(room)

    async def make(self, room: RoomId) -> RoomSession:
        """Return a new session for the room, which nobody has the key of."""
        group = GroupSession()
        before = await self.of(room)
        gone = list(before.shares.values()) if before is not None else []
        session = RoomSession(room, group, self._clock.now_ms())
        await self._store.apply([self._record(session), self._own_key(session)], gone)
        self._hold(session)
        return session

    async def encrypt(self, session: RoomSession, type_: str, content: Content) -> Content:
        """Return the content of `m.room.encrypted` for an event, once it may leave.

        The relation stays outside, too, so that the homeserver can count threads and edits.
        """
        payload = {"type": type_, "content": content, "room_id": session.room}
        message = session.group.encrypt(json.dumps(payload, ensure_ascii=False).encode())
        await self._store.apply([self._record(session)])
        self.encrypted += 1
        sealed: dict[str, Any] = {
            "algorithm": MEGOLM,
            "ciphertext": message.to_base64(),
            "session_id": session.group.session_id,
            "sender_key": self._account.curve25519,
            "device_id": self._account.device,
        }
        relation = content.get("m.relates_to")
        return {**sealed, "m.relates_to": relation} if relation is not None else sealed

    def doubt(self, rooms: Collection[RoomId] | None = None) -> None:
        """Have it looked at who is to have the key before the next message; None: of all rooms."""
        for room in list(self._rooms) if rooms is None else rooms:
            session = self._rooms.get(room)
            if session is not None:
                session.doubt()

    def doubt_people(self, users: Collection[UserId]) -> None:
        """Have it looked at again in every room in which somebody of these is."""
        for session in self._rooms.values():
            if not session.people.isdisjoint(users):
                session.doubt()

    async def give_again(self, user: UserId, curve25519: str) -> None:
        """Note that a device may not have got what it was given: it gets keys again.

        It gets them with the next message, from that one on. It still counts as one that has
        them: when it goes, the session is changed. Raises StorageError.
        """
        shares = await self._store.find(KeyShare, user=user, curve25519=curve25519)
        given = [replace(share, curve25519=GIVE_AGAIN) for share in shares if not share.code]
        await self._store.apply(given, [share for share in shares if share.code])
        for session in self._rooms.values():
            for name, share in list(session.shares.items()):
                if (share.user, share.curve25519) != (user, curve25519):
                    continue
                if share.code:
                    del session.shares[name]
                else:
                    session.shares[name] = replace(share, curve25519=GIVE_AGAIN)
                session.doubt()

    async def give_again_to(self, devices: Collection[DeviceName]) -> None:
        """Do the same for devices to which messages did not leave. Raises StorageError."""
        for user in {user for user, _ in devices}:
            shares = await self._store.find(KeyShare, user=user)
            keys = {share.curve25519 for share in shares if (user, share.device) in devices}
            for curve25519 in keys - {GIVE_AGAIN}:
                await self.give_again(user, curve25519)

    def drop(self, room: RoomId) -> None:
        """Have the room's session read again: what is in memory may not be what is stored."""
        self._rooms.pop(room, None)

    async def _load(self, room: RoomId) -> RoomSession | None:
        for row in await self._store.find(OutboundSession, room=room):
            try:
                group = GroupSession.from_pickle(row.pickle, self._account.pickle_key)
            except ValueError:
                log.error("the session of %s cannot be read: it gets another one", room)
                return None
            session = RoomSession(room, group, row.created_at_ms)
            for share in await self._store.find(KeyShare, session=row.session):
                session.shares[share.user, share.device] = share
            self._hold(session)
            return session
        return None

    def _hold(self, session: RoomSession) -> None:
        self._rooms[session.room] = session
        self._rooms.move_to_end(session.room)
        while len(self._rooms) > KEPT:
            self._rooms.popitem(last=False)

    def _own_key(self, session: RoomSession) -> InboundSession:
        """Return what is stored so that the bot reads its own messages back."""
        own = InboundGroupSession(session.group.session_key)
        return InboundSession(
            session.room,
            session.group.session_id,
            self._account.curve25519,
            self._account.ed25519,
            self._account.user,
            own.pickle(self._account.pickle_key),
            own.first_known_index,
            session.created_at_ms,
        )

    def _record(self, session: RoomSession) -> OutboundSession:
        group = session.group
        pickle = group.pickle(self._account.pickle_key)
        return OutboundSession(
            session.room, group.session_id, pickle, group.message_index, session.created_at_ms
        )


def _whole(value: object, default: int) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else default
