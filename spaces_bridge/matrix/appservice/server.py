"""The listener for the homeserver: transactions, ping, queries. Spec: Application Service API.

A transaction is answered 200 only after its events are stored. The listener serves the homeserver
alone.
"""

import asyncio
import hmac
import json
import logging
from collections.abc import Awaitable, Callable, Sequence

from aiohttp import web

from spaces_bridge import logs
from spaces_bridge.app.errors import StorageError
from spaces_bridge.app.ports import Inbox
from spaces_bridge.app.records import InboxEvent
from spaces_bridge.matrix.appservice.call_api import CallApi, ProxiedCalls
from spaces_bridge.matrix.appservice.memory import give_back_memory
from spaces_bridge.matrix.appservice.transactions import BadTransaction, parse_transaction

log = logging.getLogger(__name__)

BODY_MAX_BYTES = 32 << 20
PREFIX = "/_matrix/app/v1"
PROXIED_PREFIXES = ("/_matrix/client/", "/_matrix/federation/")
"""What the homeserver hands on from its users (MSC4512) has the paths that they asked for."""
LARGE_BYTES = 1 << 18
"""The size of a body from which parsing would hold up the event loop."""

BODY_WITHIN_S = 60.0
GIVE_BACK_AFTER_S = 5.0
TXN_ID_SHOWN = 64
"""Characters of a transaction's id in the log; Synapse's are numbers."""

Hint = Callable[[Sequence[InboxEvent]], None]
Arrived = Callable[[], None]
KnowsUser = Callable[[str], bool]
IsReady = Callable[[], Awaitable[bool]]


class AppserviceServer:
    """The HTTP server with the appservice's routes, on a listener of its own."""

    def __init__(
        self,
        hs_token: str,
        inbox: Inbox,
        hint: Hint,
        arrived: Arrived,
        knows_user: KnowsUser,
        ready: IsReady,
    ) -> None:
        """`hint` gets events before they are stored, perhaps more than once; `arrived` is called
        before the answer when new ones were stored. Both must be quick.
        """
        self._token = hs_token.encode()
        self._inbox = inbox
        self._hint = hint
        self._arrived = arrived
        self._knows_user = knows_user
        self._ready = ready
        self._calls: CallApi | None = None
        self._runner: web.AppRunner | None = None
        self.port = 0

    def serve_calls(self, proxied: ProxiedCalls, domain: str) -> None:
        """Answer what the homeserver of `domain` hands on about calls; once, before the start."""
        self._calls = CallApi(proxied, domain, _error)

    async def start(self, hostname: str, port: int) -> None:
        """Listen. Port 0 takes any free one, see `port`."""
        app = web.Application(client_max_size=BODY_MAX_BYTES, middlewares=[self._guard])
        app.router.add_put(f"{PREFIX}/transactions/{{txn_id}}", self._transaction)
        app.router.add_post(f"{PREFIX}/ping", self._ping)
        app.router.add_get(f"{PREFIX}/users/{{user}}", self._user)
        app.router.add_get(f"{PREFIX}/rooms/{{alias}}", self._room)
        app.router.add_get("/_matrix/mau/live", self._live)
        app.router.add_get("/_matrix/mau/ready", self._is_ready)
        if self._calls is not None:
            self._calls.add_routes(app.router)
        # No access log: it would show people's names.
        self._runner = web.AppRunner(
            app, access_log=None, shutdown_timeout=2.0, auto_decompress=False
        )
        await self._runner.setup()
        site = web.TCPSite(self._runner, hostname, port)
        await site.start()
        self.port = int(self._runner.addresses[0][1])

    async def stop(self) -> None:
        """Stop listening. Safe to repeat."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    @web.middleware
    async def _guard(
        self,
        request: web.Request,
        handler: Callable[[web.Request], Awaitable[web.StreamResponse]],
    ) -> web.StreamResponse:
        """Refuse requests without the token, and make every error a Matrix error."""
        if request.path.startswith((f"{PREFIX}/", *PROXIED_PREFIXES)):
            refusal = self._refusal(request.headers.get("Authorization"))
            if refusal is not None:
                return refusal
        if request.headers.get("Content-Encoding", "identity").strip().lower() != "identity":
            return _error(415, "M_UNKNOWN", "Send bodies without Content-Encoding.")
        try:
            return await handler(request)
        except TimeoutError:
            return _error(408, "M_UNKNOWN", "The body did not come in time. Send it again.")
        except web.HTTPRequestEntityTooLarge:
            return _error(413, "M_TOO_LARGE", "A transaction may have 32 MiB.")
        except web.HTTPNotFound:
            return _error(404, "M_UNRECOGNIZED", "There is no such endpoint.")
        except web.HTTPMethodNotAllowed:
            return _error(405, "M_UNRECOGNIZED", "Not with this method.")
        except StorageError as error:
            log.error("a transaction could not be stored: %s", error)
            return _error(503, "M_UNKNOWN", "The bridge cannot reach its database. Try again.")

    def _refusal(self, header: str | None) -> web.Response | None:
        if header is None:
            return _error(401, "M_MISSING_TOKEN", "Send the hs_token as a bearer.")
        scheme, _, token = header.partition(" ")
        sent = token.encode("utf-8", "surrogateescape")
        if scheme.lower() != "bearer" or not hmac.compare_digest(sent, self._token):
            return _error(403, "M_FORBIDDEN", "That is not the hs_token of this bridge.")
        return None

    async def _transaction(self, request: web.Request) -> web.Response:
        # the transaction's id is the homeserver's own, so that both logs can be held together
        with logs.request(request.match_info["txn_id"][:TXN_ID_SHOWN]):
            return await self._store_transaction(request)

    async def _store_transaction(self, request: web.Request) -> web.Response:
        body = await _body_of(request)
        if len(body) > LARGE_BYTES:
            # once this request and all that was made of it are gone
            asyncio.get_running_loop().call_later(GIVE_BACK_AFTER_S, give_back_memory)
        try:
            if len(body) > LARGE_BYTES:
                events = await asyncio.to_thread(parse_transaction, body)
            else:
                events = parse_transaction(body)
        except BadTransaction as bad:
            log.warning("a transaction was refused: %s", bad.text)
            return _error(400, bad.errcode, bad.text)
        self._hint(events)
        if await self._inbox.store(events):
            self._arrived()
        return web.json_response({})

    async def _ping(self, request: web.Request) -> web.Response:
        await _body_of(request)
        return web.json_response({})

    async def _user(self, request: web.Request) -> web.Response:
        if self._knows_user(request.match_info["user"]):
            return web.json_response({})
        return _error(404, "M_NOT_FOUND", "There is no such user.")

    async def _room(self, _: web.Request) -> web.Response:
        """Answer that there is no such room: ours exist as soon as their aliases do."""
        return _error(404, "M_NOT_FOUND", "There is no such room.")

    async def _live(self, _: web.Request) -> web.Response:
        return web.json_response({})

    async def _is_ready(self, _: web.Request) -> web.Response:
        return web.json_response({}, status=200 if await self._ready() else 503)


async def _body_of(request: web.Request) -> bytes:
    """Return the request's body. Raises TimeoutError: the body did not come in time."""
    async with asyncio.timeout(BODY_WITHIN_S):
        return await request.read()


def _error(status: int, errcode: str, text: str) -> web.Response:
    body = json.dumps({"errcode": errcode, "error": text})
    return web.Response(status=status, text=body, content_type="application/json")
