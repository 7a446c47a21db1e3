"""Contents encrypted for single devices by Olm, and queued for them.

Spec: Client-Server API, "m.olm.v1.curve25519-aes-sha2".
"""

import asyncio
import json
import logging
import secrets
from base64 import b64encode
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from vodozemac import Session

from spaces_bridge.app.crypto_ports import (
    CryptoRecord,
    CryptoStore,
    KnownDevice,
    OlmSession,
    QueuedToDevice,
)
from spaces_bridge.app.ports import Clock
from spaces_bridge.core.ids import UserId
from spaces_bridge.matrix.crypto.device_lists import SERVERS_WITHIN_MS, KeysEndpoint
from spaces_bridge.matrix.crypto.peer_keys import OLM, one_time_key_from

log = logging.getLogger(__name__)

AT_ONCE: Final = 50
"""Devices of one batch: about 15 ms of work at once, in one request of less than 100 kB."""

ENCRYPTED: Final = "m.room.encrypted"

Content = Mapping[str, Any]


class OlmAccount(Protocol):
    """The bot's own device, as far as it is needed to write to others.

    Keys are in unpadded base64. `lock` is held around every reading, changing and storing of Olm
    sessions. `device_keys`: the signed object that the device was published with.
    """

    user: UserId
    device: str
    pickle_key: bytes
    lock: asyncio.Lock

    @property
    def curve25519(self) -> str: ...

    @property
    def ed25519(self) -> str: ...

    @property
    def device_keys(self) -> Content: ...

    def open_session(self, curve25519: str, one_time_key: str) -> Session: ...


class ToDeviceSender(Protocol):
    """The port to what sends stored to-device messages."""

    def wake(self) -> None: ...

    async def sent(self, txns: Collection[str], within_s: float) -> bool: ...


Also = Callable[[Sequence[KnownDevice]], Sequence[CryptoRecord]]
"""Returns what is stored together with the messages to these devices."""


def nothing_else(_: Sequence[KnownDevice]) -> Sequence[CryptoRecord]:
    """Return nothing that is stored together with messages."""
    return ()


@dataclass(frozen=True, slots=True)
class OlmOutcome:
    """What became of contents for devices: those that get them, those with no key to be had.

    `txns`: the transaction ids of what was queued.
    """

    reached: tuple[KnownDevice, ...] = ()
    unreached: tuple[KnownDevice, ...] = ()
    txns: tuple[str, ...] = ()


class OlmSender:
    """The sender of contents to single devices. Raises RequestRefused, Away, StorageError."""

    def __init__(
        self,
        homeserver: KeysEndpoint,
        store: CryptoStore,
        account: OlmAccount,
        queue: ToDeviceSender,
        clock: Clock,
    ) -> None:
        self._homeserver = homeserver
        self._store = store
        self._account = account
        self._queue = queue
        self._clock = clock

    async def send(
        self,
        devices: Sequence[KnownDevice],
        type_: str,
        content: Content,
        also: Also = nothing_else,
    ) -> OlmOutcome:
        """Queue the content for these devices, batch by batch; each batch is whole or not at all.

        A device with which there is no session gets one, by a one-time key that is claimed.
        """
        reached: list[KnownDevice] = []
        unreached: list[KnownDevice] = []
        txns: list[str] = []
        for start in range(0, len(devices), AT_ONCE):
            batch = devices[start : start + AT_ONCE]
            done, txn = await self._send_batch(batch, type_, content, also)
            reached += done
            unreached += [device for device in batch if device not in done]
            txns += [txn] if txn else []
        return OlmOutcome(tuple(reached), tuple(unreached), tuple(txns))

    async def begin_anew(self, device: KnownDevice) -> bool:
        """Begin another session with a device, by a message that says nothing.

        The device uses it from then on (spec: "Recovering from undecryptable messages"). Returns
        False where the device has no key left to begin one with.
        """
        done, _ = await self._send_batch([device], "m.dummy", {}, nothing_else, is_anew=True)
        return bool(done)

    async def send_plain(
        self, devices: Sequence[KnownDevice], type_: str, content: Content, also: Also
    ) -> None:
        """Queue the content unencrypted for these devices."""
        for start in range(0, len(devices), AT_ONCE):
            batch = devices[start : start + AT_ONCE]
            row = self._row(type_, {(d.user, d.device): content for d in batch})
            await self._store.apply([row, *also(batch)])
            self._queue.wake()

    async def _send_batch(
        self,
        batch: Sequence[KnownDevice],
        type_: str,
        content: Content,
        also: Also,
        *,
        is_anew: bool = False,
    ) -> tuple[Sequence[KnownDevice], str]:
        wanted = [] if is_anew else [device.curve25519 for device in batch]
        held = await self._sessions(wanted)
        keys = await self._claim([d for d in batch if d.curve25519 not in held])
        async with self._account.lock:
            # read again: what came in meanwhile has moved sessions on, or made some
            held = await self._sessions(wanted)
            sessions: list[CryptoRecord] = []
            messages: dict[tuple[UserId, str], Content] = {}
            done: list[KnownDevice] = []
            for device in batch:
                session = self._session(device, held.get(device.curve25519), keys)
                if session is None:
                    continue
                messages[device.user, device.device] = self._sealed(
                    session, device, type_, content
                )
                sessions.append(self._record(device, session, held.get(device.curve25519)))
                done.append(device)
            if not done:
                return [], ""
            row = self._row(ENCRYPTED, messages)
            await self._store.apply([*sessions, row, *also(done)])
        self._queue.wake()
        return done, row.txn

    async def _sessions(self, keys: Sequence[str]) -> Mapping[str, OlmSession]:
        """Return the session to use with each device: the one that was used last."""
        found: dict[str, OlmSession] = {}
        for session in await self._store.olm_sessions_of(keys):
            found.setdefault(session.sender_key, session)
        return found

    async def _claim(self, devices: Sequence[KnownDevice]) -> Mapping[tuple[UserId, str], str]:
        """Return a one-time key of each of these devices that has one left."""
        if not devices:
            return {}
        wanted: dict[str, dict[str, str]] = {}
        for device in devices:
            wanted.setdefault(device.user, {})[device.device] = "signed_curve25519"
        body = {"timeout": SERVERS_WITHIN_MS, "one_time_keys": wanted}
        answer = await self._homeserver.call("POST", ["keys", "claim"], body)
        claimed = answer.get("one_time_keys")
        keys: dict[tuple[UserId, str], str] = {}
        for device in devices:
            of_user = claimed.get(device.user) if isinstance(claimed, Mapping) else None
            of_device = of_user.get(device.device) if isinstance(of_user, Mapping) else None
            key = one_time_key_from(device, of_device)
            if key is not None:
                keys[device.user, device.device] = key
        return keys

    def _session(
        self,
        device: KnownDevice,
        held: OlmSession | None,
        keys: Mapping[tuple[UserId, str], str],
    ) -> Session | None:
        key = keys.get((device.user, device.device))
        try:
            if held is not None:
                return Session.from_pickle(held.pickle, self._account.pickle_key)
            return self._account.open_session(device.curve25519, key) if key is not None else None
        except ValueError:  # a key that is none, or a row that cannot be read
            log.warning("no session with device %s of %s", device.device, device.user)
            return None

    def _sealed(
        self, session: Session, device: KnownDevice, type_: str, content: Content
    ) -> Content:
        payload = {
            "type": type_,
            "content": content,
            "sender": self._account.user,
            "sender_device": self._account.device,
            "keys": {"ed25519": self._account.ed25519},
            "recipient": device.user,
            "recipient_keys": {"ed25519": device.ed25519},
            "sender_device_keys": self._account.device_keys,
        }
        kind, body = session.encrypt(json.dumps(payload).encode()).to_parts()
        text = b64encode(body).decode().rstrip("=")
        return {
            "algorithm": OLM,
            "sender_key": self._account.curve25519,
            "ciphertext": {device.curve25519: {"type": kind, "body": text}},
        }

    def _record(
        self, device: KnownDevice, session: Session, held: OlmSession | None
    ) -> OlmSession:
        now_ms = self._clock.now_ms()
        made_ms = held.created_at_ms if held is not None else now_ms
        pickle = session.pickle(self._account.pickle_key)
        return OlmSession(device.curve25519, session.session_id, pickle, made_ms, now_ms)

    def _row(self, type_: str, messages: Mapping[tuple[UserId, str], Content]) -> QueuedToDevice:
        by_user: dict[str, dict[str, Content]] = {}
        for (user, device), content in messages.items():
            by_user.setdefault(user, {})[device] = content
        return QueuedToDevice(secrets.token_hex(16), type_, by_user, self._clock.now_ms())
