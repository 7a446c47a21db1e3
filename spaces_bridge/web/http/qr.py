"""QR codes of live spaces' pages: dark on white in any theme, as cameras want them."""

import io
from functools import lru_cache
from http import HTTPStatus
from typing import Final

import segno
from aiohttp import web
from yarl import URL

from spaces_bridge.web.access.page_access import PageAccess
from spaces_bridge.web.settings import WebSettings

QUIET: Final = 4
"""The white margin around the code, in modules (ISO/IEC 18004, 9.1)."""

MODULE: Final = 8
"""The size of a module in pixels, unless the page sets another one."""

KEPT: Final = 256
"""Codes that are kept in memory: making one takes 20 ms."""

POLICY: Final = "default-src 'none'; sandbox"
"""The content security policy of a code that is opened by itself."""


class QrCodes:
    """The QR codes' handler: serves `/s/SLUG/qr.svg`."""

    def __init__(self, access: PageAccess, settings: WebSettings) -> None:
        self._access = access
        self._settings = settings

    async def handle(self, request: web.Request) -> web.Response:
        """Answer with the code in every phase; of a private live space for its members only."""
        space, _ = await self._access.from_request(request)
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
    """Return the code as an SVG. It can be read with 15 % of it gone."""
    code = segno.make(address, error="m", micro=False)
    drawing = io.BytesIO()
    code.save(
        drawing,
        kind="svg",
        scale=MODULE,
        border=QUIET,
        light="#fff",
        title="QR code",
        desc=address,
        omitsize=True,  # a view box instead, so that a page can set another size
        xmldecl=False,
        svgclass=None,
        lineclass=None,
        nl=False,
    )
    width, height = code.symbol_size(scale=MODULE, border=QUIET)
    ours = f'role="img" shape-rendering="crispEdges" width="{width}" height="{height}"'
    return drawing.getvalue().replace(b"<svg ", f"<svg {ours} ".encode(), 1)
