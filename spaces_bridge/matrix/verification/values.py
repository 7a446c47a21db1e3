"""What the two sides of a verification are, and what is sent. Values only."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from spaces_bridge.core.ids import UserId

SAS_METHOD = "m.sas.v1"
PREFIX = "m.key.verification."


class CancelCode(Enum):
    """The reasons to cancel, with a sentence for people. Spec: "m.key.verification.cancel"."""

    USER = "m.user", "Cancelled."
    TIMEOUT = "m.timeout", "Nothing happened for too long. Please begin again."
    UNKNOWN_TRANSACTION = "m.unknown_transaction", "I know of no such verification. Begin again."
    UNKNOWN_METHOD = "m.unknown_method", "I can compare emoji or numbers, and nothing else."
    UNEXPECTED_MESSAGE = "m.unexpected_message", "That came out of turn. Please begin again."
    KEY_MISMATCH = "m.key_mismatch", "A key is not the one the homeserver showed me. Beware."
    INVALID_MESSAGE = "m.invalid_message", "I could not understand your client. Begin again."
    MISMATCHED_COMMITMENT = (
        "m.mismatched_commitment",
        "The key that came is not the one that was announced. Beware.",
    )

    def __init__(self, code: str, reason: str) -> None:
        self.code = code
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Side:
    """One side: a user, the device that takes part, and the keys that the other is to verify.

    `keys` maps key ids (`ed25519:DEVICE`, `ed25519:MASTERKEY`) to public keys in unpadded base64.
    They are fixed when the verification begins. Spec: "Key and signature security".
    """

    user: UserId
    device: str
    keys: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Exchange:
    """What does not change while a verification lasts.

    `id`: the transaction id, or the id of the event that asked for it in a room. `in_room` says
    which. `is_requested`: it began by a request, so that it ends by `m.key.verification.done`.
    """

    id: str
    us: Side
    them: Side
    in_room: bool
    is_requested: bool = True

    def content(self, **fields: object) -> dict[str, Any]:
        """Return the content of one of our messages, with the reference to this verification."""
        if self.in_room:
            reference = {"rel_type": "m.reference", "event_id": self.id}
            return {**fields, "m.relates_to": reference}
        return {**fields, "transaction_id": self.id}


@dataclass(frozen=True, slots=True)
class OutgoingVerification:
    """A message for the other side: its event type, and its content."""

    type: str
    content: Mapping[str, Any]


def cancellation(exchange: Exchange, code: CancelCode, reason: str = "") -> OutgoingVerification:
    """Return the message that ends a verification; `reason`: in place of the code's own."""
    content = exchange.content(code=code.code, reason=reason or code.reason)
    return OutgoingVerification(f"{PREFIX}cancel", content)
