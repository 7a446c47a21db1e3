"""Membership in a room's call (MatrixRTC), read from events and written for the bot. Pure.

Three generations are read: state events of MSC3401 as Element Call writes them, the sticky events
of MSC4143 and MSC4354 as Element Call 0.26.1 sends them, and those of MSC4143's newest text, whose
`member` says `membership`. The bot's own is of the first, which every client reads.
"""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from spaces_bridge.core.ids import EventId, RoomId, UserId
from spaces_bridge.matrix.events.envelope import Envelope, envelope_of, is_id, is_user_id

MEMBER_STATE: Final = "org.matrix.msc3401.call.member"
STATE_TYPES: Final = frozenset({MEMBER_STATE, "m.call.member"})
STICKY_TYPES: Final = frozenset({"org.matrix.msc4143.rtc.member", "m.rtc.member"})
CALL_REACTION: Final = "io.element.call.reaction"

EXPIRES_MS: Final = 14_400_000
"""The life of a state event without `expires`, and of the bot's own (Element Call's number)."""
RENEWED_BEFORE_MS: Final = 3_600_000
"""The bot's own event is renewed so long before it expires."""
STICKY_MAX_MS: Final = 3_600_000
"""The longest time for which an event sticks (MSC4354)."""
TRANSPORTS_MAX: Final = 10
"""The transports read of one event."""

_APPLICATION: Final = "m.call"
_PORTS: Final[Mapping[str, int]] = {"http": 80, "https": 443}
_KEY: Final = re.compile(r"_?(@[^:]*:[A-Za-z0-9.\-:\[\]]+)_(.+)")


@dataclass(frozen=True, slots=True)
class CallMember:
    """The membership of one device in a room's call.

    `member` is its MatrixRTC id, from which and `user` and `device` the name of its LiveKit
    participant is made. `publishes_at` are the addresses of the SFUs to which it sends, as it
    says; empty: it does not say. `expires_at_ms` is Unix time, None where no time is given.
    """

    user: UserId
    device: str
    member: str
    there: bool
    """False: the device has left the call."""
    publishes_at: tuple[str, ...] = ()
    expires_at_ms: int | None = None

    def is_there(self, now_ms: int) -> bool:
        """Return whether the device is in the call at this time, as far as the event says."""
        return self.there and (self.expires_at_ms is None or self.expires_at_ms > now_ms)

    def publishes_elsewhere(self, ours: Collection[str]) -> bool:
        """Return whether it sends to SFUs at none of the addresses `ours`."""
        own = {plain_address(address) for address in ours} - {None}
        return bool(self.publishes_at) and own.isdisjoint(map(plain_address, self.publishes_at))


@dataclass(frozen=True, slots=True)
class CallReaction:
    """A reaction in a call (`io.element.call.reaction`) to the member event `target`."""

    room: RoomId
    event: EventId
    sender: UserId
    target: EventId
    emoji: str


def state_key(user: UserId, device: str) -> str:
    """Return the key of a device's state event: not the user's own, so that the bot may write it.

    Keys that begin with `@` may be written by that user alone (spec, "Authorization rules").
    """
    return f"_{user}_{device}_{_APPLICATION}"


def own_state_key(bot: UserId) -> str:
    """Return the key of the bot's own state event: its user id, so that nobody else may write it.

    Clients read whose a membership is from the event's sender and content, never from its key.
    """
    return bot


def is_member_event(type_: object) -> bool:
    """Return whether events of this type are memberships in calls."""
    return type_ in STATE_TYPES or type_ in STICKY_TYPES


def member_in(event: Mapping[str, Any]) -> CallMember | None:
    """Return the membership that an event says, None when it says none.

    Whoever writes another person's membership says nothing by it, but that it is over.
    """
    head = envelope_of(event)
    if head is None:
        return None
    at_ms = _integer(event.get("origin_server_ts"))
    if head.state_key is not None:
        if head.type not in STATE_TYPES:
            return None
        return state_member(head.state_key, head.sender, head.content, at_ms)
    if head.type not in STICKY_TYPES:
        return None
    return _of_sticky(head, event.get("msc4354_sticky", event.get("sticky")), at_ms)


def state_member(
    key: str, sender: UserId | None, content: Mapping[str, Any], at_ms: int | None
) -> CallMember | None:
    """Return the membership that a state event says. `sender` None: not known, taken as right."""
    named = _KEY.fullmatch(key)
    if named is None or not is_user_id(named[1]):
        return None
    user, rest = UserId(named[1]), named[2]
    if not content:
        device = rest.partition(f"_{_APPLICATION}")[0]
        return CallMember(user, device, f"{user}:{device}", there=False)
    device_id = content.get("device_id")
    known = sender in {None, user} and content.get("application") == _APPLICATION
    if not known or not is_id(device_id) or not _is_named_by(rest, str(device_id)):
        return None
    device = str(device_id)
    return CallMember(
        user,
        device,
        _text(content.get("membershipID")) or f"{user}:{device}",
        there=True,
        publishes_at=_of_foci(content),
        expires_at_ms=_expiry_ms(content, at_ms),
    )


def call_reaction_in(event: Mapping[str, Any]) -> CallReaction | None:
    """Return the reaction in a call that an event is, None when it is none."""
    head = envelope_of(event)
    if head is None or head.type != CALL_REACTION or head.state_key is not None:
        return None
    relation = head.content.get("m.relates_to")
    if not isinstance(relation, Mapping) or relation.get("rel_type") != "m.reference":
        return None
    target, emoji = relation.get("event_id"), head.content.get("emoji")
    if not is_id(target) or not isinstance(emoji, str):
        return None
    return CallReaction(head.room, head.event, head.sender, EventId(str(target)), emoji)


def own_member(
    bot: UserId, device: str, room: RoomId, sfu: str, started_at_ms: int, now_ms: int
) -> dict[str, Any]:
    """Return the content of the bot's own state event in a call that began at `started_at_ms`.

    It is the same until it is to be renewed: its life grows by whole steps from the start, as
    Element Call's does. `sfu` is the address of our authoriser (`livekit_service_url`).
    """
    past_ms = max(0, now_ms - started_at_ms)
    steps = (past_ms + RENEWED_BEFORE_MS) // EXPIRES_MS + 1
    return {
        "application": _APPLICATION,
        "call_id": "",
        "scope": "m.room",
        "device_id": device,
        "membershipID": f"{bot}:{device}",
        "created_ts": started_at_ms,
        "expires": steps * EXPIRES_MS,
        "focus_active": {"type": "livekit", "focus_selection": "multi_sfu"},
        "foci_preferred": [
            {"type": "livekit", "livekit_alias": room, "livekit_service_url": sfu},
        ],
        "m.call.intent": "audio",
    }


# --- state events (MSC3401) ---------------------------------------------------------------------


def _expiry_ms(content: Mapping[str, Any], at_ms: int | None) -> int | None:
    created_ms, life_ms = _integer(content.get("created_ts")), _integer(content.get("expires"))
    begun_ms = at_ms if created_ms is None else created_ms
    if begun_ms is None:
        return None
    return begun_ms + (EXPIRES_MS if life_ms is None else life_ms)


def _is_named_by(rest: str, device: str) -> bool:
    return rest == device or rest.startswith(f"{device}_")


def _of_foci(content: Mapping[str, Any]) -> tuple[str, ...]:
    """Return where the device publishes: at its first choice, unless all follow the oldest."""
    active = content.get("focus_active")
    if not isinstance(active, Mapping) or active.get("focus_selection") != "multi_sfu":
        return ()
    return tuple(_addresses(content.get("foci_preferred")))[:1]


# --- sticky events (MSC4143) --------------------------------------------------------------------


def _of_sticky(head: Envelope, sticky: object, at_ms: int | None) -> CallMember | None:
    content = head.content
    member = content.get("member")
    member = member if isinstance(member, Mapping) else {}
    named = member.get("id", content.get("msc4354_sticky_key", content.get("sticky_key")))
    if not is_id(named):
        return None
    claimed = [member.get(name) for name in ("user_id", "claimed_user_id")]
    if any(user is not None and user != head.sender for user in claimed):
        return None
    device = _text(member.get("device_id", member.get("claimed_device_id")))
    if not _is_join(content, member):
        return CallMember(head.sender, device, str(named), there=False)
    return CallMember(
        head.sender,
        device,
        str(named),
        there=True,
        publishes_at=tuple(_addresses(_published(content))),
        expires_at_ms=None if at_ms is None else at_ms + _sticky_ms(sticky),
    )


def _is_join(content: Mapping[str, Any], member: Mapping[str, Any]) -> bool:
    application = content.get("application")
    kind = application.get("type") if isinstance(application, Mapping) else application
    return bool(member) and kind == _APPLICATION and member.get("membership", "join") == "join"


def _published(content: Mapping[str, Any]) -> object:
    transports = content.get("transports", content.get("rtc_transports"))
    return transports.get("published") if isinstance(transports, Mapping) else transports


def _sticky_ms(sticky: object) -> int:
    asked = _integer(sticky.get("duration_ms")) if isinstance(sticky, Mapping) else None
    return STICKY_MAX_MS if asked is None else max(0, min(asked, STICKY_MAX_MS))


# --- both -------------------------------------------------------------------------------------


def _addresses(transports: object) -> Iterator[str]:
    """Yield the addresses of transports by LiveKit: of the authoriser, or of the SFU itself."""
    if not isinstance(transports, list):
        return
    for transport in transports[:TRANSPORTS_MAX]:
        if isinstance(transport, Mapping) and transport.get("type") == "livekit":
            address = transport.get("livekit_service_url", transport.get("url"))
            if is_id(address):
                yield str(address)


def plain_address(address: str) -> str | None:
    """Return an address in the one way in which all spellings of it are equal; None: it is none.

    An SFU's own address (ws, wss) becomes that of the authoriser at the same place (http, https).
    """
    try:
        parts = urlsplit(address)
        port = parts.port
    except ValueError:
        return None
    scheme, host = parts.scheme.replace("ws", "http"), (parts.hostname or "").rstrip(".")
    if scheme not in _PORTS or not host or "@" in parts.netloc or parts.query or parts.fragment:
        return None
    place = f"[{host}]" if ":" in host else host
    if port not in {None, _PORTS[scheme]}:
        place = f"{place}:{port}"
    return f"{scheme}://{place}{parts.path.rstrip('/')}"


def _text(value: object) -> str:
    return str(value) if is_id(value) else ""


def _integer(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None
