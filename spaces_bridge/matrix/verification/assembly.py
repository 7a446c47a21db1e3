"""Assemble the verification of the bot. Nothing starts here."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from spaces_bridge.app.ports import Clock
from spaces_bridge.app.supervisor import Work
from spaces_bridge.app.verification_ports import BotKeys
from spaces_bridge.core.ids import RoomId, UserId
from spaces_bridge.matrix.client.matrix_client import MatrixClient
from spaces_bridge.matrix.crypto.assembly import CryptoService
from spaces_bridge.matrix.crypto.to_device import ToDeviceEvent
from spaces_bridge.matrix.verification.courier import DeviceCourier, RoomCourier, Tell
from spaces_bridge.matrix.verification.endorsing import ListedKeys, VerifiedIdentities
from spaces_bridge.matrix.verification.mailbox import VerificationMailbox
from spaces_bridge.matrix.verification.needs import VerificationNeeds
from spaces_bridge.matrix.verification.service import VerificationService
from spaces_bridge.matrix.verification.values import PREFIX

KINDS = ("request", "start", "accept", "key", "mac", "done", "cancel")
"""The messages that are acted on; `ready` answers requests, which the bot makes none of."""


class Keyring:
    """The bot's keys as verification needs them. Implements `Signer`."""

    def __init__(self, crypto: CryptoService) -> None:
        self._crypto = crypto

    def bot_keys(self) -> BotKeys | None:
        """Return the bot's keys; None before the homeserver has them."""
        if not self._crypto.sync.is_set_up:
            return None
        account, master = self._crypto.account, self._crypto.cross_signing.public("master")
        return BotKeys(account.user, account.device, account.ed25519, master)

    def sign_user(self, master: Mapping[str, Any]) -> dict[str, Any]:
        """Return a person's master key with the user-signing key's signature."""
        user = self._crypto.account.user
        return self._crypto.cross_signing.sign("user_signing", master, user)

    async def upload_signatures(self, body: Mapping[str, Any]) -> None:
        """Publish signatures. Raises RequestRefused, Away."""
        await self._crypto.keys_api.upload_signatures(dict(body))


@dataclass(frozen=True, slots=True)
class Verification:
    """The service of verifications, and the people who were verified."""

    service: VerificationService
    identities: VerifiedIdentities
    mailbox: VerificationMailbox

    def endless(self) -> Mapping[str, Work]:
        """Return the tasks that run as long as the bridge, by their names."""
        return {
            "verifications": self.service.run,
            "verified people": self.identities.run,
            "messages of verifications": self.mailbox.run,
        }


def assemble_verification(
    bot: MatrixClient,
    crypto: CryptoService,
    is_direct: Callable[[RoomId], Awaitable[bool]],
    tell: Tell,
    verify_page: str,
    clock: Clock,
) -> Verification:
    """Return the parts, joined together, and have to-device messages come to them.

    `tell` writes to a person's direct room, once for each key. `verify_page`: the address of the
    page with the bot's keys.
    """
    ring, lists = Keyring(crypto), crypto.sending.lists
    identities = VerifiedIdentities(lists, ring, crypto.store, tell, clock)

    def courier_in(room: RoomId, id_: str) -> RoomCourier:
        return RoomCourier(bot, room, id_)

    def courier_to(user: UserId, device: str, _id: str) -> DeviceCourier:
        return DeviceCourier(crypto.queue.put, tell, user, device)

    service = VerificationService(
        VerificationNeeds(
            own_keys=ring.bot_keys,
            peers=ListedKeys(lists),
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

    mailbox = VerificationMailbox(heard)
    for kind in KINDS:
        crypto.handlers.on(f"{PREFIX}{kind}", mailbox.put)
    return Verification(service, identities, mailbox)
