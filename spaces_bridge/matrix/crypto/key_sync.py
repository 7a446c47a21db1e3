"""The key sync: a long poll that brings the bot's device its keys.

To-device messages of one answer are read as one batch. What they change is stored in one
transaction with the position behind them, and only then acted on: after a crash, the same messages
come again and fit the same ratchets.
"""

import asyncio
import json
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import Any, Protocol

from spaces_bridge.app.crypto_ports import (
    CryptoRecord,
    CryptoStore,
    InboundSession,
    SyncPosition,
    Withheld,
)
from spaces_bridge.app.errors import AdapterError
from spaces_bridge.app.ports import Clock
from spaces_bridge.core.ids import RoomId, UserId
from spaces_bridge.matrix.client.errors import Away, RequestRefused
from spaces_bridge.matrix.client.rests import AWAY_BACKOFF, rest
from spaces_bridge.matrix.crypto.account import OwnAccount
from spaces_bridge.matrix.crypto.budgets import SenderBudget
from spaces_bridge.matrix.crypto.device_setup import DeviceSetup, EncryptionImpossible
from spaces_bridge.matrix.crypto.keys_api import KeysApi
from spaces_bridge.matrix.crypto.limits import (
    MEGOLM_PER_SENDER,
    OLM_SESSIONS_PER_DEVICE,
    TO_DEVICE_BURST,
    TO_DEVICE_PER_S,
    TO_DEVICE_SERVER_BURST,
    TO_DEVICE_SERVER_PER_S,
    WITHHELD_PER_SENDER,
)
from spaces_bridge.matrix.crypto.olm_inbound import OlmBatch, OlmInbound
from spaces_bridge.matrix.crypto.own_devices import in_groups
from spaces_bridge.matrix.crypto.room_keys import RoomKeys, is_no_olm
from spaces_bridge.matrix.crypto.to_device import ToDeviceEvent, ToDeviceHandlers
from spaces_bridge.matrix.events.envelope import is_id, is_user_id

log = logging.getLogger(__name__)

IMPOSSIBLE_AGAIN_S = 300.0
"""The rest before a homeserver that does not let the bot have encryption is asked again."""
QUIET_S = 0.5
"""A sync without news that comes back sooner is not asked again at once: it would spin."""

OnDeviceLists = Callable[[Collection[UserId], Collection[UserId], bool], Awaitable[None]]
"""Told of people whose devices changed, of people who left, and whether there is a gap before."""


class KeySyncListener(Protocol):
    """The listener that is told of what a sync brought; its methods only tell."""

    def session_came(self, room: RoomId, session: str) -> None:
        """Take note that a room's key came."""
        ...

    def session_broken(self, user: UserId, sender_key: str) -> None:
        """Take note that a message of this device fits no Olm session of ours."""
        ...


class KeySync:
    """The long-lived task that reads the device's to-device messages and tops up its keys."""

    def __init__(
        self,
        api: KeysApi,
        store: CryptoStore,
        account: OwnAccount,
        setup: DeviceSetup,
        handlers: ToDeviceHandlers,
        listener: KeySyncListener,
        clock: Clock,
    ) -> None:
        self._api = api
        self._store = store
        self._account = account
        self._setup = setup
        self._handlers = handlers
        self._listener = listener
        self._olm = OlmInbound(account, store, clock)
        self._room_keys = RoomKeys(store, account, clock)
        self._allowed = SenderBudget(
            account.user,
            (TO_DEVICE_BURST, TO_DEVICE_PER_S),
            (TO_DEVICE_SERVER_BURST, TO_DEVICE_SERVER_PER_S),
        )
        self._back = asyncio.Event()
        self._position, self._since = "", ""
        self._is_gap = False
        self.on_device_lists: OnDeviceLists | None = None
        """Awaited before the position is stored, so that no change is lost."""
        self.problem = ""
        """The reason why the homeserver lets the bot have no encryption; empty without one."""
        self.is_set_up = False
        self.had_device = account.is_published
        """Whether the homeserver ever let the bot have its device, also in an earlier life."""
        self.counts: Counter[str] = Counter()
        """Numbers for the metrics: `to_device`, `dropped`, `broken`, `one_time_keys`."""

    def homeserver_back(self) -> None:
        """Tell the sync that the homeserver is there again: no back-off is waited out."""
        self._back.set()

    async def run(self) -> None:
        """Run until cancelled."""
        failures = 0
        await self._load()
        while True:
            self._back.clear()
            try:
                if not self.is_set_up:
                    await self._set_up()
                await self._sync()
                failures = 0
            except EncryptionImpossible as problem:
                if self.problem != str(problem):
                    log.error("%s", problem)
                self.problem = str(problem)
                await rest(self._back, IMPOSSIBLE_AGAIN_S)
            except AdapterError as error:
                failures += 1
                if failures.bit_count() == 1:
                    log.info("the key sync waits: %s", error)
                told_s = error.retry_after_s if isinstance(error, Away) else None
                await rest(self._back, told_s or AWAY_BACKOFF.wait_s(failures))

    async def _set_up(self) -> None:
        await self._setup.set_up()
        self.is_set_up, self.had_device, self.problem = True, True, ""
        log.info(
            "encrypted chats work: device %s, fingerprint %s",
            self._account.device,
            in_groups(self._account.ed25519),
        )

    async def _load(self) -> None:
        """Read the stored position. Raises StorageError."""
        found = await self._store.find(SyncPosition)
        if found:
            self.had_device = True
            self._position, self._since = json.loads(found[0].position)

    async def _sync(self) -> None:
        began = asyncio.get_running_loop().time()
        try:
            answer = await self._api.sync(self._position, self._since)
        except RequestRefused as refusal:
            if refusal.errcode == "M_UNKNOWN_POS" and self._position:
                self._position, self._is_gap = "", True
                return
            self.is_set_up = False  # somebody deleted the device, or the registration changed
            raise
        has_news = await self._take(answer)
        quiet_s = asyncio.get_running_loop().time() - began
        if not has_news and quiet_s < QUIET_S:
            await rest(self._back, QUIET_S)

    async def _take(self, answer: Mapping[str, Any]) -> bool:
        """Take in one answer; return whether there were messages in it. Raises AdapterError."""
        extensions = _object(answer.get("extensions"))
        e2ee, to_device = _object(extensions.get("e2ee")), _object(extensions.get("to_device"))
        await self._tell_device_lists(_object(e2ee.get("device_lists")))
        since, events = to_device.get("next_batch"), to_device.get("events")
        since = since if isinstance(since, str) else self._since
        position = str(answer["pos"])
        messages = [each for each in events if isinstance(each, Mapping)] if events else []
        batch, read = await self._read(messages, position, since)
        self._position, self._since, self._is_gap = position, since, False
        await self._act(batch, read)
        counts = e2ee.get("device_one_time_keys_count")
        if isinstance(counts, Mapping):
            held = counts.get("signed_curve25519", 0)
            unused = e2ee.get("device_unused_fallback_key_types")
            has_fallback = isinstance(unused, list) and "signed_curve25519" in unused
            self.counts["one_time_keys"] = held if isinstance(held, int) else 0
            await self._setup.top_up(self.counts["one_time_keys"], has_fallback=has_fallback)
        return bool(messages)

    async def _tell_device_lists(self, lists: Mapping[str, Any]) -> None:
        changed, left = _users(lists.get("changed")), _users(lists.get("left"))
        if self.on_device_lists is not None and (changed or left or self._is_gap):
            await self.on_device_lists(changed, left, self._is_gap)

    async def _read(
        self, messages: Collection[Mapping[str, Any]], position: str, since: str
    ) -> tuple[OlmBatch, list[ToDeviceEvent]]:
        """Read messages and store what they change, with the position. Raises StorageError."""
        batch, read = OlmBatch(), list[ToDeviceEvent]()
        async with self._account.lock:
            try:
                for message in messages:
                    event = await self._read_one(message, batch)
                    if event is None:
                        continue
                    read.append(event)
                    for record in await self._room_keys.records(event):
                        _put(batch, record)
                batch.put(SyncPosition(json.dumps([position, since])))
                if batch.account_before is not None:
                    batch.put(self._account.record())
                await self._store.apply(list(batch.records.values()))
            except Exception:
                if batch.account_before is not None:
                    self._account.go_back(batch.account_before)  # the messages come again
                raise
        return batch, read

    async def _read_one(self, message: Mapping[str, Any], batch: OlmBatch) -> ToDeviceEvent | None:
        sender, type_, content = (message.get(name) for name in ("sender", "type", "content"))
        self.counts["to_device"] += 1
        if not is_user_id(sender) or not is_id(type_) or not isinstance(content, Mapping):
            return None
        user = UserId(str(sender))
        if not self._allowed.take(user):
            self.counts["dropped"] += 1
            return None
        if type_ != "m.room.encrypted":
            return ToDeviceEvent(user, str(type_), content)
        return await self._olm.read(user, content, batch)

    async def _act(self, batch: OlmBatch, read: Collection[ToDeviceEvent]) -> None:
        """Do what follows from a batch that is stored. Raises StorageError."""
        await self._trim(batch)
        for record in batch.records.values():
            if isinstance(record, InboundSession):
                self._listener.session_came(record.room, record.session)
        for user, sender_key in batch.broken:
            self.counts["broken"] += 1
            self._listener.session_broken(user, sender_key)
        for event in read:
            key = event.content.get("sender_key")
            if is_no_olm(event) and is_id(key):
                self._listener.session_broken(event.sender, str(key))
            await self._handlers.handle(event)

    async def _trim(self, batch: OlmBatch) -> None:
        """Let go of what is too much by now. Raises StorageError."""
        for sender_key in batch.grown:
            await self._store.trim_olm_sessions(sender_key, OLM_SESSIONS_PER_DEVICE)
        records = batch.records.values()
        for sender in {each.sender for each in records if isinstance(each, InboundSession)}:
            if sender != self._account.user:
                await self._store.trim_sent(InboundSession, sender, MEGOLM_PER_SENDER)
        for sender in {each.sender for each in records if isinstance(each, Withheld)}:
            await self._store.trim_sent(Withheld, sender, WITHHELD_PER_SENDER)


def _put(batch: OlmBatch, record: CryptoRecord) -> None:
    """Have a record of a room's key stored; of one session, the key that reads the most counts."""
    if not isinstance(record, InboundSession):
        batch.put(record, id(record))
        return
    key = record.room, record.session, record.sender_key
    before = batch.records.get((InboundSession, *key))
    if not isinstance(before, InboundSession) or record.first_index < before.first_index:
        batch.put(record, *key)


def _object(value: Any) -> Mapping[str, Any]:  # noqa: ANN401  whatever the JSON holds
    return value if isinstance(value, Mapping) else {}


def _users(value: Any) -> list[UserId]:  # noqa: ANN401
    return [UserId(each) for each in value if is_user_id(each)] if isinstance(value, list) else []
