"""People's keys as verification needs them, and the bot's signature on those that were verified.

Spec: Client-Server API, "Cross-signing": the user-signing key signs other users' master keys.
"""

import asyncio
import logging
from collections.abc import Iterable, Mapping
from typing import Any, Final, Protocol

from spaces_bridge.app.crypto_ports import CryptoStore, VerifiedIdentity
from spaces_bridge.app.errors import AdapterError
from spaces_bridge.app.ports import Clock
from spaces_bridge.core.ids import UserId
from spaces_bridge.matrix.client.errors import RequestRefused
from spaces_bridge.matrix.crypto.device_lists import DeviceLists
from spaces_bridge.matrix.crypto.peer_keys import MASTER_FIELDS
from spaces_bridge.matrix.verification import words
from spaces_bridge.matrix.verification.courier import Tell
from spaces_bridge.matrix.verification.needs import PeerKeys

log = logging.getLogger(__name__)

LOOK_AGAIN_S: Final = 30.0
"""The pause before people are looked at again that could not be."""


class Signer(Protocol):
    """The signer holds the bot's cross-signing keys."""

    def sign_user(self, master: Mapping[str, Any]) -> dict[str, Any]:
        """Return a person's master key with the user-signing key's signature."""
        ...

    async def upload_signatures(self, body: Mapping[str, Any]) -> None:
        """Publish signatures. Raises RequestRefused, Away."""
        ...


class ListedKeys:
    """People's keys of the device lists, asked for anew. Implements `PeerKeyBook`."""

    def __init__(self, lists: DeviceLists) -> None:
        self._lists = lists

    async def keys_of(self, user: UserId, device: str) -> PeerKeys | None:
        """Return the device's keys as the homeserver holds them now; None: there is none.

        None also where a device is named as a master key, so that the two cannot be told apart.
        Spec: "Key and signature security". Raises AdapterError.
        """
        await self._lists.refresh([user])
        devices = {each.device: each for each in (await self._lists.devices_of([user]))[user]}
        found, identity = devices.get(device), await self._lists.identity_of(user)
        master = identity.master if identity is not None else ""
        if found is None or master in devices:
            return None
        return PeerKeys(found.ed25519, master or None)


class VerifiedIdentities:
    """The people whose master keys were verified. Implements `Endorser`."""

    def __init__(
        self, lists: DeviceLists, signer: Signer, store: CryptoStore, tell: Tell, clock: Clock
    ) -> None:
        self._lists = lists
        self._signer = signer
        self._store = store
        self._tell = tell
        self._clock = clock
        self._verified: set[UserId] = set()
        self._doubtful: set[UserId] = set()
        self._any = asyncio.Event()
        lists.on_change(self.devices_changed)

    async def endorse(self, user: UserId, master: str) -> None:
        """Sign and publish the key, and remember it as verified; safe to repeat.

        Raises Away, StorageError. Does nothing when the person has another master key by now.
        """
        identity = await self._lists.identity_of(user)
        if identity is None or identity.master != master:
            log.warning("the identity of %s changed while it was verified", user)
            return
        key = {name: identity.master_keys[name] for name in MASTER_FIELDS}
        try:
            await self._signer.upload_signatures({user: {master: self._signer.sign_user(key)}})
        except RequestRefused as refusal:  # what counts is what we remember
            log.warning("the signature for %s was refused: %s", user, refusal.errcode)
        verified = VerifiedIdentity(user, master, self._clock.now_ms())
        await self._store.apply(put=[verified])
        self._verified.add(user)

    def devices_changed(self, users: Iterable[UserId]) -> None:
        """Look at those of these people who were verified: their keys may be others now."""
        found = self._verified.intersection(users)
        if found:
            self._doubtful |= found
            self._any.set()

    async def run(self) -> None:
        """Tell people whose identity changed, until cancelled. Raises StorageError."""
        self._verified |= {each.user for each in await self._store.find(VerifiedIdentity)}
        self._doubtful |= self._verified  # what changed just before a crash is seen now
        while True:
            try:
                await self.look()
            except AdapterError as error:
                log.warning("cannot look at changed identities: %s", error)
                await asyncio.sleep(LOOK_AGAIN_S)
                continue
            await self._any.wait()
            self._any.clear()

    async def look(self) -> None:
        """Look at everybody in doubt once. Raises AdapterError: those not looked at stay."""
        while self._doubtful:
            user = self._doubtful.pop()
            try:
                await self._look_at(user)
            except AdapterError:
                self._doubtful.add(user)
                raise

    async def _look_at(self, user: UserId) -> None:
        """Tell a verified person whose identity is another one now; once."""
        identity = await self._lists.identity_of(user)
        for verified in await self._store.find(VerifiedIdentity, user=user):
            if identity is not None and identity.master == verified.master:
                continue
            now = identity.master if identity is not None else ""
            log.warning("the verified identity of %s is another one now", user)
            text = words.reset(user, verified.verified_at_ms)
            await self._tell(user, text, f"identity:{user}:{now}")
            await self._store.apply(drop=[verified])
            self._verified.discard(user)
