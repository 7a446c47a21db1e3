"""Assemble the verification of the bot. Nothing starts here."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from spaces_bridge.app.crypto_ports import CryptoStore
from spaces_bridge.app.ports import Clock
from spaces_bridge.app.verification_ports import BotKeys
from spaces_bridge.core.ids import RoomId, UserId
from spaces_bridge.matrix.client.matrix_client import MatrixClient
from spaces_bridge.matrix.crypto.account import OwnAccount
from spaces_bridge.matrix.crypto.cross_signing import CrossSigning
from spaces_bridge.matrix.crypto.device_lists import DeviceLists
from spaces_bridge.matrix.crypto.keys_api import KeysApi
from spaces_bridge.matrix.crypto.to_device import ToDeviceEvent, ToDeviceHandlers, ToDeviceQueue
from spaces_bridge.matrix.verification.courier import DeviceCourier, RoomCourier, Tell
from spaces_bridge.matrix.verification.endorsing import ListedKeys, VerifiedIdentities
from spaces_bridge.matrix.verification.needs import VerificationNeeds
from spaces_bridge.matrix.verification.service import VerificationService
from spaces_bridge.matrix.verification.values import PREFIX

KINDS = ("request", "start", "accept", "key", "mac", "done", "cancel")
"""The messages that are acted on; `ready` answers requests, which the bot makes none of."""


@dataclass(frozen=True, slots=True)
class Keyring:
    """The parts of the bot's encryption that verification rests on."""

    account: OwnAccount
    cross_signing: CrossSigning
    api: KeysApi
    lists: DeviceLists
    handlers: ToDeviceHandlers
    queue: ToDeviceQueue
    store: CryptoStore

    @property
    def bot_keys(self) -> BotKeys | None:
        """The bot's keys; None before the homeserver has them."""
        if not self.api.device:
            return None
        master = self.cross_signing.public("master")
        return BotKeys(self.account.user, self.account.device, self.account.ed25519, master)

    def sign_user(self, master: Mapping[str, Any]) -> dict[str, Any]:
        """Return a person's master key with the user-signing key's signature (`Signer`)."""
        return self.cross_signing.sign("user_signing", master, self.account.user)

    async def upload_signatures(self, body: Mapping[str, Any]) -> None:
        """Publish signatures (`Signer`). Raises RequestRefused, Away."""
        await self.api.upload_signatures(body)


@dataclass(frozen=True, slots=True)
class Verification:
    """The service of verifications, and the people who were verified; both are to be run."""

    service: VerificationService
    identities: VerifiedIdentities


def assemble_verification(
    bot: MatrixClient,
    ring: Keyring,
    is_direct: Callable[[RoomId], Awaitable[bool]],
    tell: Tell,
    verify_page: str,
    clock: Clock,
) -> Verification:
    """Return the parts, joined together, and have to-device messages come to them.

    `tell` writes to a person's direct room, once for each key. `verify_page`: the address of the
    page with the bot's keys.
    """
    identities = VerifiedIdentities(ring.lists, ring, ring.store, tell, clock)

    def courier_in(room: RoomId, id_: str) -> RoomCourier:
        return RoomCourier(bot, room, id_)

    def courier_to(user: UserId, device: str, _id: str) -> DeviceCourier:
        return DeviceCourier(ring.queue.put, tell, user, device)

    service = VerificationService(
        VerificationNeeds(
            own_keys=lambda: ring.bot_keys,
            peers=ListedKeys(ring.lists),
            endorser=identities,
            courier_in=courier_in,
            courier_to=courier_to,
            is_direct=is_direct,
            page_of=lambda ticket: f"{verify_page}/{ticket}",
            clock=clock,
        )
    )

    async def heard(event: ToDeviceEvent) -> None:
        await service.to_device(event.type, event.sender, event.content)

    for kind in KINDS:
        ring.handlers.on(f"{PREFIX}{kind}", heard)
    return Verification(service, identities)
