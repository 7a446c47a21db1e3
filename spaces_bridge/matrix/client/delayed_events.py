"""Delayed events that people delegated to us, looked after at their own homeservers (MSC4140).

Nobody's access token is needed: who knows a delayed event's id may have it begin anew, sent or
cancelled. Which address is asked is never for the request to say: our own homeserver is where the
config says, others are found by their names, at addresses of the internet alone.
"""

import asyncio
import json
import logging
import ssl
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from typing import Final
from urllib.parse import quote

import aiohttp
from yarl import URL

from spaces_bridge.app.call_ports import DelayedEventGone
from spaces_bridge.core.ids import UserId
from spaces_bridge.matrix.client.client_api import ClientApiFinder
from spaces_bridge.matrix.client.discovery import (
    BODY_MAX,
    FAILURES,
    PLAIN,
    plain_session,
)
from spaces_bridge.matrix.client.errors import Away
from spaces_bridge.matrix.client.guard import Guard
from spaces_bridge.matrix.client.http import home_connector
from spaces_bridge.matrix.client.name_servers import DnsResolver, Resolver
from spaces_bridge.matrix.client.openid import OpenIdSettings

log = logging.getLogger(__name__)

EVENTS: Final = "_matrix/client/unstable/org.matrix.msc4140/delayed_events"
ASK_WITHIN_S = 10.0

AT_ONCE_PER_SERVER = 8
"""Requests to one server at once, unless it is our own."""


class DelayedEventsClient:
    """The client for delayed events at people's homeservers. Implements `DelayedEvents`."""

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
        self._resolver: Resolver | None = None
        self._finder: ClientApiFinder | None = None

    async def start(self) -> None:
        """Open the HTTP sessions; safe while no server is there."""
        self._resolver = self._new_resolver()
        self._home = plain_session(home_connector())
        self._abroad = plain_session(self._guard.connector(self._context, self._resolver))
        self._finder = ClientApiFinder(self._abroad)

    async def stop(self) -> None:
        """Close the HTTP sessions; safe to repeat."""
        for opened in (self._home, self._abroad, self._resolver):
            if opened is not None:
                await opened.close()
        self._home = self._abroad = self._resolver = self._finder = None

    async def restart(self, user: UserId, delay_id: str) -> None:
        """Let the event's delay begin anew. Raises DelayedEventGone, Away."""
        await self._manage(user, delay_id, "restart")

    async def send(self, user: UserId, delay_id: str) -> None:
        """Have the event sent now. Raises DelayedEventGone, Away."""
        await self._manage(user, delay_id, "send")

    async def cancel(self, user: UserId, delay_id: str) -> None:
        """Have the event never sent. Raises DelayedEventGone, Away."""
        await self._manage(user, delay_id, "cancel")

    async def _manage(self, user: UserId, delay_id: str, action: str) -> None:
        if delay_id in {"", ".", ".."}:  # proxies would make another path of it
            raise DelayedEventGone("The homeserver has no such delayed event.")
        server = user.partition(":")[2]
        if self._home is None or self._abroad is None or self._finder is None:
            raise Away("The Matrix side is not running.", unreached=True)
        try:
            with self._one_more(server):
                if server == self._settings.domain:
                    await _post(self._home, URL(self._settings.homeserver), delay_id, action)
                else:
                    base = await self._finder.base_of(server)
                    await _post(self._abroad, base, delay_id, action)
        except FAILURES as error:
            log.info("the Matrix server %s does not take %s: %r", server, action, type(error))
            text = f"The Matrix server {server} does not answer about a delayed event."
            raise Away(text, unreached=True) from None

    @contextmanager
    def _one_more(self, server: str) -> Iterator[None]:
        if server != self._settings.domain and self._asked[server] >= AT_ONCE_PER_SERVER:
            raise Away(f"The Matrix server {server} is being asked too much at once.")
        self._asked[server] += 1
        try:
            yield
        finally:
            self._asked[server] -= 1
            if not self._asked[server]:
                del self._asked[server]


async def _post(http: aiohttp.ClientSession, base: URL, delay_id: str, action: str) -> None:
    """Make the request; redirects are not followed. Raises DelayedEventGone, Away, FAILURES."""
    path = f"{EVENTS}/{quote(delay_id, safe='')}/{action}"
    url = URL(f"{str(base).rstrip('/')}/{path}", encoded=True)
    request = http.post(url, json={}, headers=PLAIN, allow_redirects=False)
    async with asyncio.timeout(ASK_WITHIN_S), request as response:
        if response.status == HTTPStatus.OK:
            return
        errcode = await _errcode(response)
    if response.status == HTTPStatus.NOT_FOUND and errcode == "M_NOT_FOUND":
        raise DelayedEventGone("The homeserver has no such delayed event.")
    if response.status == HTTPStatus.NOT_FOUND and errcode == "M_UNRECOGNIZED":
        raise DelayedEventGone("The homeserver has no delayed events (MSC4140).")
    raise Away(f"The homeserver refused to {action} a delayed event: {response.status}.")


async def _errcode(response: aiohttp.ClientResponse) -> str:
    body = bytearray()
    async for chunk in response.content.iter_chunked(BODY_MAX):
        body += chunk
        if len(body) > BODY_MAX:
            return ""
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        return ""
    errcode = answer.get("errcode") if isinstance(answer, dict) else None
    return errcode if isinstance(errcode, str) else ""
