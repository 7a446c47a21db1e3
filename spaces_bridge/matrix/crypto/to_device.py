"""To-device messages: the queue of those that leave, and who acts on those that come.

Spec: Client-Server API, "Send-to-Device messaging".
"""

import asyncio
import logging
import secrets
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from spaces_bridge.app.crypto_ports import CryptoStore, QueuedToDevice
from spaces_bridge.app.errors import AdapterError, StorageError
from spaces_bridge.app.ports import Clock
from spaces_bridge.core.ids import UserId
from spaces_bridge.matrix.client.errors import Away, RequestRefused
from spaces_bridge.matrix.client.rests import AWAY_BACKOFF, rest
from spaces_bridge.matrix.crypto.keys_api import KeysApi

log = logging.getLogger(__name__)

LOOK_EVERY_S = 30.0


@dataclass(frozen=True, slots=True)
class ToDeviceEvent:
    """A to-device message from `sender`.

    `sender_key` and `signing_key`: the Curve25519 and Ed25519 keys of the device that encrypted
    it, of which the second is only its claim until a device of the sender is known to have both;
    None when it came unencrypted.
    """

    sender: UserId
    type: str
    content: Mapping[str, Any]
    sender_key: str | None = None
    signing_key: str | None = None


Handler = Callable[[ToDeviceEvent], Awaitable[None]]
OnRefused = Callable[[Collection[tuple[UserId, str]]], Awaitable[None]]
"""Told of people's devices that do not get what was queued for them. Raises StorageError."""


class ToDeviceHandlers:
    """The handlers of to-device messages, one for each type."""

    def __init__(self) -> None:
        self._handlers: dict[str, Handler] = {}

    def on(self, type_: str, handler: Handler) -> None:
        """Have messages of this type handled; they are stored nowhere before.

        The key sync waits for the handler: it asks nobody over the network.
        """
        self._handlers[type_] = handler

    async def handle(self, event: ToDeviceEvent) -> None:
        """Have one message handled; whatever is wrong with it stops no other."""
        handler = self._handlers.get(event.type)
        if handler is None:
            return
        try:
            await handler(event)
        except AdapterError as error:
            log.info("a to-device message (%s) was not acted on: %s", event.type, error)
        except Exception:
            log.exception("a to-device message (%s) could not be handled", event.type)


class ToDeviceQueue:
    """The queue of to-device messages: stored first, sent in order under their transaction ids.

    A message is sent until the homeserver took it, over restarts, and there once.
    """

    def __init__(self, store: CryptoStore, api: KeysApi, clock: Clock) -> None:
        self._store = store
        self._api = api
        self._clock = clock
        self._news = asyncio.Event()
        self._sent = asyncio.Condition()
        self.on_refused: OnRefused | None = None
        """Awaited before encrypted messages are dropped that the homeserver refused."""

    def wake(self) -> None:
        """Tell the queue that there is something new in the store."""
        self._news.set()

    async def put(self, user: UserId, device: str, type_: str, content: Mapping[str, Any]) -> None:
        """Queue a message that leaves unencrypted; device `*` is all of them."""
        txn = new_transaction()
        messages: dict[str, object] = {user: {device: dict(content)}}
        await self._store.apply([QueuedToDevice(txn, type_, messages, self._clock.now_ms())])
        self.wake()

    async def sent(self, txns: Collection[str], within_s: float) -> bool:
        """Wait until the homeserver took these messages, at most so long; return whether it did.

        Raises StorageError.
        """
        try:
            async with asyncio.timeout(within_s), self._sent:
                while await self._are_waiting(txns):
                    await self._sent.wait()
        except TimeoutError:
            return False
        return True

    async def run(self) -> None:
        """Run until cancelled."""
        failures = 0
        while True:
            self._news.clear()
            try:
                await self._send_all()
                failures = 0
            except (Away, StorageError) as error:
                failures += 1
                log.info("to-device messages wait: %s", error)
                told_s = error.retry_after_s if isinstance(error, Away) else None
                await rest(self._news, told_s or AWAY_BACKOFF.wait_s(failures))
            else:
                await rest(self._news, LOOK_EVERY_S)

    async def _send_all(self) -> None:
        if not self._api.device:
            return
        for message in await self._store.find(QueuedToDevice):
            try:
                await self._api.send_to_device(message.type, message.txn, message.messages)
            except RequestRefused as refusal:
                log.warning("a to-device message (%s) was refused: %s", message.type, refusal)
                await self._tell_refused(message)
            await self._store.apply(drop=[message])
            async with self._sent:
                self._sent.notify_all()

    async def _tell_refused(self, message: QueuedToDevice) -> None:
        if self.on_refused is None or message.type != "m.room.encrypted":
            return
        devices = {
            (UserId(user), str(device))
            for user, contents in message.messages.items()
            if isinstance(contents, Mapping)
            for device in contents
        }
        await self.on_refused(devices)

    async def _are_waiting(self, txns: Collection[str]) -> bool:
        waiting = {message.txn for message in await self._store.find(QueuedToDevice)}
        return not waiting.isdisjoint(txns)


def new_transaction() -> str:
    """Return a transaction id that no other message has."""
    return secrets.token_hex(16)
