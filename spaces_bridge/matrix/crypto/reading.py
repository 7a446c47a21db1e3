"""Encrypted events of rooms, read. Spec: Client-Server API, "m.megolm.v1.aes-sha2".

A message index of a session belongs to one event for ever: the same ciphertext in another event
is a replay. The payload must name the event's room, and the key must come from a device of the
event's sender.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import vodozemac

from spaces_bridge.app.crypto_ports import CryptoStore, InboundSession, ReadMessage, Withheld
from spaces_bridge.app.ports import Clock
from spaces_bridge.core.ids import UserId
from spaces_bridge.matrix.crypto.json_text import object_in
from spaces_bridge.matrix.crypto.limits import INDEX_MAX
from spaces_bridge.matrix.crypto.room_keys import MEGOLM
from spaces_bridge.matrix.events.envelope import Envelope, is_id

IsDeviceOf = Callable[[UserId, str, str], Awaitable[bool]]
"""Says whether a device of this user has these Curve25519 and Ed25519 keys.

It raises AdapterError."""


NEVER_ENCRYPTED = frozenset({"m.room.encrypted", "m.room.redaction"})
"""Types that mean nothing inside: homeservers check redactions, and nobody encrypts twice."""


class ReadFailure(StrEnum):
    """Why an event cannot be read. The values are labels of a metric."""

    NO_KEY = "no_key"
    WITHHELD = "withheld"
    GARBAGE = "garbage"
    REPLAYED = "replayed"
    OTHER_ROOM = "other_room"
    FOREIGN_DEVICE = "foreign_device"


@dataclass(frozen=True, slots=True)
class Unreadable:
    """An event that cannot be read; `session` is empty where it names none that could be.

    `code`: the spec's word for why a key was withheld.
    """

    reason: ReadFailure
    session: str = ""
    code: str = ""

    @property
    def may_change(self) -> bool:
        """Whether what lacks may still come: a key, or the sender's word for the device."""
        return self.reason in {
            ReadFailure.NO_KEY,
            ReadFailure.WITHHELD,
            ReadFailure.FOREIGN_DEVICE,
        }


class Decryption:
    """The reader of encrypted events."""

    def __init__(
        self, store: CryptoStore, pickle_key: bytes, is_device_of: IsDeviceOf, clock: Clock
    ) -> None:
        self._store = store
        self._pickle_key = pickle_key
        self._is_device_of = is_device_of
        self._clock = clock

    async def read(
        self, event: Mapping[str, Any], head: Envelope
    ) -> Mapping[str, Any] | Unreadable:
        """Return the event as its sender wrote it. Safe to repeat.

        `head`: the event's envelope. Raises AdapterError.
        """
        session_id, message = _ciphertext(head.content)
        if message is None:
            return Unreadable(ReadFailure.GARBAGE)
        held = await self._held(head, session_id, message)
        if held is None:
            return await self._without_key(head, session_id)
        if not await self._is_device_of(head.sender, held.sender_key, held.signing_key):
            return Unreadable(ReadFailure.FOREIGN_DEVICE, session_id)
        return await self._decrypted(event, head, held, message)

    async def is_readable(self, head: Envelope) -> bool:
        """Return whether there is a key for this event, from a device of its sender.

        Raises AdapterError.
        """
        session_id, message = _ciphertext(head.content)
        held = None if message is None else await self._held(head, session_id, message)
        return held is not None and await self._is_device_of(
            head.sender, held.sender_key, held.signing_key
        )

    async def _held(
        self, head: Envelope, session_id: str, message: vodozemac.MegolmMessage
    ) -> InboundSession | None:
        """Return the session that reads the message, as a device of its sender gave it to us."""
        found = await self._store.find(
            InboundSession, room=head.room, session=session_id, sender=head.sender
        )
        fitting = [each for each in found if each.first_index <= message.message_index()]
        return min(fitting, key=lambda each: each.first_index, default=None)

    async def _without_key(self, head: Envelope, session_id: str) -> Unreadable:
        [*withheld] = await self._store.find(
            Withheld, room=head.room, session=session_id, sender=head.sender
        )
        if withheld:
            return Unreadable(ReadFailure.WITHHELD, session_id, withheld[0].code)
        return Unreadable(ReadFailure.NO_KEY, session_id)

    async def _decrypted(
        self,
        event: Mapping[str, Any],
        head: Envelope,
        held: InboundSession,
        message: vodozemac.MegolmMessage,
    ) -> Mapping[str, Any] | Unreadable:
        session = vodozemac.InboundGroupSession.from_pickle(held.pickle, self._pickle_key)
        try:
            decrypted = session.decrypt(message)
        except ValueError:
            return Unreadable(ReadFailure.GARBAGE)
        payload = object_in(bytes(decrypted.plaintext))
        type_ = payload.get("type") if payload is not None else None
        content = payload.get("content") if payload is not None else None
        if payload is None or not is_id(type_) or not isinstance(content, Mapping):
            return Unreadable(ReadFailure.GARBAGE)
        if type_ in NEVER_ENCRYPTED:
            return Unreadable(ReadFailure.GARBAGE)
        if payload.get("room_id") != head.room:
            return Unreadable(ReadFailure.OTHER_ROOM)
        if not await self._is_first(head, held, decrypted.message_index):
            return Unreadable(ReadFailure.REPLAYED)
        return {**event, "type": type_, "content": _with_relation(content, head.content)}

    async def _is_first(self, head: Envelope, held: InboundSession, index: int) -> bool:
        """Return whether this message was in no other event before, and note it as read."""
        read = await self._store.find(
            ReadMessage, session=held.session, sender_key=held.sender_key, index=index
        )
        if read:
            return read[0].event == head.event
        note = ReadMessage(held.session, held.sender_key, index, head.event, self._clock.now_ms())
        await self._store.apply([note])
        return True


def _ciphertext(content: Mapping[str, Any]) -> tuple[str, vodozemac.MegolmMessage | None]:
    session_id, text = content.get("session_id"), content.get("ciphertext")
    if content.get("algorithm") != MEGOLM or not is_id(session_id) or not isinstance(text, str):
        return "", None
    try:
        message = vodozemac.MegolmMessage.from_base64(text)
    except ValueError:
        return "", None
    return str(session_id), message if message.message_index() <= INDEX_MAX else None


def _with_relation(content: Mapping[str, Any], clear: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the content with the relation that stands in the clear, where it has none itself."""
    if "m.relates_to" in content or "m.relates_to" not in clear:
        return content
    return {**content, "m.relates_to": clear["m.relates_to"]}
