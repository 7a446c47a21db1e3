"""LiveKit's signalling over WebSocket, below the path prefix: `/rtc/v1`, `/rtc`, `…/validate`.

The token says who comes; whether they may listen, and speak, the live space decides, now and at
each change. Source: LiveKit's protocol (livekit_rtc.proto), as its SDKs speak it.
"""

import asyncio
import logging
import time
from collections import Counter
from typing import Final

from aiohttp import web
from aiohttp.typedefs import Handler

from spaces_bridge.app.usecases.calls import CallPermit, Calls
from spaces_bridge.core.errors import Rejected
from spaces_bridge.livekit import responses
from spaces_bridge.livekit.allowances import Allowances
from spaces_bridge.livekit.client import CallClient
from spaces_bridge.livekit.client_requests import CallRequests, add_track
from spaces_bridge.livekit.joining import (
    Joining,
    JoinRefused,
    from_join_request,
    from_parameters,
)
from spaces_bridge.livekit.limits import (
    HEARTBEAT_S,
    MESSAGE_MAX,
)
from spaces_bridge.livekit.numbers import Numbers
from spaces_bridge.livekit.outgoing import SignalQueue, send_all
from spaces_bridge.livekit.responses import CallEnd
from spaces_bridge.livekit.rooms import CallRooms
from spaces_bridge.livekit.tokens import CallGrant, TokenRefused, TokenSigner

log = logging.getLogger(__name__)

TOKEN_RENEWED_S: Final = 600.0
"""Seconds after which a client gets a new token, to come back with however long it is in."""
PROXY_WARNED_EVERY_S: Final = 3600.0
"""Seconds between two warnings of a proxy that does not let WebSockets through."""


class Signalling:
    """The handler of LiveKit's signalling."""

    def __init__(self, rooms: CallRooms, tokens: TokenSigner, calls: Calls) -> None:
        self._rooms = rooms
        self._tokens = tokens
        self._calls = calls
        self._allowances = Allowances()
        self.requests = CallRequests(rooms, self._allowances, lambda: time.time_ns() // 1_000_000)
        self._refused: Counter[int] = Counter()
        self._proxy_warned_at: float | None = None

    def routes(self, router: web.UrlDispatcher, prefix: str) -> None:
        """Add the addresses below `prefix`."""
        router.add_get(f"{prefix}/rtc/v1", self._counted(self._connect_single))
        router.add_get(f"{prefix}/rtc/v1/validate", self._validate)
        router.add_get(f"{prefix}/rtc", self._counted(self._connect_dual))
        router.add_get(f"{prefix}/rtc/validate", self._validate)

    def numbers(self) -> Numbers:
        """Return the numbers for the metrics; refused joins are counted by HTTP's status."""
        return {
            "joins_refused": {str(status): float(n) for status, n in self._refused.items()},
            "messages_ignored": self.requests.ignored,
        }

    def _counted(self, connect: Handler) -> Handler:
        """Return the handler, with those counted who are not let in."""

        async def answer(request: web.Request) -> web.StreamResponse:
            try:
                return await connect(request)
            except web.HTTPClientError as refused:
                self._refused[refused.status] += 1
                raise

        return answer

    # --- requests -----------------------------------------------------------------------------

    async def _validate(self, request: web.Request) -> web.Response:
        """Say whether the token's holder would be let in: SDKs ask when they were not."""
        self._permit(self._grant(request))
        return web.Response(text="success")

    async def _connect_single(self, request: web.Request) -> web.StreamResponse:
        self._refuse_no_websocket(request)
        grant = self._grant(request)
        try:
            joining = from_join_request(request.query.get("join_request", ""))
        except JoinRefused as refused:
            raise web.HTTPBadRequest(text=refused.text) from None
        return await self._connect(request, grant, joining)

    async def _connect_dual(self, request: web.Request) -> web.StreamResponse:
        self._refuse_no_websocket(request)
        return await self._connect(request, self._grant(request), from_parameters(request.query))

    async def _connect(
        self, request: web.Request, grant: CallGrant, joining: Joining
    ) -> web.StreamResponse:
        permit = self._permit(grant)
        if not self._allowances.take_join(permit.user):
            text = "You join calls too often. Wait a few seconds."
            raise web.HTTPTooManyRequests(text=text)
        if joining.resumes is None:
            try:
                self._rooms.refuse_crowd(permit, grant.identity)
            except Rejected as refusal:
                raise web.HTTPTooManyRequests(text=refusal.text) from None
        socket = web.WebSocketResponse(
            max_msg_size=MESSAGE_MAX, heartbeat=HEARTBEAT_S, compress=False, timeout=2.0
        )
        await socket.prepare(request)
        await self._serve(request, socket, grant, joining)
        return socket

    def _refuse_no_websocket(self, request: web.Request) -> None:
        """Raise HTTPUpgradeRequired for any other request, before its token is looked at.

        So `--check` sees by a request without a token whether a proxy lets WebSockets through.
        The log says so only where the token is good: a client came, and nobody else.
        """
        is_upgrade = "upgrade" in request.headers.get("Connection", "").lower()
        if is_upgrade and request.headers.get("Upgrade", "").lower() == "websocket":
            return
        try:
            self._grant(request)
        except web.HTTPUnauthorized:
            pass
        else:
            self._warn_of_proxy()
        raise web.HTTPUpgradeRequired(text="This address speaks WebSocket only.")

    def _warn_of_proxy(self) -> None:
        now, last = time.monotonic(), self._proxy_warned_at
        if last is None or now - last >= PROXY_WARNED_EVERY_S:
            self._proxy_warned_at = now
            log.warning(
                "a client of calls came to /livekit/rtc without a WebSocket: does the reverse "
                "proxy hand on `Upgrade` and `Connection`? docs/element-call.md shows the lines"
            )

    # --- access -------------------------------------------------------------------------------

    def _grant(self, request: web.Request) -> CallGrant:
        token = request.query.get("access_token", "")
        if not token:
            scheme, _, shown = request.headers.get("Authorization", "").partition(" ")
            token = shown.strip() if scheme.lower() == "bearer" else ""
        try:
            grant = self._tokens.read(token)
        except TokenRefused as refused:
            raise web.HTTPUnauthorized(text=refused.text) from None
        if not grant.join or grant.user is None or grant.space is None:
            text = "This token lets nobody into a call of this server."
            raise web.HTTPUnauthorized(text=text)
        return grant

    def _permit(self, grant: CallGrant) -> CallPermit:
        if grant.user is None or grant.space is None:
            raise AssertionError("a grant was looked at before")
        try:
            return self._calls.permit(grant.space, grant.user)
        except Rejected as refusal:
            raise web.HTTPForbidden(text=refusal.text) from None

    # --- one connection -----------------------------------------------------------------------

    async def _serve(
        self,
        request: web.Request,
        socket: web.WebSocketResponse,
        grant: CallGrant,
        joining: Joining,
    ) -> None:
        queue = SignalQueue()
        sending = asyncio.create_task(send_all(queue, request, socket), name="LiveKit signalling")
        client = self._admitted(grant, joining, queue)
        try:
            if client is not None:
                await self._begin(client, joining)
                await self._read(socket, client, queue, grant)
        finally:
            if client is not None:
                self._rooms.signalling_lost(client, queue)
            queue.close(1000, "")
            await sending

    def _admitted(
        self, grant: CallGrant, joining: Joining, queue: SignalQueue
    ) -> CallClient | None:
        """Return the client that was let in; one that was not has been told so."""
        try:
            permit = self._permit(grant)  # again, as the upgrade took time
        except web.HTTPForbidden:
            queue.put(responses.leave(CallEnd.REMOVED))
            return None
        if joining.resumes is None:
            try:
                self._rooms.refuse_crowd(permit, grant.identity)  # again, too
            except Rejected:
                queue.put(responses.leave(CallEnd.FULL))
                return None
            return self._rooms.join(permit, grant, joining, queue)
        client = self._rooms.resume(permit, grant.identity, joining.resumes, queue)
        if client is None:
            queue.put(responses.leave(CallEnd.UNKNOWN))
        return client

    async def _begin(self, client: CallClient, joining: Joining) -> None:
        if joining.resumes is not None:
            return
        for track in joining.tracks:
            add_track(client, track)
        if joining.offer is not None:
            await client.offered(joining.offer)
        if not joining.is_single:
            client.negotiation.streams_changed()

    async def _read(
        self,
        socket: web.WebSocketResponse,
        client: CallClient,
        queue: SignalQueue,
        grant: CallGrant,
    ) -> None:
        token_sent = time.monotonic()
        async for message in socket:
            if queue.closing is not None:
                return  # sent away: what was on its way is not obeyed any more
            has_ended = client.participant.ended is not None  # it closes by itself, to join anew
            # of any kind: text, which is no message, costs us as much as one
            request = None if has_ended else self.requests.parsed(message.data)
            is_offer = request is not None and request.HasField("offer")
            if not self._allowances.take_message(client.participant.user, is_offer=is_offer):
                if not has_ended:
                    self._rooms.end(client, CallEnd.TOO_MUCH)
                return
            if request is not None:
                await self.requests.obey(client, request)
            if not has_ended and time.monotonic() - token_sent > TOKEN_RENEWED_S:
                token_sent = time.monotonic()
                queue.put(responses.refresh_token(self._tokens.issue(grant)))
            await asyncio.sleep(0)  # what came in one piece is read without a pause: others' turn
