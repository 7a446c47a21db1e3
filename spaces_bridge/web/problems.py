"""Errors over HTTP: ``application/problem+json`` (RFC 9457) with a stable ``code``."""

import json
import logging
from http import HTTPStatus

from aiohttp import web
from aiohttp.typedefs import Handler

from spaces_bridge.app.errors import AdapterError, OfferRefused
from spaces_bridge.core.errors import Rejected

log = logging.getLogger(__name__)


class Problem(Exception):
    """An answer other than the one asked for. ``code`` is stable, ``text`` is for people."""

    def __init__(
        self, status: HTTPStatus, code: str, text: str, headers: dict[str, str] | None = None
    ) -> None:
        super().__init__(text)
        self.status = status
        self.code = code
        self.text = text
        self.headers = headers or {}

    def response(self) -> web.Response:
        """The problem as a response."""
        body = {
            "type": "about:blank",
            "title": self.status.phrase,
            "status": self.status.value,
            "detail": self.text,
            "code": self.code,
        }
        return web.Response(
            status=self.status,
            body=json.dumps(body, ensure_ascii=False).encode(),
            headers={"Content-Type": "application/problem+json", **self.headers},
        )


def not_found() -> Problem:
    """The one answer for what does not exist and for what the asker may not know of."""
    return Problem(
        HTTPStatus.NOT_FOUND,
        "not_found",
        "There is no such live space, or it is private. Open it by the link you were sent.",
    )


def too_many(retry_after_s: int = 30) -> Problem:
    """Too many tries from one address."""
    return Problem(
        HTTPStatus.TOO_MANY_REQUESTS,
        "too_many_requests",
        "That was too often from your network. Wait half a minute, then try again.",
        {"Retry-After": str(retry_after_s)},
    )


@web.middleware
async def problems(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Whatever goes wrong below becomes a problem document."""
    try:
        return await handler(request)
    except Problem as problem:
        return problem.response()
    except Rejected as refusal:
        return Problem(HTTPStatus.CONFLICT, refusal.code, refusal.text).response()
    except OfferRefused as refusal:
        return Problem(HTTPStatus.BAD_REQUEST, refusal.code, refusal.text).response()
    except AdapterError as error:
        log.warning("an outside part failed: %s", type(error).__name__, exc_info=error)
        text = "A part of this server is away for a moment. Try again shortly."
        retry = {"Retry-After": "2"}
        status = HTTPStatus.SERVICE_UNAVAILABLE
        return Problem(status, "unavailable", text, retry).response()
    except web.HTTPException as error:
        return _of_aiohttp(error)


def _of_aiohttp(error: web.HTTPException) -> web.Response:
    status = HTTPStatus(error.status)
    if status == HTTPStatus.NOT_FOUND:
        return not_found().response()
    kept = {k: v for k, v in error.headers.items() if k in ("Allow", "Location")}
    code = status.phrase.lower().replace(" ", "_").replace("-", "_")
    return Problem(status, code, f"{status.phrase}.", kept).response()
