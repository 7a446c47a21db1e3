"""What clients ask the authoriser for: the JSON of their requests, read strictly. Pure.

Sources: MSC4195 (`/get_token`, `/delegate_delayed_leave`); lk-jwt-service's documentation (the
older `/sfu/get`). Fields that nobody knows yet are passed over.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from spaces_bridge.app.call_ports import CALL_SLOT
from spaces_bridge.app.usecases.calls import leave_delay_ms
from spaces_bridge.core.ids import RoomId, UserId
from spaces_bridge.livekit.errors import CallError

WORD_MAX: Final = 255
"""Characters of an id: of a room, a user, a server, a device, a member, a delayed event."""

SECRET_MAX: Final = 1000
"""Characters of an OpenID token."""


@dataclass(frozen=True, slots=True)
class Delegation:
    """A delayed leave event that is to be looked after: its id and its delay."""

    delay_id: str
    delay_ms: int


@dataclass(frozen=True, slots=True)
class CallRequest:
    """A request for a room's call: the room, the proof of who asks, and the device it is for.

    `secret` is the OpenID token, by the word of `server`. `claimed` is the user that the request
    says it is of, None in the older form, as is the empty `member`.
    """

    room: RoomId
    server: str
    secret: str = field(repr=False)
    device: str
    member: str = ""
    claimed: UserId | None = None
    delegation: Delegation | None = None


def older_request(body: Mapping[str, object]) -> CallRequest:
    """Return the request of `/sfu/get`. Raises CallError 400."""
    server, secret = _openid(body)
    return CallRequest(
        room=RoomId(_word(body, "room")),
        server=server,
        secret=secret,
        device=_word(body, "device_id"),
        delegation=_delegation(body),
    )


def request_of(body: Mapping[str, object], *, delegates: bool = False) -> CallRequest:
    """Return the request of `/get_token`. Raises CallError 400.

    `delegates`: that of `/delegate_delayed_leave`, which has to name a delayed event.
    """
    server, secret = _openid(body)
    if _word(body, "slot_id") != CALL_SLOT:
        raise CallError.invalid(f"There is one call in each room: its slot_id is {CALL_SLOT}.")
    member = _object(body, "member")
    delegation = _delegation(body)
    if delegates and delegation is None:
        raise CallError.bad_json("delay_id is missing.")
    return CallRequest(
        room=RoomId(_word(body, "room_id")),
        server=server,
        secret=secret,
        device=_word(member, "claimed_device_id"),
        member=_word(member, "id"),
        claimed=UserId(_word(member, "claimed_user_id")),
        delegation=delegation,
    )


def _openid(body: Mapping[str, object]) -> tuple[str, str]:
    token = _object(body, "openid_token")
    return _word(token, "matrix_server_name"), _word(token, "access_token", SECRET_MAX)


def _delegation(body: Mapping[str, object]) -> Delegation | None:
    """Return the delayed event that the request names, None if it names none.

    `delay_cs_api_url` is passed over: where a user's homeserver is, we find out by ourselves.
    """
    if body.get("delay_id") in (None, ""):
        return None
    try:
        delay_ms = leave_delay_ms(body.get("delay_timeout"))
    except TypeError as none:
        raise CallError.bad_json(str(none)) from None
    except ValueError as outside:
        raise CallError.invalid(str(outside)) from None
    return Delegation(_word(body, "delay_id"), delay_ms)


def _object(body: Mapping[str, object], name: str) -> Mapping[str, object]:
    value = body.get(name)
    if not isinstance(value, Mapping):
        raise CallError.bad_json(f"{name} is missing, or no object.")
    return value


def _word(body: Mapping[str, object], name: str, longest: int = WORD_MAX) -> str:
    value = body.get(name)
    if not isinstance(value, str):
        raise CallError.bad_json(f"{name} is missing, or no text.")
    if not 0 < len(value) <= longest or not value.isprintable():
        raise CallError.invalid(f"{name} is empty, too long, or not printable.")
    return value
