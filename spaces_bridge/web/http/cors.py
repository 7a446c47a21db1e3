"""CORS: the addresses that pages of other origins may use, and the answers to preflights.

A bearer token in a header is no ambient authority, and there are no cookies: people who have a
token may use it from any page. The feed and the pages themselves are for our own origin. Spec:
Fetch, "CORS protocol".
"""

import re
from http import HTTPStatus
from typing import Final

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

_SPACE = r"/s/[^/]+"
_READ = "GET, HEAD, OPTIONS"
_MEDIA = "POST, PATCH, DELETE, OPTIONS"
"""Methods of media sessions. `PATCH` is not served, but browsers hide the 405 that answers it from
pages that may not send it."""

OPEN: Final = (
    (re.compile(r"/api/v1/spaces"), "GET, HEAD, POST, OPTIONS"),
    (re.compile(r"/api/.*"), _READ),
    (re.compile(rf"{_SPACE}/(?:whep|whip)(?:/[^/]*)?"), _MEDIA),
    (re.compile(rf"{_SPACE}/live\.ogg"), "GET, HEAD, POST, OPTIONS"),
    (re.compile(rf"{_SPACE}/transcript\.[^/]+"), _READ),
    (re.compile(rf"{_SPACE}/(?:event\.ics|qr\.svg)"), _READ),
    (re.compile(rf"{_SPACE}/face/[^/]+"), _READ),
    # MSC4195: Element Call is served from elsewhere
    (re.compile(r"/livekit/(?:sfu/get|get_token|delegate_delayed_leave)"), "POST, OPTIONS"),
    (re.compile(r"/livekit/(?:healthz|(?:rtc/)(?:v1/)?validate)"), _READ),
)
"""Addresses below the path prefix that any origin may use, and the methods its pages may send."""

ANY_ORIGIN: Final = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Expose-Headers": "Accept-Post, Allow, Location, Retry-After, WWW-Authenticate",
}
"""Headers of every answer at these addresses, also of errors."""

_PREFLIGHT: Final = {
    "Access-Control-Allow-Headers": (
        "Authorization, Content-Type, If-Match, If-None-Match, Range, *"
    ),
    "Access-Control-Max-Age": "86400",
}
"""Headers of the answer to a preflight. `*` allows the headers that libraries and tracing add; it
never means Authorization (Fetch, section 3.3.3)."""


class Cors:
    """The CORS rules below a path prefix, which a proxy may hand on or strip."""

    def __init__(self, path_prefix: str) -> None:
        self._prefix = path_prefix

    def methods(self, path: str) -> str:
        """Return the methods that other origins' pages may send to the path; empty where none."""
        below = path.removeprefix(self._prefix) if path.startswith(f"{self._prefix}/") else path
        return next((methods for pattern, methods in OPEN if pattern.fullmatch(below)), "")

    def middleware(self) -> Middleware:
        """Return a middleware that answers `OPTIONS`, whether or not the address exists."""

        @web.middleware
        async def preflight(request: web.Request, handler: Handler) -> web.StreamResponse:
            methods = self.methods(request.path) if request.method == "OPTIONS" else ""
            if not methods:
                return await handler(request)
            headers = {**_PREFLIGHT, "Access-Control-Allow-Methods": methods}
            if methods == _MEDIA:
                headers["Accept-Post"] = "application/sdp"  # RFC 9725, section 4.2
            return web.Response(status=HTTPStatus.NO_CONTENT, headers=headers)

        return preflight

    async def dress(self, request: web.Request, response: web.StreamResponse) -> None:
        """Let pages of other origins see the answer, whatever it is (`on_response_prepare`)."""
        if not self.methods(request.path):
            return
        response.headers.update(ANY_ORIGIN)
        if response.status == HTTPStatus.METHOD_NOT_ALLOWED and "Allow" in response.headers:
            response.headers["Allow"] += ",OPTIONS"
