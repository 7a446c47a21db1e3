"""The bot's encryption device: made at the homeserver, published and vouched for.

Spec: MSC4190 (devices of appservices), Client-Server API, "Cross-signing".
"""

import logging
import secrets
import string
from typing import Final

from vodozemac import Account

from spaces_bridge.app.crypto_ports import CryptoStore, OwnDevice, OwnIdentity
from spaces_bridge.app.ports import Clock
from spaces_bridge.core.ids import UserId
from spaces_bridge.matrix.client.errors import RequestRefused
from spaces_bridge.matrix.crypto.account import OwnAccount
from spaces_bridge.matrix.crypto.cross_signing import CrossSigning
from spaces_bridge.matrix.crypto.keys_api import DEVICE_PREFIX, KeysApi
from spaces_bridge.matrix.crypto.pickles import PickleKey

log = logging.getLogger(__name__)

_LETTERS: Final = 8

OLD_REGISTRATION: Final = (
    "The homeserver still has a registration in which the bot is the sender, and gives such a "
    "user no keys: encrypted chats cannot be read. Write the registration again with -g (tokens, "
    "rooms and chats stay), give it to the homeserver and restart the homeserver."
)


ALREADY_THERE: Final = "already exists"
"""What Synapse says of a one-time key whose name it knows for another one."""


class EncryptionImpossible(Exception):
    """The homeserver does not let the bot have encryption; the text says what to do."""


async def open_account(
    store: CryptoStore, user: UserId, pickle_key: PickleKey, clock: Clock
) -> tuple[OwnAccount, CrossSigning]:
    """Return the bot's account and cross-signing keys as stored, or new ones, stored.

    Nothing is published here. Raises StorageError, WrongPickleKeyError.
    """
    stored = await store.find(OwnDevice)
    identities = await store.find(OwnIdentity)
    if stored and identities and stored[0].user == user:
        account = OwnAccount.stored(stored[0], pickle_key.olm)
        return account, CrossSigning.stored(identities[0], pickle_key)
    if stored:
        log.warning("the stored encryption device is another user's: the bot gets a new one")
    await store.forget_device()
    name = "".join(secrets.choice(string.ascii_uppercase) for _ in range(_LETTERS))
    account = OwnAccount(user, f"{DEVICE_PREFIX}{name}", Account(), pickle_key.olm, clock.now_ms())
    keys = CrossSigning.new()
    await store.apply([account.record(), keys.identity(pickle_key, is_published=False)])
    return account, keys


class DeviceSetup:
    """The set-up of the device at the homeserver; safe to repeat at any moment."""

    def __init__(
        self,
        api: KeysApi,
        store: CryptoStore,
        account: OwnAccount,
        keys: CrossSigning,
        pickle_key: PickleKey,
    ) -> None:
        self._api = api
        self._store = store
        self._account = account
        self._keys = keys
        self._pickle_key = pickle_key

    async def set_up(self) -> None:
        """Make the device and publish its keys, as far as that is not done.

        Raises EncryptionImpossible, Away, StorageError.
        """
        if await self._api.sender() == self._account.user:
            raise EncryptionImpossible(OLD_REGISTRATION)
        try:
            await self._make()
            self._api.device = self._account.device
            await self.publish()
            await self._vouch()
        except RequestRefused as refusal:
            raise EncryptionImpossible(
                f"The homeserver gives the bot no encryption device ({refusal}): encrypted chats "
                "cannot be read. It needs devices of appservices (MSC4190; Synapse 1.121 or "
                "newer), and a registration that says `io.element.msc4190: true`."
            ) from refusal

    async def publish(self) -> None:
        """Publish keys that the homeserver does not have; they are stored before and after.

        Raises RequestRefused, Away, StorageError.
        """
        async with self._account.lock:
            body = self._account.to_publish()
            if not body:
                return
            await self._store.apply([self._account.record()])
            try:
                await self._api.upload_keys(body)
            except RequestRefused as refusal:
                if ALREADY_THERE not in refusal.text:
                    raise
                log.warning(
                    "the homeserver has other one-time keys of the bot by these names: the "
                    "database is an older one. The bot makes further ones"
                )
            self._account.mark_published()
            await self._store.apply([self._account.record()])

    async def top_up(self, held: int, *, has_fallback: bool) -> None:
        """Make and publish one-time keys that the homeserver lacks; `held`: how many it has.

        Raises RequestRefused, Away, StorageError.
        """
        async with self._account.lock:
            lacks = self._account.top_up(held, has_fallback=has_fallback)
        if lacks:
            await self.publish()

    async def _make(self) -> None:
        devices = await self._api.own_devices()
        if self._account.device in devices:
            return
        if self._account.is_published:
            log.warning("the bot's encryption device was deleted: it is made again")
            self._account.is_published = False
            await self._store.apply([self._keys.identity(self._pickle_key, is_published=False)])
        else:
            await self._remove_lost([each for each in devices if _is_ours(each)])
        await self._api.make_device(self._account.device)

    async def _remove_lost(self, devices: list[str]) -> None:
        """Delete devices of a bridge whose database is lost: nobody can use them any more."""
        for device in devices:
            log.warning(
                "the bot had an encryption device (%s) that the database does not know: it was "
                "another database. The bot has a new device and a new identity now, which clients "
                "of people who verified it point out; the old one is removed",
                device,
            )
            await self._api.delete_device(device)

    async def _vouch(self) -> None:
        [identity] = await self._store.find(OwnIdentity)
        if identity.is_published:
            return
        account = self._account
        await self._api.upload_cross_signing(self._keys.upload(account.user))
        await self._api.upload_signatures(
            self._keys.signatures(account.user, account.device_keys, account.sign)
        )
        await self._store.apply([self._keys.identity(self._pickle_key, is_published=True)])
        log.info("the bot's device %s is cross-signed: %s", account.device, account.ed25519)


def _is_ours(device: str) -> bool:
    """Return whether a device of the bot was made for encryption by this program."""
    letters = device.removeprefix(DEVICE_PREFIX)
    return len(letters) == _LETTERS and letters.isascii() and letters.isupper()
