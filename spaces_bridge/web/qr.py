"""The address of a live space's page as a QR code: dark on white in any theme, as cameras want."""

import itertools
from collections.abc import Iterable, Iterator
from functools import lru_cache
from html import escape
from http import HTTPStatus
from typing import Final

import segno
from aiohttp import web
from yarl import URL

from spaces_bridge.web.door import Door
from spaces_bridge.web.settings import WebSettings

QUIET: Final = 4
"""Modules of white around the code (ISO/IEC 18004, 9.1)."""

MODULE: Final = 8
"""Pixels of a module, unless the page sets another size."""

KEPT: Final = 256
"""Codes kept in memory: one takes 20 ms."""

POLICY: Final = "default-src 'none'; sandbox"
"""For a picture that is opened by itself."""


class QrCodes:
    """Serves ``/s/SLUG/qr.svg``."""

    def __init__(self, door: Door, settings: WebSettings) -> None:
        self._door = door
        self._settings = settings

    async def handle(self, request: web.Request) -> web.Response:
        """The code, before, during and after; of a private live space for its members only."""
        space, _ = await self._door.from_request(request)
        address = str(URL(self._settings.page(space.slug)))  # a URI has no letters but ASCII's
        return web.Response(
            status=HTTPStatus.OK,
            body=svg(address),
            headers={
                "Content-Type": "image/svg+xml",
                "Content-Security-Policy": POLICY,
                "Content-Disposition": f'inline; filename="{space.slug}.svg"',
                "Cache-Control": "no-store" if space.private else "public, max-age=86400",
            },
        )


@lru_cache(KEPT)
def svg(address: str) -> bytes:
    """The code as an SVG. It can be read with 15 % of it gone."""
    rows = tuple(segno.make(address, error="m", micro=False).matrix_iter(border=QUIET))
    size = len(rows)
    path = "".join(itertools.chain.from_iterable(_row(y, row) for y, row in enumerate(rows)))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {size} {size}"'
        f' width="{size * MODULE}" height="{size * MODULE}" role="img" aria-labelledby="name what"'
        f' shape-rendering="crispEdges"><title id="name">QR code</title>'
        f'<desc id="what">{escape(address)}</desc>'
        f'<rect width="{size}" height="{size}" fill="#fff"/><path d="{path}"/></svg>'
    ).encode()


def _row(y: int, row: Iterable[int]) -> Iterator[str]:
    """The dark stretches of a row."""
    x = 0
    for is_dark, stretch in itertools.groupby(row):
        width = len(list(stretch))
        if is_dark:
            yield f"M{x} {y}h{width}v1h-{width}z"
        x += width
