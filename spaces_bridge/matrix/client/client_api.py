"""Where the Client-Server API of a Matrix server is, for its own users' sake.

Spec: Client-Server API, "Server discovery".
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

import aiohttp
from yarl import URL

from spaces_bridge.matrix.client.discovery import (
    DISCOVER_WITHIN_S,
    FAILURES,
    PLAIN,
    REDIRECTS,
    REDIRECTS_MAX,
    BadAnswer,
    redirected,
    small_object,
)
from spaces_bridge.matrix.client.server_names import parse_server_name

WELL_KNOWN: Final = "/.well-known/matrix/client"

HTTPS_PORT = 443

KEPT_S: Final = 3600.0
KEPT: Final = 1000
"""How long, and for how many servers, it is remembered where their API is."""

URL_MAX: Final = 500


class ClientApiFinder:
    """The finder of other servers' client API, asking over a session that a guard watches."""

    def __init__(
        self, http: aiohttp.ClientSession, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._http = http
        self._clock = clock
        self._known: OrderedDict[str, tuple[float, URL]] = OrderedDict()

    async def base_of(self, server: str) -> URL:
        """Return the base address of the server's client API, without a closing slash.

        Without a file that says another, it is the server's own name. Raises BadAnswer: the name
        is none, or the file names an address that is none.
        """
        known = self._known.get(server)
        if known is not None and self._clock() - known[0] < KEPT_S:
            return known[1]
        name = parse_server_name(server)
        if name is None:
            raise BadAnswer
        host = name.bracketed
        try:
            async with asyncio.timeout(DISCOVER_WITHIN_S):
                file = await self._file(URL(f"https://{host}:{HTTPS_PORT}{WELL_KNOWN}"))
        except BadAnswer:
            raise
        except FAILURES:
            file = None
        base = URL(f"https://{host}") if file is None else _base_in(file)
        self._known[server] = self._clock(), base
        self._known.move_to_end(server)
        if len(self._known) > KEPT:
            self._known.popitem(last=False)
        return base

    async def _file(self, url: URL) -> object | None:
        """Return the server's file about its client API; None without one. Raises BadAnswer."""
        for _ in range(REDIRECTS_MAX + 1):
            async with self._http.get(url, headers=PLAIN, allow_redirects=False) as response:
                if response.status in REDIRECTS:
                    url = redirected(url, response.headers.get("Location", ""))
                    continue
                return await small_object(response) if response.status == 200 else None
        return None


def _base_in(file: object) -> URL:
    """Return the address that the file names. Raises BadAnswer."""
    section = file.get("m.homeserver") if isinstance(file, dict) else None
    text = section.get("base_url") if isinstance(section, dict) else None
    if not isinstance(text, str) or len(text) > URL_MAX:
        raise BadAnswer
    try:
        url = URL(text)
    except ValueError:
        raise BadAnswer from None
    if url.scheme != "https" or not url.host or url.user is not None:
        raise BadAnswer
    return url.with_query(None).with_fragment(None)
