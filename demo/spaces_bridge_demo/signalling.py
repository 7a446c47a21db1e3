"""Signalling: takes a client's SDP offer to the server and brings the answer back."""

from collections.abc import Awaitable, Callable
from urllib.parse import urljoin

import aiohttp

Signal = Callable[[str], Awaitable[str]]
"""A function that takes an SDP offer and returns the SDP answer."""


class JoinRefused(Exception):
    """The server refused the offer; the error holds the status and the reason."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(f"{status}: {text}")
        self.status = status
        self.text = text


class HttpSignal:
    """Signalling by one POST (WHEP, WHIP), which remembers the session so that it can be left."""

    def __init__(self, http: aiohttp.ClientSession, url: str, bearer: str | None) -> None:
        self._http, self._url = http, url
        self._headers = {} if bearer is None else {"Authorization": f"Bearer {bearer}"}
        self.location: str | None = None

    async def __call__(self, offer: str) -> str:
        """POST the offer. Raises JoinRefused."""
        headers = {**self._headers, "Content-Type": "application/sdp"}
        async with self._http.post(self._url, data=offer.encode(), headers=headers) as response:
            text = await response.text()
            if response.status != 201:
                raise JoinRefused(response.status, text)
            self.location = urljoin(self._url, response.headers["Location"])
            return text

    async def leave(self) -> None:
        """DELETE the session, if there is one."""
        if self.location is not None:
            location, self.location = self.location, None
            async with self._http.delete(location, headers=self._headers):
                pass


def over_http(http: aiohttp.ClientSession, url: str, *, bearer: str | None = None) -> HttpSignal:
    """Return a Signal for a WHEP or WHIP endpoint."""
    return HttpSignal(http, url, bearer)
