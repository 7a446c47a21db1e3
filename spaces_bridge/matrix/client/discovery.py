"""The discovery of Matrix servers. Spec: Server-Server API, "Resolving server names"."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass

import aiohttp
from yarl import URL

from spaces_bridge.matrix.client.name_servers import Resolver, Service
from spaces_bridge.matrix.client.server_names import ServerName, parse_server_name

WELL_KNOWN = "/.well-known/matrix/server"
WELL_KNOWN_PORT = 443
FEDERATION_PORT = 8448
SERVICES = ("_matrix-fed._tcp", "_matrix._tcp")
"""The names of SRV records; the second one is deprecated."""

DISCOVER_WITHIN_S = 3.0
LOOK_UP_WITHIN_S = 3.0
BODY_MAX = 16 * 1024
REDIRECTS_MAX = 3
TARGETS_MAX = 3
"""SRV records used at most; each may have to be tried."""

PLAIN = {"Accept-Encoding": "identity"}
"""Compressed answers may be larger than they look."""

REDIRECTS = frozenset({301, 302, 303, 307, 308})


class BadAnswer(Exception):
    """The server's answer is not what was asked for."""


FAILURES = (aiohttp.ClientError, TimeoutError, OSError, ValueError, BadAnswer)
"""The errors of asking a server; ValueError: a name that no resolver takes."""


@dataclass(frozen=True, slots=True)
class Route:
    """A route to a server: the base address, the headers to send, the certificate's name."""

    base: str
    headers: Mapping[str, str]
    certificate_of: str | None = None


def plain_session(connector: aiohttp.TCPConnector) -> aiohttp.ClientSession:
    """Return a session for strangers' servers: it keeps no cookies and inflates nothing."""
    jar = aiohttp.DummyCookieJar()
    return aiohttp.ClientSession(connector=connector, cookie_jar=jar, auto_decompress=False)


class Discovery:
    """The discovery of the routes to a Matrix server."""

    def __init__(self, http: aiohttp.ClientSession, resolver: Resolver) -> None:
        self._http = http
        self._resolver = resolver

    async def routes(self, name: ServerName) -> list[Route]:
        """Return the routes to the server, in the order in which they are to be tried.

        Raises BadAnswer: the server says itself that it is not there.
        """
        if name.is_literal or name.port is not None:
            return [_direct(name)]
        try:
            async with asyncio.timeout(DISCOVER_WITHIN_S):
                name = await self._delegated(name) or name
        except FAILURES:
            pass  # by the spec, a failure counts as if there were no file
        if name.is_literal or name.port is not None:
            return [_direct(name)]
        return await self._by_service(name) or [_direct(name)]

    async def _delegated(self, name: ServerName) -> ServerName | None:
        """Return the server that the well-known file names instead of itself, None without one."""
        url = URL(f"https://{name.bracketed}:{WELL_KNOWN_PORT}{WELL_KNOWN}")
        for _ in range(REDIRECTS_MAX + 1):
            async with self._http.get(url, headers=PLAIN, allow_redirects=False) as response:
                if response.status in REDIRECTS:
                    url = redirected(url, response.headers.get("Location", ""))
                    continue
                if response.status != 200:
                    return None
                delegated = (await small_object(response)).get("m.server")
            return parse_server_name(delegated) if isinstance(delegated, str) else None
        return None

    async def _by_service(self, name: ServerName) -> list[Route] | None:
        """Return the routes by the server's SRV records; None without any."""
        found = None
        try:
            async with asyncio.timeout(LOOK_UP_WITHIN_S):
                for service in SERVICES:
                    found = await self._resolver.services(f"{service}.{name.host}")
                    if found is not None:
                        break
        except (TimeoutError, OSError, ValueError):
            return None
        if found is None:
            return None
        routes = [route for service in found[:TARGETS_MAX] if (route := _served_by(name, service))]
        if not routes:
            raise BadAnswer
        return routes


async def small_object(response: aiohttp.ClientResponse) -> Mapping[str, object]:
    """Return the JSON object of an answer. Raises BadAnswer: it is none, or too large."""
    body = bytearray()
    async for chunk in response.content.iter_chunked(BODY_MAX):
        body += chunk
        if len(body) > BODY_MAX:
            raise BadAnswer
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        raise BadAnswer from None
    if not isinstance(answer, dict):
        raise BadAnswer
    return answer


def _direct(name: ServerName) -> Route:
    port = name.port or FEDERATION_PORT
    # by the spec, a server without a port in its name gets none in the header either
    host = name.bracketed if name.port is None else f"{name.bracketed}:{name.port}"
    return Route(f"https://{name.bracketed}:{port}", PLAIN | {"Host": host})


def _served_by(name: ServerName, service: Service) -> Route | None:
    """Return the route to a service's host, which shows a certificate of the server's name."""
    target = parse_server_name(f"{service.host}:{service.port}")
    if target is None or target.is_literal:
        return None
    base = f"https://{target.host}:{target.port}"
    return Route(base, PLAIN | {"Host": name.host}, certificate_of=name.host)


def redirected(url: URL, location: str) -> URL:
    """Return where a redirect leads, over TLS. Raises BadAnswer."""
    try:
        target = url.join(URL(location))
    except ValueError:
        raise BadAnswer from None
    if target.scheme != "https" or target.user is not None:
        raise BadAnswer
    return target
