"""The check of OpenID tokens: the Matrix server that made one is asked who holds it.

Spec: Server-Server API, "OpenID".
"""

import asyncio
import logging
import ssl
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus

import aiohttp
from yarl import URL

from spaces_bridge.core.ids import UserId
from spaces_bridge.matrix.client.discovery import (
    FAILURES,
    PLAIN,
    BadAnswer,
    Discovery,
    Route,
    plain_session,
    small_object,
)
from spaces_bridge.matrix.client.errors import Away
from spaces_bridge.matrix.client.guard import ForbiddenAddress, Guard
from spaces_bridge.matrix.client.http import home_connector
from spaces_bridge.matrix.client.name_servers import DnsResolver, Resolver
from spaces_bridge.matrix.client.server_names import parse_server_name, user_of_server

log = logging.getLogger(__name__)

USERINFO = "/_matrix/federation/v1/openid/userinfo"
ASK_WITHIN_S = 5.0

AT_ONCE = 32
AT_ONCE_PER_SERVER = 8
"""Requests to strangers' servers at once; one slow server must not use up all of them."""


class _NotServed(BadAnswer):
    """The server has no such endpoint."""


@dataclass(frozen=True, slots=True)
class OpenIdSettings:
    """The settings of the verifier.

    Our own `domain` is asked at `homeserver`, an address; others as federation finds them.
    `allowed_networks` may be connected to though they are private. `ca_file` holds further
    certificate authorities (PEM); empty: the system's alone.
    """

    homeserver: str
    domain: str
    allowed_networks: tuple[str, ...] = ()
    ca_file: str = ""


class OpenIdVerifier:
    """The verifier of OpenID tokens. Implements `Identities`."""

    def __init__(
        self, settings: OpenIdSettings, *, new_resolver: Callable[[], Resolver] = DnsResolver
    ) -> None:
        """The constructor raises OSError (also as ssl.SSLError) for an unusable `ca_file`."""
        self._settings = settings
        self._context = ssl.create_default_context()
        if settings.ca_file:
            self._context.load_verify_locations(settings.ca_file)
        self._guard = Guard(settings.allowed_networks)
        self._new_resolver = new_resolver
        self._asked: Counter[str] = Counter()
        self._home: aiohttp.ClientSession | None = None
        self._abroad: aiohttp.ClientSession | None = None
        self._discovery: Discovery | None = None
        self._resolver: Resolver | None = None

    async def start(self) -> None:
        """Open the HTTP sessions; safe while no server is there."""
        self._resolver = self._new_resolver()
        self._home = plain_session(home_connector())
        self._abroad = plain_session(self._guard.connector(self._context, self._resolver))
        self._discovery = Discovery(self._abroad, self._resolver)

    async def stop(self) -> None:
        """Close the HTTP sessions; safe to repeat. Calls of `verify` under way raise Away."""
        for opened in (self._home, self._abroad, self._resolver):
            if opened is not None:
                await opened.close()
        self._home = self._abroad = self._discovery = self._resolver = None

    async def verify(self, server: str, token: str) -> UserId | None:
        """Return the user who holds the token, by the word of `server`, which is the user's own.

        None: nobody, or the server speaks for another server's user. Raises Away.
        """
        name = parse_server_name(server)
        if name is None:
            return None
        if self._home is None or self._abroad is None or self._discovery is None:
            raise Away("The Matrix side is not running.", unreached=True)
        try:
            if server == self._settings.domain:
                return await self._ask_home(self._home, token)
            with self._one_more(server):
                routes = await self._discovery.routes(name)
                return await self._ask_by_any(self._abroad, routes, server, token)
        except FAILURES as error:
            # neither traceback nor text of the error: the address that was asked holds the token
            kind = "a private address" if _is_forbidden(error) else type(error).__name__
            log.info("the Matrix server %s cannot say who somebody is: %s", server, kind)
            raise Away(f"The Matrix server {server} does not answer.", unreached=True) from None

    # --- asking -------------------------------------------------------------------------------

    async def _ask_home(self, http: aiohttp.ClientSession, token: str) -> UserId | None:
        route = Route(self._settings.homeserver, PLAIN)
        try:
            return await self._ask(http, route, self._settings.domain, token)
        except _NotServed:
            log.warning(
                "nobody at homeserver.address says who an OpenID token belongs to: give that "
                "listener of the homeserver the resource openid"
            )
            raise

    async def _ask_by_any(
        self, http: aiohttp.ClientSession, routes: Sequence[Route], server: str, token: str
    ) -> UserId | None:
        """Ask the server by the first route that can be connected to."""
        *others, last = routes
        for route in others:
            try:
                return await self._ask(http, route, server, token)
            except aiohttp.ClientConnectorError:
                continue
        return await self._ask(http, last, server, token)

    async def _ask(
        self, http: aiohttp.ClientSession, route: Route, server: str, token: str
    ) -> UserId | None:
        url = URL(route.base + USERINFO).with_query({"access_token": token})
        request = http.get(
            url,
            headers=route.headers,
            server_hostname=route.certificate_of,
            allow_redirects=False,
        )
        async with asyncio.timeout(ASK_WITHIN_S), request as response:
            if response.status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
                return None
            if response.status == HTTPStatus.NOT_FOUND:
                raise _NotServed
            if response.status != HTTPStatus.OK:
                raise BadAnswer
            answer = await small_object(response)
        user = user_of_server(answer.get("sub"), server)
        if user is None:
            log.warning("the Matrix server %s speaks for a user who is none of its own", server)
        return user

    @contextmanager
    def _one_more(self, server: str) -> Iterator[None]:
        if self._asked.total() >= AT_ONCE or self._asked[server] >= AT_ONCE_PER_SERVER:
            raise Away("Too many Matrix servers are being asked at once.")
        self._asked[server] += 1
        try:
            yield
        finally:
            self._asked[server] -= 1
            if not self._asked[server]:
                del self._asked[server]


def _is_forbidden(error: BaseException) -> bool:
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, ForbiddenAddress):
            return True
        seen = seen.__cause__
    return False
