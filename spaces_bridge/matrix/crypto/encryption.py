"""Encryption of the bot's own events: the one place that everything it sends goes by.

Spec: Client-Server API, "Sending encrypted messages".
"""

import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol

from spaces_bridge.core.ids import RoomId
from spaces_bridge.matrix.client.errors import Away, RequestRefused
from spaces_bridge.matrix.crypto.device_lists import DeviceLists
from spaces_bridge.matrix.crypto.encrypted_rooms import EncryptedRooms, RoomMembers
from spaces_bridge.matrix.crypto.fitting import fitted
from spaces_bridge.matrix.crypto.key_sharing import KeySharing
from spaces_bridge.matrix.crypto.olm_outbound import OlmSender
from spaces_bridge.matrix.crypto.outbound_sessions import OutboundSessions, Rotation
from spaces_bridge.matrix.crypto.peer_keys import MEGOLM
from spaces_bridge.matrix.crypto.reading import Unreadable
from spaces_bridge.matrix.events.envelope import Envelope, envelope_of
from spaces_bridge.pacing.keyed_locks import KeyedLocks

log = logging.getLogger(__name__)

CLEAR: Final = frozenset({"m.reaction", "m.room.redaction"})
"""The types that clients leave in the clear: homeservers count them."""

NOT_READY_S: Final = 1.0
"""When something is tried again that came before the bot had its device."""

Content = Mapping[str, Any]
Open = Callable[[Content, Envelope], Awaitable[Content | Unreadable]]


class DeviceState(Protocol):
    """The state of the bot's device: published, or the reason why it cannot be.

    `had_device`: it was published before, whatever is the reason that it is not now.
    """

    is_set_up: bool
    had_device: bool
    problem: str


@dataclass(frozen=True, slots=True)
class Sending:
    """The parts that there are once the bot has its device."""

    keys: KeySharing
    sessions: OutboundSessions
    members: RoomMembers
    lists: DeviceLists
    olm: OlmSender


class Encryption:
    """Encryption of what the bot sends into encrypted rooms."""

    def __init__(self, rooms: EncryptedRooms, state: DeviceState) -> None:
        self._rooms = rooms
        self._state = state
        self._sending: Sending | None = None
        self._open: Open | None = None
        self._locks = KeyedLocks()

    def begin(self, sending: Sending, open_: Open | None = None) -> None:
        """Encrypt by these parts, as soon as the homeserver has the bot's device.

        `open_` reads encrypted events (`Decryption.read`).
        """
        self._sending = sending
        self._open = open_

    @property
    def lists(self) -> DeviceLists | None:
        """Other people's devices; None while the bot has no device itself."""
        is_ready = self._sending is not None and self._state.is_set_up
        return self._sending.lists if self._sending is not None and is_ready else None

    @property
    def is_possible(self) -> bool:
        """Whether the bot can encrypt, or could: the homeserver cannot take that back.

        Else it would have the bot write in the clear by refusing it its device.
        """
        return self._state.had_device or not self._state.problem

    async def sealed(self, room: RoomId, type_: str, content: Content) -> Content | None:
        """Return the content of `m.room.encrypted` for an event; None: it goes as it is.

        That is also so where the homeserver never let the bot have a device. Raises
        RequestRefused: the room is encrypted in a way that the bot does not know; Away, also
        before the bot has its device, and while it is refused one that it had; StorageError.
        """
        if self._rooms.is_plain(room) or type_ in CLEAR:
            return None
        settings = await self._rooms.settings_of(room)
        if settings is None:
            return None
        if settings.get("algorithm") != MEGOLM:
            raise RequestRefused(
                400, "M_UNKNOWN", "the room is encrypted in a way that the bot does not know"
            )
        if not self.is_possible:
            return None
        if self._state.problem:
            raise Away(self._state.problem)
        if self._sending is None or not self._state.is_set_up:
            raise Away("The bot has no encryption device yet.", retry_after_s=NOT_READY_S)
        async with self._locks.holding(room):
            session = await self._sending.keys.session_for(room, Rotation.of(settings))
            return await self._sending.sessions.encrypt(session, type_, fitted(content))

    async def opened(self, event: Content) -> Content:
        """Return an event that was read back as its sender wrote it, or as it is.

        Raises AdapterError.
        """
        head = envelope_of(event)
        if head is None or self._open is None or not self.is_possible:
            return event
        plain = await self._open(event, head)
        return event if isinstance(plain, Unreadable) else plain

    def note(self, event: Mapping[str, Any]) -> None:
        """Note an event on its arrival: rooms get encrypted, people come and go.

        Must be quick, and safe to repeat.
        """
        self._rooms.note(event)
        if self._sending is None:
            return
        user = self._sending.members.note(event)
        if user is not None:
            self._sending.lists.doubt([user], older_than_ms=0)
        if user is not None or event.get("type") == "m.room.history_visibility":
            self._sending.sessions.doubt([event["room_id"]])

    def doubt(self) -> None:
        """Believe nothing that events said in time: some may have been missed."""
        if self._sending is not None:
            self._sending.keys.doubt()

    async def stop(self) -> None:
        """Stop handing out keys. Safe to repeat."""
        if self._sending is not None:
            await self._sending.keys.stop()
