"""The ports by which others see the bot's keys, and the code of a verification by SAS."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from spaces_bridge.core.ids import UserId


@dataclass(frozen=True, slots=True)
class SasCode:
    """The code that two people compare. Spec: "SAS method: emoji", "SAS method: decimal".

    `emojis`: seven numbers from 0 to 63; `decimals`: three numbers from 1000 to 9191.
    """

    emojis: tuple[int, ...]
    decimals: tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class BotKeys:
    """The bot's public keys, in unpadded base64: its device's (Ed25519) and its master key."""

    user: UserId
    device: str
    device_key: str
    master_key: str


class VerificationOutcome(StrEnum):
    """The outcome of a verification, as far as it has come."""

    COMPARING = "comparing"
    VERIFIED = "verified"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class ShownVerification:
    """A verification whose code can be compared; `user` is the person at the other side.

    `emojis`, `numbers`: whether the person's client shows the code so.
    """

    user: UserId
    code: SasCode
    emojis: bool
    numbers: bool
    outcome: VerificationOutcome


class VerificationDesk(Protocol):
    """The desk where people look up what they compare with their clients."""

    def bot_keys(self) -> BotKeys | None:
        """Return the bot's keys; None: there are none yet."""
        ...

    def shown(self, ticket: str) -> ShownVerification | None:
        """Return the verification with this ticket, which is in the address it is shown at."""
        ...
