"""Who holds an OpenID token: the Matrix server that made it is asked.

Spec: Server-Server API, "OpenID" and "Resolving server names". What is left out: SRV records,
which need a resolver of one's own; such servers are asked at port 8448, as if they had none.
"""

import asyncio
import json
import logging
import ssl
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus

import aiohttp
from aiohttp.abc import AbstractResolver
from yarl import URL

from spaces_bridge.core.ids import UserId
from spaces_bridge.matrix.homeserver.errors import Away
from spaces_bridge.matrix.homeserver.guard import ForbiddenAddress, Guard
from spaces_bridge.matrix.homeserver.lookups import PatientLookups
from spaces_bridge.matrix.homeserver.server_names import (
    ServerName,
    parse_server_name,
    user_of_server,
)

log = logging.getLogger(__name__)

USERINFO = "/_matrix/federation/v1/openid/userinfo"
WELL_KNOWN = "/.well-known/matrix/server"
WELL_KNOWN_PORT = 443
FEDERATION_PORT = 8448

ASK_WITHIN_S = 5.0
DISCOVER_WITHIN_S = 3.0
BODY_MAX = 16 * 1024
REDIRECTS_MAX = 3

AT_ONCE = 32
AT_ONCE_PER_SERVER = 8
"""Questions to strangers' servers under way; one that is slow must not use up all of them."""


PLAIN = {"Accept-Encoding": "identity"}
"""Compressed answers may be larger than they look."""

REDIRECTS = frozenset({301, 302, 303, 307, 308})


class _Nonsense(Exception):
    """The server's answer is none."""


class _NotServed(_Nonsense):
    """The server does not know the question."""


FAILURES = (aiohttp.ClientError, TimeoutError, OSError, ValueError, _Nonsense)
"""How asking a server may fail; ValueError: a name that no resolver takes."""


@dataclass(frozen=True, slots=True)
class OpenIdSettings:
    """Our own ``domain`` is asked at ``homeserver``, an address; others as federation finds them.

    ``allowed_networks`` may be connected to though they are private. ``ca_file`` holds further
    certificate authorities (PEM); empty: the system's alone.
    """

    homeserver: str
    domain: str
    allowed_networks: tuple[str, ...] = ()
    ca_file: str = ""


@dataclass(frozen=True, slots=True)
class _Door:
    """Where a server is asked, and what is said there besides the question."""

    base: str
    headers: Mapping[str, str]


class OpenIdVerifier:
    """Implements ``Identities``."""

    def __init__(
        self, settings: OpenIdSettings, *, resolver: AbstractResolver | None = None
    ) -> None:
        """Raises OSError (also as ssl.SSLError) for a ``ca_file`` that cannot be used."""
        self._settings = settings
        self._context = ssl.create_default_context()
        if settings.ca_file:
            self._context.load_verify_locations(settings.ca_file)
        self._guard = Guard(settings.allowed_networks)
        self._resolver = resolver
        self._asked: Counter[str] = Counter()
        self._home: aiohttp.ClientSession | None = None
        self._abroad: aiohttp.ClientSession | None = None

    async def start(self) -> None:
        """Safe while no server is there."""
        connector = self._guard.connector(self._context, self._resolver or PatientLookups())
        self._home, self._abroad = _session(), _session(connector)

    async def stop(self) -> None:
        """Safe to repeat; who is still asking gets Away."""
        for session in (self._home, self._abroad):
            if session is not None:
                await session.close()
        self._home = self._abroad = None

    async def verify(self, server: str, token: str) -> UserId | None:
        """Who holds the token, by the word of ``server``, of whom they are.

        None: nobody, or the server speaks for somebody else's user. Raises Away.
        """
        name = parse_server_name(server)
        if name is None:
            return None
        if self._home is None or self._abroad is None:
            raise Away("The Matrix side is not running.", unreached=True)
        try:
            if server == self._settings.domain:
                return await self._ask_home(self._home, token)
            with self._one_more(server):
                door = await self._discover(self._abroad, name)
                return await self._ask(self._abroad, door, server, token)
        except FAILURES as error:
            # no traceback and no text of it: the address that was asked holds the token
            kind = "a private address" if _is_forbidden(error) else type(error).__name__
            log.info("the Matrix server %s cannot say who somebody is: %s", server, kind)
            raise Away(f"The Matrix server {server} does not answer.", unreached=True) from None

    # --- asking -------------------------------------------------------------------------------

    async def _ask_home(self, http: aiohttp.ClientSession, token: str) -> UserId | None:
        door = _Door(self._settings.homeserver, PLAIN)
        try:
            return await self._ask(http, door, self._settings.domain, token)
        except _NotServed:
            log.warning(
                "nobody at homeserver.address says who an OpenID token belongs to: give that "
                "listener of the homeserver the resource openid"
            )
            raise

    async def _ask(
        self, http: aiohttp.ClientSession, door: _Door, server: str, token: str
    ) -> UserId | None:
        url = URL(door.base + USERINFO).with_query({"access_token": token})
        async with (
            asyncio.timeout(ASK_WITHIN_S),
            http.get(url, headers=door.headers, allow_redirects=False) as response,
        ):
            if response.status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
                return None
            if response.status == HTTPStatus.NOT_FOUND:
                raise _NotServed
            if response.status != HTTPStatus.OK:
                raise _Nonsense
            answer = await _small_object(response)
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

    # --- finding ------------------------------------------------------------------------------

    async def _discover(self, http: aiohttp.ClientSession, name: ServerName) -> _Door:
        if name.is_literal or name.port is not None:
            return _door_of(name)
        try:
            async with asyncio.timeout(DISCOVER_WITHIN_S):
                delegated = await self._well_known(http, name)
        except FAILURES:
            delegated = None
        return _door_of(delegated or name)

    async def _well_known(
        self, http: aiohttp.ClientSession, name: ServerName
    ) -> ServerName | None:
        url = URL(f"https://{name.bracketed}:{WELL_KNOWN_PORT}{WELL_KNOWN}")
        for _ in range(REDIRECTS_MAX + 1):
            async with http.get(url, headers=PLAIN, allow_redirects=False) as response:
                if response.status in REDIRECTS:
                    url = _redirected(url, response.headers.get("Location", ""))
                    continue
                if response.status != HTTPStatus.OK:
                    return None
                delegated = (await _small_object(response)).get("m.server")
            return parse_server_name(delegated) if isinstance(delegated, str) else None
        return None


def _session(connector: aiohttp.TCPConnector | None = None) -> aiohttp.ClientSession:
    jar = aiohttp.DummyCookieJar()
    return aiohttp.ClientSession(connector=connector, cookie_jar=jar, auto_decompress=False)


def _door_of(name: ServerName) -> _Door:
    port = name.port or FEDERATION_PORT
    # by the spec, who has no port in the name hears none in the header either
    host = name.bracketed if name.port is None else f"{name.bracketed}:{name.port}"
    return _Door(f"https://{name.bracketed}:{port}", PLAIN | {"Host": host})


def _redirected(url: URL, location: str) -> URL:
    try:
        target = url.join(URL(location))
    except ValueError:
        raise _Nonsense from None
    if target.scheme != "https" or target.user is not None:
        raise _Nonsense
    return target


async def _small_object(response: aiohttp.ClientResponse) -> Mapping[str, object]:
    body = bytearray()
    async for chunk in response.content.iter_chunked(BODY_MAX):
        body += chunk
        if len(body) > BODY_MAX:
            raise _Nonsense
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        raise _Nonsense from None
    if not isinstance(answer, dict):
        raise _Nonsense
    return answer


def _is_forbidden(error: BaseException) -> bool:
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, ForbiddenAddress):
            return True
        seen = seen.__cause__
    return False
