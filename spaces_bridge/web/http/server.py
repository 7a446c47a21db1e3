"""The public listener: routes, and the headers that every answer carries."""

import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Protocol

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.typedefs import Handler, Middleware

from spaces_bridge import logs
from spaces_bridge.web.feed.feed import Feed
from spaces_bridge.web.http import pasted
from spaces_bridge.web.http.api import Api
from spaces_bridge.web.http.assets import Assets
from spaces_bridge.web.http.avatars import AvatarImages
from spaces_bridge.web.http.calendar import Calendar
from spaces_bridge.web.http.cors import Cors
from spaces_bridge.web.http.host_api import HostApi
from spaces_bridge.web.http.listen import OggStream
from spaces_bridge.web.http.pages import Pages
from spaces_bridge.web.http.qr import QrCodes
from spaces_bridge.web.http.transcript import Transcripts
from spaces_bridge.web.http.whip import WhipEndpoints
from spaces_bridge.web.problems import problems
from spaces_bridge.web.settings import WebSettings

BODY_MAX = 64 * 1024

SLUG = f"{{slug:{pasted.SLUG}}}"
"""The path's pattern of a slug: anything else names no live space and never reaches a page."""


_PEERS_FAULT = (HttpProcessingError, ConnectionError, web.RequestPayloadError)


class Mount(Protocol):
    """A part of the program with addresses of its own on the public listener."""

    def routes(self, router: web.UrlDispatcher, prefix: str) -> None:
        """Add the addresses below `prefix`."""
        ...


@dataclass(frozen=True, slots=True)
class Handlers:
    """The handlers of the public listener's addresses."""

    pages: Pages
    api: Api
    hosts: HostApi
    media: WhipEndpoints
    feed: Feed
    ogg: OggStream
    transcripts: Transcripts
    calendar: Calendar
    codes: QrCodes
    avatars: AvatarImages
    assets: Assets


def build(settings: WebSettings, to: Handlers, mounts: Sequence[Mount] = ()) -> web.Application:
    """Return the application of the public listener, with what is mounted there besides."""
    logging.getLogger("aiohttp.server").addFilter(_discreet)
    cors = Cors(settings.path_prefix)
    app = web.Application(
        middlewares=[_numbered, cors.middleware(), _lost(settings, to.pages), problems],
        client_max_size=BODY_MAX,
    )
    app.on_response_prepare.append(_dresser(settings))
    app.on_response_prepare.append(cors.dress)
    # a proxy may hand on the prefix or strip it: both must work
    for prefix in {settings.path_prefix, ""}:
        _route(app.router, prefix, to)
        for mount in mounts:
            mount.routes(app.router, prefix)
    if settings.path_prefix:
        app.router.add_get(settings.path_prefix, _to_directory(settings))
    return app


def _route(router: web.UrlDispatcher, prefix: str, to: Handlers) -> None:
    root = f"{prefix}/s/{SLUG}"
    router.add_get(f"{prefix}/", to.pages.directory)
    router.add_get(f"{prefix}/verify", to.pages.verify)
    router.add_get(f"{prefix}/verify/{{ticket:[A-Za-z0-9_-]+}}", to.pages.verify)
    router.add_get(root, to.pages.space)
    router.add_get(f"{root}/feed", to.feed.handle, allow_head=False)
    router.add_get(f"{root}/live.ogg", to.ogg.handle)
    router.add_post(f"{root}/live.ogg", to.ogg.open)
    router.add_get(f"{root}/transcript.{{format:vtt|srt|txt|json}}", to.transcripts.handle)
    router.add_get(f"{root}/event.ics", to.calendar.handle)
    router.add_get(f"{root}/qr.svg", to.codes.handle)
    router.add_get(f"{root}/face/{{face:[0-9a-f]+}}", to.avatars.handle)
    _add_media(router, f"{root}/whep", to.media.listen, to.media)
    _add_media(router, f"{root}/whip", to.media.speak, to.media)
    router.add_get(f"{prefix}/api/v1/spaces", to.api.spaces)
    router.add_post(f"{prefix}/api/v1/spaces", to.hosts.create)
    router.add_get(f"{prefix}/api/v1/you", to.hosts.you)
    router.add_get(f"{prefix}/api/v1/spaces/{SLUG}", to.api.space)
    router.add_get(f"{prefix}/api/openapi.json", to.api.openapi)
    router.add_get(f"{prefix}/static/{{version}}/{{name:.+}}", to.assets.handle)


def _add_media(router: web.UrlDispatcher, path: str, post: Handler, media: WhipEndpoints) -> None:
    router.add_post(path, post)
    router.add_delete(f"{path}/{{session:[A-Za-z0-9_-]+}}", media.leave)


@web.middleware
async def _numbered(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Serve the request so that all log lines of it bear one id."""
    with logs.request():
        return await handler(request)


def _discreet(record: logging.LogRecord) -> bool:
    """Take the client's address out of aiohttp's log record, and drop the client's own faults.

    A client that sends no HTTP, or hangs up in the middle of a body or an answer, is no error of
    ours.
    """
    record.msg, record.args = "a request failed outside of its handler", ()
    return record.exc_info is None or not isinstance(record.exc_info[1], _PEERS_FAULT)


def _to_directory(settings: WebSettings) -> Handler:
    async def redirect(_request: web.Request) -> web.StreamResponse:
        raise web.HTTPPermanentRedirect(f"{settings.path_prefix}/")

    return redirect


def content_security_policy(settings: WebSettings) -> str:
    """Return the policy: everything from here, nothing from elsewhere, nothing inline."""
    socket = settings.origin.replace("http", "ws", 1)
    ancestors = " ".join(settings.frame_ancestors) or "'none'"
    return "; ".join(
        (
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            "img-src 'self'",
            "media-src 'self'",
            # older Safari does not count WebSockets among 'self'
            f"connect-src 'self' {socket}",
            "base-uri 'none'",
            "form-action 'none'",
            f"frame-ancestors {ancestors}",
        )
    )


def _dresser(
    settings: WebSettings,
) -> Callable[[web.Request, web.StreamResponse], Awaitable[None]]:
    always = {
        "Content-Security-Policy": content_security_policy(settings),
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
        "Permissions-Policy": "microphone=(self), camera=(), geolocation=()",
    }

    async def dress(_request: web.Request, response: web.StreamResponse) -> None:
        for name, value in always.items():
            response.headers.setdefault(name, value)

    return dress


def _lost(settings: WebSettings, pages: Pages) -> Middleware:
    @web.middleware
    async def lost(request: web.Request, handler: Handler) -> web.StreamResponse:
        error = request.match_info.http_exception
        nowhere = error is not None and error.status == HTTPStatus.NOT_FOUND
        meant = pasted.meant(request, settings.path_prefix, nowhere=nowhere)
        if meant is not None:
            raise web.HTTPPermanentRedirect(meant)
        if nowhere and "text/html" in request.headers.get("Accept", ""):
            return pages.lost(request)
        return await handler(request)

    return lost
