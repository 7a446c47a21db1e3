"""The floor as values: requests for it, the policy and the queue by which it is given.

The states carry the words of the Binary Floor Control Protocol (RFC 8855). Only Pending and
Accepted are kept: Granted is the role itself, and the rest are ends, told by their events.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from spaces_bridge.core.ids import EventId, UserId


class RequestState(StrEnum):
    """The state of a floor request that is not yet decided by the homeserver."""

    PENDING = "pending"
    ACCEPTED = "accepted"


class SpeakPolicy(StrEnum):
    """The speak policy says who gets the floor on asking."""

    REQUEST = "request"
    EVERYONE = "everyone"
    FOLLOWED = "followed"
    INVITED = "invited"


class Doubt(StrEnum):
    """A doubt is a hint that a person may have lost the floor, not looked into yet."""

    LEVEL = "level"
    MEMBERSHIP = "membership"


class QueueOrder(StrEnum):
    """The order of the hand queue."""

    ARRIVAL = "arrival"
    AIRTIME = "airtime"
    """The person who has spoken least comes first."""


@dataclass(frozen=True, slots=True)
class SpeakRequest:
    """A raised hand. `reaction` is the ✋ annotation that raised it, if one did."""

    user: UserId
    asked_at_ms: int
    state: RequestState = RequestState.PENDING
    reaction: EventId | None = None
    promised: bool = False
    """The policy gives this person the floor, as soon as that is not too many at once."""


def queue(
    requests: Mapping[UserId, SpeakRequest],
    order: QueueOrder = QueueOrder.ARRIVAL,
    airtime_ms: Mapping[UserId, int] | None = None,
) -> tuple[SpeakRequest, ...]:
    """Return the waiting hands: in order of arrival, or those who spoke least first."""
    spoken = airtime_ms if airtime_ms is not None and order is QueueOrder.AIRTIME else {}
    waiting = [r for r in requests.values() if r.state is RequestState.PENDING]
    return tuple(sorted(waiting, key=lambda r: (spoken.get(r.user, 0), r.asked_at_ms, r.user)))
