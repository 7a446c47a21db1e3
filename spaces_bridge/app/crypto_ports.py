"""The port of the store of encryption: the bot's device and everything its sessions are made of.

Secrets reach the store encrypted: pickles of vodozemac, and the seeds of cross-signing keys. The
store reads none of them. Times are Unix milliseconds.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from spaces_bridge.app.records import JsonObject
from spaces_bridge.core.ids import EventId, RoomId, UserId


@dataclass(frozen=True, slots=True)
class OwnDevice:
    """The bot's encryption device; there is one. `account`: the pickled Olm account.

    `is_published`: the homeserver took the device's identity keys.
    """

    user: UserId
    device: str
    account: str
    is_published: bool
    created_at_ms: int


@dataclass(frozen=True, slots=True)
class OwnIdentity:
    """The bot's cross-signing keys; there is one set. `seeds`: the encrypted private keys.

    The public keys are unpadded base64. `is_published`: the homeserver took keys and signatures.
    """

    master: str
    self_signing: str
    user_signing: str
    seeds: str
    is_published: bool


@dataclass(frozen=True, slots=True)
class SyncPosition:
    """The position of the key sync: everything before it is handled. "": from the beginning."""

    position: str


@dataclass(frozen=True, slots=True)
class OlmSession:
    """An Olm session with another device, which `sender_key` (Curve25519, base64) names."""

    sender_key: str
    session: str
    pickle: str
    created_at_ms: int
    used_at_ms: int


@dataclass(frozen=True, slots=True)
class InboundSession:
    """A Megolm session by which a room's messages are read.

    `sender`: the user whose device sent the key by Olm; `sender_key` and `signing_key`: that
    device's Curve25519 and Ed25519 keys. `first_index`: the oldest message that can be read.
    """

    room: RoomId
    session: str
    sender_key: str
    signing_key: str
    sender: UserId
    pickle: str
    first_index: int
    received_at_ms: int


@dataclass(frozen=True, slots=True)
class ReadMessage:
    """The note that a message of a Megolm session was read: its index, and in which event."""

    session: str
    sender_key: str
    index: int
    event: EventId
    at_ms: int


@dataclass(frozen=True, slots=True)
class WaitingEvent:
    """An event that cannot be read yet. `body`: the event as it came, in JSON.

    `is_answered`: its sender was told in words that it could not be read.
    """

    event: EventId
    room: RoomId
    sender: UserId
    session: str
    body: str
    received_at_ms: int
    is_answered: bool = False


@dataclass(frozen=True, slots=True)
class Withheld:
    """A device's word that it does not give a Megolm session's key, with the spec's `code`."""

    room: RoomId
    session: str
    sender: UserId
    code: str
    received_at_ms: int


@dataclass(frozen=True, slots=True)
class QueuedToDevice:
    """A to-device request that waits until the homeserver took it under its transaction id.

    `messages` maps user ids to device ids to contents, as the spec's `messages`.
    """

    txn: str
    type: str
    messages: JsonObject
    created_at_ms: int


@dataclass(frozen=True, slots=True)
class EncryptedRoom:
    """A room that is encrypted, which it stays for ever; `content`: of `m.room.encryption`."""

    room: RoomId
    content: JsonObject


@dataclass(frozen=True, slots=True)
class VerifiedIdentity:
    """A person's master cross-signing key (base64) that was verified interactively."""

    user: UserId
    master: str
    verified_at_ms: int


@dataclass(frozen=True, slots=True)
class KnownUser:
    """A person whose devices are known; public cross-signing keys are unpadded base64, or empty.

    `master_keys`: the fields of the master key that signatures cover, as handed out.
    `is_outdated`: the homeserver is to be asked for the devices anew. `asked_at_ms`: when it was
    asked last.
    """

    user: UserId
    master: str
    self_signing: str
    master_keys: JsonObject
    is_outdated: bool
    asked_at_ms: int


@dataclass(frozen=True, slots=True)
class KnownDevice:
    """A device of somebody else, with its keys in unpadded base64, which it has signed.

    `is_cross_signed`: its owner's self-signing key vouches for it.
    """

    user: UserId
    device: str
    curve25519: str
    ed25519: str
    is_cross_signed: bool


@dataclass(frozen=True, slots=True)
class OutboundSession:
    """The Megolm session by which a room's messages are encrypted now; a room has one.

    `messages`: how many it has encrypted.
    """

    room: RoomId
    session: str
    pickle: str
    messages: int
    created_at_ms: int


@dataclass(frozen=True, slots=True)
class KeyShare:
    """What a device got of a room's session: its key (`code` is empty), or a code why not.

    `curve25519`: the device's key then; empty: it is to be given the session's key again. `index`:
    the first message that it can read.
    """

    session: str
    user: UserId
    device: str
    curve25519: str
    index: int
    code: str


CryptoRecord = (
    OwnDevice
    | OwnIdentity
    | SyncPosition
    | OlmSession
    | InboundSession
    | ReadMessage
    | WaitingEvent
    | Withheld
    | QueuedToDevice
    | EncryptedRoom
    | VerifiedIdentity
    | KnownUser
    | KnownDevice
    | OutboundSession
    | KeyShare
)
"""The records, each with a table of its own (`storage/crypto.py`)."""

R = TypeVar("R")


class CryptoStore(Protocol):
    """The store of encryption. Every method raises StorageError.

    A record is found by the fields that are its key: the store's table says which.
    """

    async def apply(
        self, put: Sequence[CryptoRecord] = (), drop: Sequence[CryptoRecord] = ()
    ) -> None:
        """Store and delete records in one transaction: all or none, on disk at the return.

        `put` replaces a record with the same key; `drop` deletes by the key alone.
        """
        ...

    async def find(self, kind: type[R], **fields: str | int | bool) -> list[R]:
        """Return all records of this kind whose fields have these values, the oldest first."""
        ...

    async def find_among(self, kind: type[R], field: str, values: Sequence[str]) -> list[R]:
        """Return all records of this kind whose field has one of these values."""
        ...

    async def olm_sessions_of(self, sender_keys: Sequence[str]) -> list[OlmSession]:
        """Return the Olm sessions with these devices, the last used first."""
        ...

    async def prune(self, before_ms: int, withheld_before_ms: int) -> None:
        """Delete what nothing was done with since then: sessions, and what belongs to them.

        `withheld_before_ms`: words that a key is withheld go when they are as old as that.
        """
        ...

    async def trim_olm_sessions(self, sender_key: str, keep: int) -> None:
        """Delete all Olm sessions with this device but the last used."""
        ...

    async def trim_sent(
        self, kind: type[InboundSession | Withheld], sender: UserId, keep: int
    ) -> None:
        """Delete all records of this kind by this sender but the last that came."""
        ...

    async def counts(self) -> Mapping[str, int]:
        """Return how many records each table holds, by the table's name without `crypto_`."""
        ...

    async def forget_device(self) -> None:
        """Delete the own device and everything that only it can use; people's identities stay."""
        ...
