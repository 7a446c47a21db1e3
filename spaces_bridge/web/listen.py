"""The mix over plain HTTP: for players, locked phones and networks without UDP."""

import asyncio
from collections.abc import AsyncGenerator
from http import HTTPStatus

from aiohttp import web

from spaces_bridge.app.ports import Stage
from spaces_bridge.app.records import Token
from spaces_bridge.core.live_space import LiveSpace, Phase
from spaces_bridge.web.door import Door
from spaces_bridge.web.limits import Limiter
from spaces_bridge.web.problems import Problem, too_many
from spaces_bridge.web.settings import WebSettings
from spaces_bridge.web.tickets import Tickets

STALL_S = 20.0
"""A player that takes no byte for so long is let go."""


TICKETS_BURST, TICKETS_PER_S = 60, 2
"""Streams one address may ask for."""


class OggStream:
    """Serves ``/s/SLUG/live.ogg`` (Ogg Opus, RFC 7845).

    ``GET`` with a bearer, or with none where anybody may listen. Who can send no header, as an
    ``<audio>`` element cannot, asks by ``POST`` first, and gets an address good for a minute.
    """

    def __init__(self, settings: WebSettings, door: Door, stage: Stage) -> None:
        self._prefix = settings.path_prefix
        self._door = door
        self._stage = stage
        self._tickets = Tickets()
        self._asked = Limiter(TICKETS_BURST, TICKETS_PER_S)

    async def open(self, request: web.Request) -> web.Response:
        """``POST``: 201 and a ``Location`` to play; refused as the stream itself would be."""
        space, token = await self._door.from_request(request)
        _refuse_unless_live(space)
        self._door.admit(space, token)
        if not self._asked.take(self._door.addresses.of(request)):
            raise too_many()
        ticket = f"?ticket={self._tickets.issue(token)}" if token is not None else ""
        return web.Response(
            status=HTTPStatus.CREATED,
            headers={
                "Location": f"{self._prefix}/s/{space.slug}/live.ogg{ticket}",
                "Cache-Control": "no-store",
            },
        )

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Stream until the listener or the live space has enough."""
        with self._door.streams.one(self._door.addresses.of(request)):
            return await self._stream(request)

    async def _who(self, request: web.Request) -> tuple[LiveSpace, Token | None]:
        ticket = request.query.get("ticket")
        if ticket is None:
            return await self._door.from_request(request)
        token = self._tickets.bearer(ticket)
        space = await self._door.enter(request.match_info["slug"], token)
        return space, token if token is not None and token.space == space.space else None

    async def _stream(self, request: web.Request) -> web.StreamResponse:
        space, token = await self._who(request)
        _refuse_unless_live(space)
        self._door.admit(space, token)
        response = web.StreamResponse(
            headers={
                "Content-Type": "audio/ogg; codecs=opus",
                "Cache-Control": "no-store",
                "X-Accel-Buffering": "no",
            }
        )
        await response.prepare(request)
        if request.method == "HEAD":
            return response
        mix = self._stage.mix(space.space)
        try:
            async for pages in mix:
                if not self._door.still_in(space, token):
                    break
                async with asyncio.timeout(STALL_S):
                    await response.write(pages)
        except (ConnectionError, TimeoutError):
            if request.transport is not None:
                request.transport.abort()
        finally:
            # the stage hears at once that nobody listens here any more
            if isinstance(mix, AsyncGenerator):
                await mix.aclose()
        return response


def _refuse_unless_live(space: LiveSpace) -> None:
    if space.phase is not Phase.LIVE:
        text = "There is no sound: this live space is not live."
        raise Problem(HTTPStatus.CONFLICT, "no_sound", text)
