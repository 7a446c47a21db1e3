"""The API of calls that the homeserver hands on for its users (MSC4512), of which MSC4195 speaks.

The homeserver has authenticated the user and names them in `X-Matrix-User-Identifier`; it proves
itself with the `hs_token`, as for transactions. The path below the version is the client's own.
Requests of other homeservers, for their users, come with the server's name in `X-Matrix-Origin`.
"""

import asyncio
import json
import logging
import time
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final

from aiohttp import web

from spaces_bridge.app.call_ports import CALL_SLOT, DelayedEventGone, RoomSecrecy
from spaces_bridge.app.errors import AdapterError
from spaces_bridge.app.usecases.calls import (
    CallPermit,
    Calls,
    CallTokenIssuer,
    DelayedLeaves,
    leave_delay_ms,
)
from spaces_bridge.core.errors import Rejected
from spaces_bridge.core.ids import RoomId, UserId
from spaces_bridge.matrix.events.envelope import is_id, is_user_id
from spaces_bridge.pacing.token_bucket import TokenBucket

log = logging.getLogger(__name__)

_BELOW: Final = "{version:v[0-9]+|unstable/[^/]+}/rtc/livekit"
BASE: Final = f"/_matrix/client/{_BELOW}"
FEDERATION_BASE: Final = f"/_matrix/federation/{_BELOW}"
USER_HEADER: Final = "X-Matrix-User-Identifier"
ORIGIN_HEADER: Final = "X-Matrix-Origin"
BODY_MAX_BYTES: Final = 64 * 1024
BODY_WITHIN_S: Final = 20.0
"""Seconds to wait for a body of a few hundred bytes."""
OUTAGES_PER_S: Final = 1 / 60
"""Log lines about outages, however many people ask meanwhile."""
ENCRYPTED: Final = "The room is encrypted, so its calls would be, too, and nobody would be heard."

Refuse = Callable[[int, str, str], web.Response]


@dataclass(frozen=True, slots=True)
class ProxiedCalls:
    """The parts that answer for calls: who may join, with which token, and who sees them leave.

    `leaves` None: delayed leaves are not taken over, and clients are told so. `urls` are the SFU's
    addresses, as the homeserver names them to clients; none: whichever is asked for is ours.
    """

    calls: Calls
    secrecy: RoomSecrecy
    tokens: CallTokenIssuer
    leaves: DelayedLeaves | None = None
    urls: Collection[str] = ()


@dataclass(frozen=True, slots=True)
class _Asked:
    """A request that was understood."""

    room: RoomId
    device: str
    member: str
    body: Mapping[str, Any]


class _BadRequest(Exception):
    """A request that was not understood; the text says why, for developers of clients."""

    def __init__(self, errcode: str, text: str, status: int = 400) -> None:
        super().__init__(text)
        self.errcode = errcode
        self.text = text
        self.status = status


class CallApi:
    """The routes of the API of calls. `domain` is the homeserver's own."""

    def __init__(self, proxied: ProxiedCalls, domain: str, refuse: Refuse) -> None:
        self._proxied = proxied
        self._domain = domain
        self._refuse = refuse
        self._outages = TokenBucket(OUTAGES_PER_S, 1)

    def add_routes(self, router: web.UrlDispatcher) -> None:
        """Add the routes; whoever serves them has checked the `hs_token`."""
        router.add_post(f"{BASE}/get_token", self._answered(self._token))
        for_others = self._answered(self._token, _user_of_other_server)
        router.add_post(f"{FEDERATION_BASE}/get_token", for_others)
        if self._proxied.leaves is not None:
            leave = self._answered(self._delegate)
            router.add_post(f"{BASE}/delegate_delayed_leave", leave)

    def _answered(
        self,
        answer: Callable[[CallPermit, _Asked], Awaitable[Mapping[str, str]]],
        user_of: Callable[[web.Request, Mapping[str, Any]], UserId] = lambda r, _: _user(r),
    ) -> Callable[[web.Request], Awaitable[web.Response]]:
        async def handler(request: web.Request) -> web.Response:
            try:
                body = await _body(request)
                user, asked = user_of(request, body), self._asked(body)
                permit = await self._proxied.calls.permit_in(asked.room, user)
                if await self._proxied.secrecy.is_encrypted(asked.room):
                    return self._refuse(403, "M_FORBIDDEN", ENCRYPTED)
                return web.json_response(await answer(permit, asked))
            except _BadRequest as bad:
                return self._refuse(bad.status, bad.errcode, bad.text)
            except Rejected as refusal:
                # one status for all: Element Call reads 404 as "there are no calls"
                return self._refuse(403, "M_FORBIDDEN", refusal.text)
            except DelayedEventGone as gone:
                return self._refuse(404, "M_NOT_FOUND", str(gone))
            except AdapterError as error:
                if self._outages.take(1, time.monotonic()):
                    log.warning("a call could not be joined: %s", error)
                return self._refuse(503, "M_UNKNOWN", "The bridge is busy. Try again.")

        return handler

    async def _token(self, permit: CallPermit, asked: _Asked) -> Mapping[str, str]:
        token = self._proxied.tokens.issue(permit, asked.device, asked.member)
        return {"url": token.url, "jwt": token.jwt}

    async def _delegate(self, permit: CallPermit, asked: _Asked) -> Mapping[str, str]:
        delay_id = asked.body.get("delay_id")
        if not is_id(delay_id):
            raise _BadRequest("M_BAD_JSON", "`delay_id` is missing.")
        try:
            delay_ms = leave_delay_ms(asked.body.get("delay_timeout"))
        except TypeError as none:
            raise _BadRequest("M_BAD_JSON", str(none)) from None
        except ValueError as outside:
            raise _BadRequest("M_INVALID_PARAM", str(outside)) from None
        if self._proxied.leaves is not None:
            await self._proxied.leaves.delegate(
                permit, asked.device, asked.member, str(delay_id), delay_ms
            )
        return {}

    def _asked(self, body: Mapping[str, Any]) -> _Asked:
        if body.get("server_name", self._domain) != self._domain:
            raise _BadRequest(
                "M_NOT_FOUND", "Only tokens for this server's own calls are given.", 404
            )
        member = body.get("member")
        member = member if isinstance(member, Mapping) else {}
        device = member.get("claimed_device_id", member.get("device_id"))
        room, named = body.get("room_id"), member.get("id")
        if is_id(body.get("member_id")):  # the newest form, which knows no device
            device, named = "", body["member_id"]
        if self._proxied.urls and body.get("url", "") not in ["", *self._proxied.urls]:
            raise _BadRequest("M_INVALID_PARAM", "This server has no such SFU.")
        if body.get("slot_id", CALL_SLOT) != CALL_SLOT:
            raise _BadRequest("M_INVALID_PARAM", f"The only slot is `{CALL_SLOT}`.")
        if not is_id(room):
            raise _BadRequest("M_BAD_JSON", "`room_id` is missing.")
        if not is_id(named) or not (is_id(device) or device == ""):
            raise _BadRequest("M_BAD_JSON", "`member` has `id` and `claimed_device_id`.")
        return _Asked(RoomId(str(room)), str(device), str(named), body)


def _user(request: web.Request) -> UserId:
    names = request.headers.getall(USER_HEADER, [])
    if len(names) != 1 or not is_user_id(names[0]):
        raise _BadRequest("M_MISSING_TOKEN", f"The homeserver sends {USER_HEADER}.", 401)
    return UserId(names[0])


def _user_of_other_server(request: web.Request, body: Mapping[str, Any]) -> UserId:
    """Return the user for whom another homeserver asks: one of its own."""
    origins, user = request.headers.getall(ORIGIN_HEADER, []), body.get("user_id")
    if len(origins) != 1:
        raise _BadRequest("M_MISSING_TOKEN", f"The homeserver sends {ORIGIN_HEADER}.", 401)
    if not is_user_id(user) or str(user).partition(":")[2] != origins[0]:
        raise _BadRequest("M_FORBIDDEN", "A server asks for its own users.", 403)
    return UserId(str(user))


async def _body(request: web.Request) -> Mapping[str, Any]:
    try:
        async with asyncio.timeout(BODY_WITHIN_S):
            # the listener's own bound is for transactions
            raw = await request.clone(client_max_size=BODY_MAX_BYTES).read()
    except web.HTTPRequestEntityTooLarge:
        text = f"A request has {BODY_MAX_BYTES} bytes at most."
        raise _BadRequest("M_TOO_LARGE", text, 413) from None
    try:
        body = json.loads(raw)
    except (ValueError, RecursionError):
        raise _BadRequest("M_NOT_JSON", "Send JSON.") from None
    if not isinstance(body, Mapping):
        raise _BadRequest("M_BAD_JSON", "Send a JSON object.")
    return body
