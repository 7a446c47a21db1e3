"""Verification messages in rooms. Pure. Spec: Client-Server API, "Key verification framework"."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from spaces_bridge.core.ids import EventId, RoomId, UserId
from spaces_bridge.matrix.events.envelope import Envelope, is_id

REQUEST = "m.key.verification.request"
_PREFIX = "m.key.verification."


@dataclass(frozen=True, slots=True)
class VerificationMessage:
    """A message of a verification in a room.

    `id` is the id of the event that asked for the verification, which may be this one. `at_ms`:
    its `origin_server_ts`.
    """

    room: RoomId
    event: EventId
    sender: UserId
    type: str
    content: Mapping[str, Any]
    id: EventId
    at_ms: int | None

    @property
    def is_request(self) -> bool:
        """True when the message asks for a verification."""
        return self.type == REQUEST


def is_verification(head: Envelope) -> bool:
    """Return whether the event belongs to a verification."""
    if head.type == "m.room.message":
        return head.content.get("msgtype") == REQUEST
    return head.type.startswith(_PREFIX)


def verification_in(
    head: Envelope, event: Mapping[str, Any], bot: UserId
) -> VerificationMessage | None:
    """Return the message; None when it is none, or asks somebody other than the bot."""
    sent_at = event.get("origin_server_ts")
    at_ms = sent_at if isinstance(sent_at, int) and not isinstance(sent_at, bool) else None
    here = head.room, head.event, head.sender
    if head.type == "m.room.message":
        if head.content.get("to") != bot:
            return None
        return VerificationMessage(*here, REQUEST, head.content, head.event, at_ms)
    relation = head.content.get("m.relates_to")
    if head.type == REQUEST or not isinstance(relation, Mapping):
        return None
    target = relation.get("event_id")
    if relation.get("rel_type") != "m.reference" or not is_id(target):
        return None
    return VerificationMessage(*here, head.type, head.content, EventId(str(target)), at_ms)
