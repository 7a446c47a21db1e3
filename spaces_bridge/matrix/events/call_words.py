"""What the bot says about a room's call (MatrixRTC): rings, reactions, a closed slot. Pure.

Its membership, which the first two refer to, is in `rtc`.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from spaces_bridge.app.call_ports import CALL_SLOT
from spaces_bridge.core.ids import EventId, UserId

NOTIFICATION: Final = "org.matrix.msc4075.rtc.notification"
SLOT_STATE: Final = "org.matrix.msc4143.rtc.slot"
CLOSED_SLOT: Final[Mapping[str, Any]] = {"status": "closed"}
"""The content of a slot in which nobody is a member, whatever sticky events say."""


def notification(
    kind: str, member: EventId, whom: Sequence[UserId], now_ms: int, lifetime_ms: int
) -> dict[str, Any]:
    """Return the content of a call notification (MSC4075) to `whom`, and to nobody else.

    `kind` is `ring` or `notification`, `member` the sender's own membership. It is news until
    `lifetime_ms` after `now_ms`.
    """
    return {
        "notification_type": kind,
        "slot_id": CALL_SLOT,
        "m.mentions": {"user_ids": list(whom), "room": False},
        "m.relates_to": {"rel_type": "m.reference", "event_id": member},
        "sender_ts": now_ms,
        "lifetime": lifetime_ms,
        "m.call.intent": "audio",
    }


def call_reaction(member: EventId, emoji: str) -> dict[str, Any]:
    """Return the content of a reaction in a call, to the sender's own membership `member`.

    Of a `name` that it knows, Element Call shows its own emoji; it knows none of this name.
    """
    return {
        "m.relates_to": {"rel_type": "m.reference", "event_id": member},
        "emoji": emoji,
        "name": "generic",
    }
