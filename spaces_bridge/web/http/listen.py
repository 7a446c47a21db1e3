"""The mix over plain HTTP, for players, locked phones and networks without UDP."""

import asyncio
from collections.abc import AsyncGenerator, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from unicodedata import category

from aiohttp import web

from spaces_bridge.app.ports import Stage
from spaces_bridge.app.records import Token
from spaces_bridge.core.live_space import LiveSpace
from spaces_bridge.pacing.token_bucket import TokenBuckets
from spaces_bridge.web.access.page_access import PageAccess
from spaces_bridge.web.access.tickets import Tickets
from spaces_bridge.web.problems import Problem, refuse_unless_live, too_many
from spaces_bridge.web.settings import WebSettings

STALL_S = 20.0
"""A player that takes no byte for so many seconds is disconnected."""

NAME_MAX = 200
"""Characters of a title or name that players are sent."""

TICKETS_BURST, TICKETS_PER_S = 60, 2
"""Streams that one address may ask for."""


class OggStream:
    """The stream over HTTP: serves `/s/SLUG/live.ogg` (Ogg Opus, RFC 7845).

    `GET` takes a bearer token, or none where anybody may listen. Clients that can send no header,
    such as an `<audio>` element, ask by `POST` first, and get an address good for a minute.
    """

    def __init__(self, settings: WebSettings, access: PageAccess, stage: Stage) -> None:
        self._settings = settings
        self._open = 0
        self._access = access
        self._stage = stage
        self._tickets = Tickets()
        self._asked = TokenBuckets(TICKETS_BURST, TICKETS_PER_S)

    async def open(self, request: web.Request) -> web.Response:
        """Answer a `POST` with 201 and a `Location` to play, or refuse as the stream would."""
        space, token = await self._access.from_request(request)
        refuse_unless_live(space)
        self._access.admit(space, token)
        if not self._asked.take(self._access.addresses.of(request)):
            raise too_many()
        ticket = f"?ticket={self._tickets.issue(token)}" if token is not None else ""
        return web.Response(
            status=HTTPStatus.CREATED,
            headers={
                "Location": f"{self._settings.path_prefix}/s/{space.slug}/live.ogg{ticket}",
                "Cache-Control": "no-store",
            },
        )

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Stream until the listener leaves or the live space ends."""
        with self._access.streams.one(self._access.addresses.of(request)):
            return await self._stream(request)

    async def _who(self, request: web.Request) -> tuple[LiveSpace, Token | None]:
        ticket = request.query.get("ticket")
        if ticket is None:
            return await self._access.from_request(request)
        token = self._tickets.bearer(ticket)
        space = await self._access.enter_from(request, token)
        return space, token if token is not None and token.space == space.space else None

    async def _stream(self, request: web.Request) -> web.StreamResponse:
        space, token = await self._who(request)
        refuse_unless_live(space)
        self._access.admit(space, token)
        with self._place():
            response = web.StreamResponse(
                headers={
                    "Content-Type": "audio/ogg; codecs=opus",
                    "Cache-Control": "no-store",
                    "X-Accel-Buffering": "no",
                    **icy_headers(space, self._settings.page(space.slug)),
                }
            )
            await response.prepare(request)
            if request.method != "HEAD":
                await self._play(request, response, space, token)
            return response

    async def _play(
        self,
        request: web.Request,
        response: web.StreamResponse,
        space: LiveSpace,
        token: Token | None,
    ) -> None:
        mix = self._stage.mix(space.space, tags_of(space))
        try:
            async for pages in mix:
                if not self._access.still_in(space, token):
                    break
                await _write(request, response, pages)
        except (ConnectionError, TimeoutError):
            if request.transport is not None:
                request.transport.abort()
        finally:
            # the stage learns at once that nobody listens here any more
            if isinstance(mix, AsyncGenerator):
                await mix.aclose()

    @contextmanager
    def _place(self) -> Iterator[None]:
        """Hold one of the places for all listeners over HTTP. Raises Problem 503."""
        if self._open >= self._settings.http_listeners_max:
            raise full()
        self._open += 1
        try:
            yield
        finally:
            self._open -= 1


async def _write(request: web.Request, response: web.StreamResponse, pages: bytes) -> None:
    """Write to the player. Raises ConnectionError, or TimeoutError when it takes nothing."""
    async with asyncio.timeout(STALL_S):
        await response.write(pages)


def tags_of(space: LiveSpace) -> dict[str, str]:
    """Return the stream's tags, which players show, by the names they know (RFC 7845, 5.2).

    The tags are those of the moment somebody begins to listen: a title that changes is seen by
    those who come after that.
    """
    return {"TITLE": _line(space.title), "ARTIST": _line(space.person(space.host).name)}


def icy_headers(space: LiveSpace, page: str) -> dict[str, str]:
    """Return the tags as headers of an internet radio (ICY), in UTF-8 as its servers send them.

    `page` is the address of the live space's page.
    """
    host = _line(space.person(space.host).name)
    told = {"icy-name": _line(space.title), "icy-description": host, "icy-url": page}
    return {name: value for name, value in told.items() if value}


def _line(text: str) -> str:
    """Return the text fit for a header: bounded, without control characters or half pairs."""
    plain = "".join(" " if category(each) in ("Cc", "Cs", "Zl", "Zp") else each for each in text)
    return " ".join(plain.split())[:NAME_MAX]


def full() -> Problem:
    """Return the problem 503 for when all places to listen over HTTP are taken."""
    text = "Too many people listen over HTTP right now. Try again in half a minute."
    return Problem(HTTPStatus.SERVICE_UNAVAILABLE, "streams_full", text, {"Retry-After": "30"})
