"""Assemble encryption: the bot's keys, what reads and what writes. Nothing starts here."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from spaces_bridge.app.crypto_ports import CryptoStore
from spaces_bridge.app.ports import Clock, Inbox
from spaces_bridge.app.supervisor import Work
from spaces_bridge.core.ids import RoomId, UserId
from spaces_bridge.matrix.client.http import HomeserverApi
from spaces_bridge.matrix.crypto.account import OwnAccount
from spaces_bridge.matrix.crypto.cross_signing import CrossSigning
from spaces_bridge.matrix.crypto.device_lists import DeviceLists
from spaces_bridge.matrix.crypto.device_setup import DeviceSetup, open_account
from spaces_bridge.matrix.crypto.encrypted_rooms import EncryptedRooms, RoomStateReader
from spaces_bridge.matrix.crypto.encryption import Encryption
from spaces_bridge.matrix.crypto.incoming import DecryptingReceiver, Receive
from spaces_bridge.matrix.crypto.key_requests import KeyRequests
from spaces_bridge.matrix.crypto.key_sync import KeySync
from spaces_bridge.matrix.crypto.keys_api import KeysApi
from spaces_bridge.matrix.crypto.limits import REFRESH_BURST, REFRESH_PER_S
from spaces_bridge.matrix.crypto.pickles import PickleKey
from spaces_bridge.matrix.crypto.preference import ChatPreference, Wishes
from spaces_bridge.matrix.crypto.reading import Decryption
from spaces_bridge.matrix.crypto.recipients import ShareKeysWith
from spaces_bridge.matrix.crypto.sending_assembly import assemble_sending, follow
from spaces_bridge.matrix.crypto.to_device import ToDeviceEvent, ToDeviceHandlers, ToDeviceQueue
from spaces_bridge.matrix.crypto.unwedging import Unwedging
from spaces_bridge.matrix.crypto.waiting import IsDirect, Replies, WaitingEvents, Write
from spaces_bridge.pacing.token_bucket import TokenBuckets

TASKS: Final = ("key sync", "to-device messages", "events without a key", "broken Olm sessions")


@dataclass(frozen=True, slots=True)
class OwnKeys:
    """The bot's keys, opened with the store: its device's account and its cross-signing keys."""

    store: CryptoStore
    account: OwnAccount
    cross_signing: CrossSigning
    pickle_key: PickleKey
    share_keys_with: ShareKeysWith


async def open_own_keys(
    store: CryptoStore, user: UserId, secret: str, share_keys_with: ShareKeysWith, clock: Clock
) -> OwnKeys:
    """Return the bot's keys as stored, or new ones; `secret` encrypts them in the database.

    Raises StorageError, WrongPickleKeyError.
    """
    key = PickleKey.of(secret)
    account, cross_signing = await open_account(store, user, key, clock)
    return OwnKeys(store, account, cross_signing, key, share_keys_with)


class CryptoService:
    """Encryption as one part: what is told of arrivals, what runs, and what others ask."""

    def __init__(
        self,
        api: HomeserverApi,
        keys: OwnKeys,
        inbox: Inbox,
        reader: RoomStateReader,
        rooms: EncryptedRooms,
        clock: Clock,
    ) -> None:
        """`rooms`: which rooms are encrypted; `reader` reads what else rooms are."""
        self._keys = keys
        self._inbox = inbox
        self._clock = clock
        store, account = keys.store, keys.account
        self.keys_api = KeysApi(api, account.user)
        self.cross_signing = keys.cross_signing
        self.store = store
        self.queue = ToDeviceQueue(store, self.keys_api, clock)
        self.handlers = ToDeviceHandlers()
        self.sending = assemble_sending(
            account, self.keys_api, store, self.queue, reader, clock, keys.share_keys_with
        )
        self.queue.on_refused = self.sending.sessions.give_again_to
        self._unwedging = Unwedging(self.sending.olm, self.sending.lists)
        setup = DeviceSetup(self.keys_api, store, account, keys.cross_signing, keys.pickle_key)
        self.sync = KeySync(self.keys_api, store, account, setup, self.handlers, self, clock)
        self.sync.on_device_lists = self._device_lists
        self.encryption = Encryption(rooms, self.sync)
        self.handlers.on("m.dummy", self._session_begun)
        self._rooms = rooms
        self._decryption = Decryption(
            store, account.pickle_key, DeviceWitness(self.sending.lists).is_device_of, clock
        )
        self.encryption.begin(self.sending, self._decryption.read)
        self._waiting: WaitingEvents | None = None
        self._receiver: DecryptingReceiver | None = None

    @property
    def account(self) -> OwnAccount:
        """The bot's device."""
        return self._keys.account

    @property
    def is_possible(self) -> bool:
        """Whether the homeserver lets the bot have encryption, or ever did, as far as is known."""
        return self.encryption.is_possible

    def preference(self, home: Wishes) -> ChatPreference:
        """Return what decides whether chats are opened encrypted, `home` included."""
        return ChatPreference(self.encryption, self._rooms, home, self._keys.share_keys_with)

    def receiver(
        self,
        write: Write,
        is_direct: IsDirect,
        is_ours: Callable[[str], bool],
        receive: Receive,
        wake_inbox: Callable[[], None],
    ) -> DecryptingReceiver:
        """Return what stands in front of `receive` and reads encrypted events; once.

        `write` writes what the bot says about events it cannot read.
        """
        requests = KeyRequests(self.queue, self._keys.account)
        replies = Replies(write, is_direct)
        self._waiting = WaitingEvents(
            self._keys.store, self._inbox, self._decryption, requests, replies, self._clock
        )
        self._waiting.on_reopened = wake_inbox
        self.sending.lists.on_change(self._waiting.devices_changed)
        self._receiver = DecryptingReceiver(
            self._decryption, self._waiting, lambda: self.is_possible, is_ours, receive
        )
        return self._receiver

    def endless(self) -> Mapping[str, Work]:
        """Return the tasks that run as long as the bridge, by their names."""
        if self._waiting is None:
            raise RuntimeError("there is no receiver yet")
        works = (self.sync.run, self.queue.run, self._waiting.run, self._unwedging.run)
        return dict(zip(TASKS, works, strict=True))

    def homeserver_back(self) -> None:
        """Tell all that the homeserver is there again: no back-off is waited out."""
        self.sync.homeserver_back()
        self.queue.wake()

    async def numbers(self) -> Mapping[str, float]:
        """Return the numbers for the metrics."""
        waiting, receiver = self._waiting, self._receiver
        return {
            "ready": float(self.sync.is_set_up and not self.sync.problem),
            "one_time_keys": self.sync.counts["one_time_keys"],
            "to_device": self.sync.counts["to_device"],
            "to_device_dropped": self.sync.counts["dropped"],
            "broken_sessions": self.sync.counts["broken"],
            "read": receiver.counts["read"] if receiver is not None else 0,
            "unreadable": waiting.counts["unreadable"] if waiting is not None else 0,
            "answered": waiting.counts["answered"] if waiting is not None else 0,
            "waiting": waiting.number if waiting is not None else 0,
            "sent": self.sending.sessions.encrypted,
            "keys_shared": self.sending.keys.counts["shared"],
            "keys_withheld": self.sending.keys.counts["withheld"],
        }

    # --- what the key sync tells ----------------------------------------------------------------

    def session_came(self, room: RoomId, session: str) -> None:
        """Have what waits for this key looked at again."""
        if self._waiting is not None:
            self._waiting.session_came(room, session)

    def session_broken(self, user: UserId, sender_key: str) -> None:
        """Have the session with this device replaced."""
        self._unwedging.session_broken(user, sender_key)

    async def _session_begun(self, event: ToDeviceEvent) -> None:
        """Give a device keys again that has begun another session: it could not read the last."""
        if event.sender_key is not None:
            await self.sending.sessions.give_again(event.sender, event.sender_key)

    async def _device_lists(
        self, changed: Iterable[UserId], left: Iterable[UserId], is_gap: bool
    ) -> None:
        await follow(self.sending.lists, list(changed), list(left), is_gap)


class DeviceWitness:
    """The answer to whether keys are those of a person's device; asks anew where they are not."""

    def __init__(self, lists: DeviceLists) -> None:
        self._lists = lists
        self._refreshes = TokenBuckets(REFRESH_BURST, REFRESH_PER_S)

    async def is_device_of(self, user: UserId, curve25519: str, ed25519: str) -> bool:
        """Return whether a device of this user has these keys. Raises AdapterError."""
        if await self._is_known(user, curve25519, ed25519):
            return True
        if not self._refreshes.take(user):
            return False
        await self._lists.refresh([user])
        return await self._is_known(user, curve25519, ed25519)

    async def _is_known(self, user: UserId, curve25519: str, ed25519: str) -> bool:
        devices = (await self._lists.devices_of([user])).get(user, ())
        return any((each.curve25519, each.ed25519) == (curve25519, ed25519) for each in devices)
