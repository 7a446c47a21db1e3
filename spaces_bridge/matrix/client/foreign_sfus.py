"""Tokens of other servers' SFUs, asked of their authorisers (MSC4195) with the bot's OpenID token.

Strangers choose the addresses: those of authorisers stand in member events, those of SFUs in their
answers. Both have to be of the internet, and TLS, unless a network is allowed by the config.
"""

import asyncio
import logging
import ssl
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus
from ipaddress import ip_address
from socket import AF_UNSPEC
from typing import Any, Final

import aiohttp
from yarl import URL

from spaces_bridge.app.call_ports import CALL_SLOT
from spaces_bridge.app.remote_ports import SfuToken
from spaces_bridge.core.ids import RoomId, UserId
from spaces_bridge.matrix.client.discovery import (
    FAILURES,
    PLAIN,
    BadAnswer,
    plain_session,
    small_object,
)
from spaces_bridge.matrix.client.errors import Away
from spaces_bridge.matrix.client.guard import ForbiddenAddress, Guard
from spaces_bridge.matrix.client.name_servers import DnsResolver, Resolver
from spaces_bridge.matrix.client.openid import OpenIdSettings

log = logging.getLogger(__name__)

ASK_WITHIN_S: Final = 10.0
AT_ONCE: Final = 8
"""Authorisers asked at once."""
ADDRESS_MAX: Final = 500
JWT_MAX: Final = 8_000

_SECURE: Final = frozenset({"https", "wss"})
_PLAIN: Final = frozenset({"http", "ws"})
_OLDER: Final = frozenset({HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED})
"""How authorisers answer that only know `/sfu/get`."""

OpenIdToken = Callable[[], Awaitable[Mapping[str, Any]]]
"""Makes an OpenID token of the bot's. Raises AdapterError."""


class _NotServed(BadAnswer):
    """The authoriser has no such endpoint."""


class ForeignSfuClient:
    """The client for other servers' authorisers. Implements `ForeignSfus`."""

    def __init__(
        self,
        settings: OpenIdSettings,
        bot: UserId,
        openid_token: OpenIdToken,
        *,
        new_resolver: Callable[[], Resolver] = DnsResolver,
    ) -> None:
        """The constructor raises OSError (also as ssl.SSLError) for an unusable `ca_file`."""
        self._bot = bot
        self._openid_token = openid_token
        self._context = ssl.create_default_context()
        if settings.ca_file:
            self._context.load_verify_locations(settings.ca_file)
        self._guard = Guard(settings.allowed_networks)
        self._new_resolver = new_resolver
        self._asked = 0
        self._http: aiohttp.ClientSession | None = None
        self._resolver: Resolver | None = None

    async def start(self) -> None:
        """Open the HTTP session; safe to repeat, and while no server is there."""
        if self._http is not None:
            return
        self._resolver = self._new_resolver()
        self._http = plain_session(self._guard.connector(self._context, self._resolver))

    async def stop(self) -> None:
        """Close the HTTP session; safe to repeat."""
        for opened in (self._http, self._resolver):
            if opened is not None:
                await opened.close()
        self._http = self._resolver = None

    async def token(self, service: str, room: RoomId, device: str) -> SfuToken:
        """Return a token for the bot in the room's call there. Raises Away, RequestRefused."""
        if self._http is None or self._resolver is None:
            raise Away("The Matrix side is not running.", unreached=True)
        # whoever is asked holds this token for an hour, as every authoriser does of everybody
        credentials = await self._openid_token()
        try:
            with self._one_more():
                async with asyncio.timeout(ASK_WITHIN_S):
                    base = await self._checked(service, self._resolver)
                    answer = await self._asked_for(self._http, base, credentials, room, device)
                    await self._checked(answer.url, self._resolver)
        except FAILURES as error:
            # neither traceback nor text of the error: they may hold tokens
            log.info("the SFU at %s gives no token: %s", service[:100], type(error).__name__)
            raise Away("The other server's SFU gives no token.", unreached=True) from None
        return answer

    async def _asked_for(
        self,
        http: aiohttp.ClientSession,
        base: URL,
        credentials: Mapping[str, Any],
        room: RoomId,
        device: str,
    ) -> SfuToken:
        member = {
            "id": f"{self._bot}:{device}",
            "claimed_user_id": self._bot,
            "claimed_device_id": device,
        }
        newer = {"room_id": room, "slot_id": CALL_SLOT, "member": member}
        try:
            return await _post(http, base / "get_token", {**newer, "openid_token": credentials})
        except _NotServed:
            older = {"room": room, "device_id": device}
            url = base / "sfu" / "get"
            return await _post(http, url, {**older, "openid_token": credentials})

    async def _checked(self, address: str, resolver: Resolver) -> URL:
        """Return the address if it may be connected to. Raises BadAnswer, OSError, ValueError.

        Requests of ours are checked again as they connect. What joins the SFU is another process:
        a name that resolves to something else by then is not seen.
        """
        url = URL(address) if len(address) <= ADDRESS_MAX else URL()
        if not url.host or url.user is not None or url.query_string or url.fragment:
            raise BadAnswer
        hosts = await _addresses_of(url.host, url.port or 443, resolver)
        if not hosts or not all(self._guard.permits(host) for host in hosts):
            raise ForbiddenAddress("this address is none of the internet")
        is_plain = url.scheme in _PLAIN and all(self._guard.is_excepted(host) for host in hosts)
        if url.scheme not in _SECURE and not is_plain:
            raise BadAnswer
        return url

    @contextmanager
    def _one_more(self) -> Iterator[None]:
        if self._asked >= AT_ONCE:
            raise Away("Too many SFUs are being asked at once.")
        self._asked += 1
        try:
            yield
        finally:
            self._asked -= 1


async def _addresses_of(host: str, port: int, resolver: Resolver) -> list[str]:
    try:
        return [str(ip_address(host))]
    except ValueError:
        return [found["host"] for found in await resolver.resolve(host, port, AF_UNSPEC)]


async def _post(http: aiohttp.ClientSession, url: URL, body: Mapping[str, Any]) -> SfuToken:
    """Ask for a token; redirects are not followed. Raises FAILURES."""
    request = http.post(url, json=body, headers=PLAIN, allow_redirects=False)
    async with request as response:
        if response.status in _OLDER:
            raise _NotServed
        if response.status != HTTPStatus.OK:
            raise BadAnswer
        answer = await small_object(response)
    address, jwt = answer.get("url"), answer.get("jwt")
    if not isinstance(address, str) or not isinstance(jwt, str) or not 0 < len(jwt) <= JWT_MAX:
        raise BadAnswer
    return SfuToken(address, jwt)
