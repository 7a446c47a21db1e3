"""The mix over plain HTTP: for players, locked phones and networks without UDP."""

import asyncio
from collections.abc import AsyncGenerator
from http import HTTPStatus

from aiohttp import web

from spaces_bridge.app.ports import Stage
from spaces_bridge.core.live_space import Phase
from spaces_bridge.web.door import Door
from spaces_bridge.web.problems import Problem

STALL_S = 20.0
"""A player that takes no byte for so long is let go."""


class OggStream:
    """Serves ``/s/SLUG/live.ogg`` (Ogg Opus, RFC 7845)."""

    def __init__(self, door: Door, stage: Stage) -> None:
        self._door = door
        self._stage = stage

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Stream until the listener or the live space has enough."""
        with self._door.streams.one(self._door.addresses.of(request)):
            return await self._stream(request)

    async def _stream(self, request: web.Request) -> web.StreamResponse:
        space, token = await self._door.from_request(request)
        if space.phase is not Phase.LIVE:
            text = "There is no sound: this live space is not live."
            raise Problem(HTTPStatus.CONFLICT, "no_sound", text)
        self._door.admit(space, token)
        response = web.StreamResponse(
            headers={
                "Content-Type": "audio/ogg; codecs=opus",
                "Cache-Control": "no-store",
                "X-Accel-Buffering": "no",
                "Access-Control-Allow-Origin": "*",
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
