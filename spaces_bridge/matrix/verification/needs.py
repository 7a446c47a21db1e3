"""What verification needs of its surroundings."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

from spaces_bridge.app.ports import Clock
from spaces_bridge.app.verification_ports import BotKeys
from spaces_bridge.core.ids import RoomId, UserId
from spaces_bridge.matrix.verification.values import OutgoingVerification


@dataclass(frozen=True, slots=True)
class PeerKeys:
    """The keys that the homeserver shows of a person's device, in unpadded base64.

    `master` is None for people without cross-signing.
    """

    device: str
    master: str | None


class PeerKeyBook(Protocol):
    """The book of other people's keys."""

    async def keys_of(self, user: UserId, device: str) -> PeerKeys | None:
        """Return the keys as the homeserver holds them now, None where there is no such device.

        None also for a user with a device that is named as a cross-signing key. Raises
        AdapterError.
        """
        ...


class Endorser(Protocol):
    """The endorser signs people's master keys with the bot's user-signing key."""

    async def endorse(self, user: UserId, master: str) -> None:
        """Sign and publish, and remember the key as verified; safe to repeat.

        Raises AdapterError. Does nothing when the person has another master key by now.
        """
        ...


class Courier(Protocol):
    """The courier of one verification: how messages reach the other side."""

    async def send(self, out: OutgoingVerification) -> None:
        """Send a message, once for each type. Raises AdapterError; safe to repeat."""
        ...

    async def tell(self, text: str, key: str) -> None:
        """Write to the person, once for each `key`. Raises AdapterError; safe to repeat."""
        ...


@dataclass(frozen=True, slots=True)
class VerificationNeeds:
    """The surroundings. `page_of` returns the address that shows the code with this ticket."""

    own_keys: Callable[[], BotKeys | None]
    peers: PeerKeyBook
    endorser: Endorser
    courier_in: Callable[[RoomId, str], Courier]
    """The courier of the verification with this id in a room."""
    courier_to: Callable[[UserId, str, str], Courier]
    """The courier to a device of a user, for the verification with this id."""
    is_direct: Callable[[RoomId], Awaitable[bool]]
    page_of: Callable[[str], str]
    clock: Clock
