"""Olm messages that come: read with the session they belong to, or beginning a new one.

Spec: Client-Server API, "m.olm.v1.curve25519-aes-sha2". What a message changes is gathered in a
batch, which is stored whole, with the sync position behind it: a ratchet is never advanced without
the message it read.
"""

import base64
import binascii
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeGuard

import vodozemac

from spaces_bridge.app.crypto_ports import CryptoRecord, CryptoStore, OlmSession, OwnDevice
from spaces_bridge.app.ports import Clock
from spaces_bridge.core.ids import UserId
from spaces_bridge.matrix.crypto.account import OwnAccount
from spaces_bridge.matrix.crypto.budgets import SenderBudget
from spaces_bridge.matrix.crypto.json_text import object_in
from spaces_bridge.matrix.crypto.limits import (
    NEW_OLM_BURST,
    NEW_OLM_KEYS_BURST,
    NEW_OLM_KEYS_PER_S,
    NEW_OLM_KEYS_SERVER_BURST,
    NEW_OLM_KEYS_SERVER_PER_S,
    NEW_OLM_PER_S,
    NEW_OLM_SERVER_BURST,
    NEW_OLM_SERVER_PER_S,
    OLM_SESSIONS_PER_DEVICE,
    TO_DEVICE_BYTES_MAX,
)
from spaces_bridge.matrix.crypto.to_device import ToDeviceEvent
from spaces_bridge.matrix.events.envelope import is_id

log = logging.getLogger(__name__)

OLM: Final = "m.olm.v1.curve25519-aes-sha2"
PRE_KEY, NORMAL = 0, 1


@dataclass(slots=True)
class OlmBatch:
    """What the to-device messages of one sync change; all of it is stored in one transaction."""

    sessions: dict[str, list[tuple[OlmSession, vodozemac.Session]]] = field(default_factory=dict)
    """By the other device's Curve25519 key, its sessions, the last used first."""
    records: dict[tuple[object, ...], CryptoRecord] = field(default_factory=dict)
    account_before: OwnDevice | None = None
    """The account as it was before the first message that used up a key of it."""
    grown: set[str] = field(default_factory=set)
    """Devices that have begun a session more."""
    broken: set[tuple[UserId, str]] = field(default_factory=set)
    """Senders, each with the key of a device whose message fits no session."""

    def put(self, record: CryptoRecord, *key: object) -> None:
        """Have the record stored, in place of an earlier one with the same key."""
        self.records[type(record), *key] = record


class OlmInbound:
    """The reader of Olm messages; its caller holds the account's lock."""

    def __init__(self, account: OwnAccount, store: CryptoStore, clock: Clock) -> None:
        self._account = account
        self._store = store
        self._clock = clock
        self._beginnings = SenderBudget(
            account.user,
            (NEW_OLM_BURST, NEW_OLM_PER_S),
            (NEW_OLM_SERVER_BURST, NEW_OLM_SERVER_PER_S),
        )
        self._first_beginnings = SenderBudget(
            account.user,
            (NEW_OLM_KEYS_BURST, NEW_OLM_KEYS_PER_S),
            (NEW_OLM_KEYS_SERVER_BURST, NEW_OLM_KEYS_SERVER_PER_S),
        )

    async def read(
        self, sender: UserId, content: Mapping[str, Any], batch: OlmBatch
    ) -> ToDeviceEvent | None:
        """Return what an `m.room.encrypted` to-device message says; None: nothing for us.

        Raises StorageError.
        """
        sender_key, message = self._addressed(content)
        if message is None:
            return None
        await self._load(sender_key, batch)
        plain = self._decrypted(sender, sender_key, message, batch)
        if plain is None:
            return None
        return self._checked(sender, sender_key, object_in(plain))

    def _addressed(self, content: Mapping[str, Any]) -> tuple[str, vodozemac.AnyOlmMessage | None]:
        """Return the sender's key and the ciphertext that is for us, None without any."""
        sender_key, ciphertexts = content.get("sender_key"), content.get("ciphertext")
        if content.get("algorithm") != OLM or not is_id(sender_key):
            return "", None
        mine = ciphertexts.get(self._account.curve25519) if _is_object(ciphertexts) else None
        if not _is_object(mine) or sender_key == self._account.curve25519:
            return "", None
        kind, body = mine.get("type"), mine.get("body")
        if kind not in (PRE_KEY, NORMAL) or not isinstance(body, str):
            return "", None
        if len(body) > TO_DEVICE_BYTES_MAX:
            return "", None
        try:
            return str(sender_key), vodozemac.AnyOlmMessage.from_parts(int(kind), _raw(body))
        except ValueError:
            return "", None

    async def _load(self, sender_key: str, batch: OlmBatch) -> None:
        if sender_key in batch.sessions:
            return
        batch.sessions[sender_key] = [
            (record, vodozemac.Session.from_pickle(record.pickle, self._account.pickle_key))
            for record in await self._store.olm_sessions_of([sender_key])
        ][:OLM_SESSIONS_PER_DEVICE]

    def _decrypted(
        self, sender: UserId, sender_key: str, message: vodozemac.AnyOlmMessage, batch: OlmBatch
    ) -> bytes | None:
        pre_key = message.to_pre_key()
        for place, (record, session) in enumerate(batch.sessions[sender_key]):
            if pre_key is not None and not session.session_matches(pre_key):
                continue
            try:
                plain = session.decrypt(message)
            except ValueError:
                if pre_key is not None:
                    break  # it belongs to this session: no other could begin by it
                continue
            self._advance(place, record, session, batch)
            return plain
        else:
            if pre_key is not None:
                return self._begin(sender, sender_key, pre_key, batch)
        batch.broken.add((sender, sender_key))
        return None

    def _begin(
        self, sender: UserId, sender_key: str, message: vodozemac.PreKeyMessage, batch: OlmBatch
    ) -> bytes | None:
        """Begin a session by the other's first message; return what it says."""
        if not self._may_begin(sender, sender_key, batch):
            log.warning("%s, or their server, begins too many Olm sessions: refused", sender)
            return None
        batch.account_before = batch.account_before or self._account.record()
        try:
            session, plain = self._account.accept_session(sender_key, message)
        except ValueError:
            batch.broken.add((sender, sender_key))
            return None
        now = self._clock.now_ms()
        batch.grown.add(sender_key)
        record = OlmSession(sender_key, session.session_id, "", now, now)
        batch.sessions[sender_key].insert(0, (record, session))
        self._advance(0, record, session, batch)
        return plain

    def _may_begin(self, sender: UserId, sender_key: str, batch: OlmBatch) -> bool:
        """Return whether the sender may begin a session; keys of devices are made up for free."""
        is_first = not batch.sessions[sender_key]
        if is_first and not self._first_beginnings.take(sender):
            return False
        return self._beginnings.take(sender)

    def _advance(
        self, place: int, record: OlmSession, session: vodozemac.Session, batch: OlmBatch
    ) -> None:
        """Have the session stored as it is now, and tried first from now on."""
        advanced = OlmSession(
            record.sender_key,
            record.session,
            session.pickle(self._account.pickle_key),
            record.created_at_ms,
            self._clock.now_ms(),
        )
        sessions = batch.sessions[record.sender_key]
        sessions.insert(0, (advanced, sessions.pop(place)[1]))
        batch.put(advanced, advanced.sender_key, advanced.session)

    def _checked(
        self, sender: UserId, sender_key: str, payload: Mapping[str, Any] | None
    ) -> ToDeviceEvent | None:
        """Return the message, if its payload says that it goes from its sender to this device."""
        if payload is None:
            return None
        type_, content = payload.get("type"), payload.get("content")
        keys, ours = payload.get("keys"), payload.get("recipient_keys")
        if not is_id(type_) or not _is_object(content):
            return None
        if not _is_object(keys) or not is_id(keys.get("ed25519")) or not _is_object(ours):
            return None
        if payload.get("sender") != sender or payload.get("recipient") != self._account.user:
            return None
        if ours.get("ed25519") != self._account.ed25519:
            return None
        return ToDeviceEvent(sender, str(type_), content, sender_key, str(keys["ed25519"]))


def _is_object(value: object) -> TypeGuard[Mapping[str, Any]]:
    return isinstance(value, Mapping)


def _raw(text: str) -> bytes:
    """Return the bytes of base64 with or without padding. Raises ValueError."""
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except binascii.Error as error:
        raise ValueError("no base64") from error
