"""Errors over HTTP as Matrix clients read them: `{"errcode", "error"}`.

Spec: Client-Server API, "Standard error response".
"""

import logging
import time
from http import HTTPStatus
from typing import Self

from aiohttp import web
from aiohttp.typedefs import Handler

from spaces_bridge.app.call_ports import DelayedEventGone
from spaces_bridge.app.errors import AdapterError
from spaces_bridge.core.errors import Rejected
from spaces_bridge.livekit.limits import FLOODS_PER_S
from spaces_bridge.pacing.token_bucket import TokenBucket

log = logging.getLogger(__name__)

AWAY_S = 2
"""Seconds after which to try again while something is away."""


class CallError(Exception):
    """An error that a Matrix client is told: status, errcode and a sentence for people."""

    def __init__(
        self, status: HTTPStatus, errcode: str, text: str, retry_after_s: int | None = None
    ) -> None:
        super().__init__(text)
        self.status = status
        self.errcode = errcode
        self.text = text
        self.retry_after_s = retry_after_s

    @classmethod
    def bad_json(cls, text: str) -> Self:
        """Return the error for JSON that lacks something, or has something of another type."""
        return cls(HTTPStatus.BAD_REQUEST, "M_BAD_JSON", text)

    @classmethod
    def invalid(cls, text: str) -> Self:
        """Return the error for a value that is none of those possible."""
        return cls(HTTPStatus.BAD_REQUEST, "M_INVALID_PARAM", text)

    @classmethod
    def unauthorised(cls, text: str) -> Self:
        """Return the error for somebody of whom it is not known who they are."""
        return cls(HTTPStatus.UNAUTHORIZED, "M_UNAUTHORIZED", text)

    @classmethod
    def forbidden(cls, text: str) -> Self:
        """Return the error for what this person may not do."""
        return cls(HTTPStatus.FORBIDDEN, "M_FORBIDDEN", text)

    @classmethod
    def too_many(cls, retry_after_s: int) -> Self:
        """Return the error for too many requests."""
        text = f"That was too often. Try again in {retry_after_s} seconds."
        return cls(HTTPStatus.TOO_MANY_REQUESTS, "M_LIMIT_EXCEEDED", text, retry_after_s)

    @classmethod
    def away(cls, text: str) -> Self:
        """Return the error for something that does not answer now."""
        return cls(HTTPStatus.SERVICE_UNAVAILABLE, "M_UNKNOWN", text, AWAY_S)

    def response(self) -> web.Response:
        """Return the error as a response."""
        body: dict[str, object] = {"errcode": self.errcode, "error": self.text}
        headers = {}
        if self.retry_after_s is not None:
            headers["Retry-After"] = str(self.retry_after_s)
            if self.status == HTTPStatus.TOO_MANY_REQUESTS:
                body["retry_after_ms"] = self.retry_after_s * 1000
        return web.json_response(body, status=self.status, headers=headers)


def matrix_errors(handler: Handler) -> Handler:
    """Return the handler with every error of it told as Matrix clients read them.

    An outage is one line a minute in the log, however many people ask meanwhile.
    """
    outages = TokenBucket(FLOODS_PER_S, 1)

    async def answer(request: web.Request) -> web.StreamResponse:
        try:
            return await handler(request)
        except CallError as error:
            return error.response()
        except Rejected as refusal:
            return CallError.forbidden(refusal.text).response()
        except DelayedEventGone as gone:
            return CallError(HTTPStatus.NOT_FOUND, "M_NOT_FOUND", str(gone)).response()
        except AdapterError as error:
            if outages.take(1, time.monotonic()):
                log.warning("an outside part failed: %s", type(error).__name__, exc_info=error)
            text = "A part of this server is away for a moment. Try again shortly."
            return CallError.away(text).response()
        except web.HTTPRequestEntityTooLarge:
            return CallError(
                HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "M_TOO_LARGE", "The request is too large."
            ).response()
        except (web.HTTPException, web.RequestPayloadError, ConnectionError):
            raise  # the listener knows what to answer, if there is anybody to answer
        except Exception as error:  # whatever the bug is: a client reads a plain answer
            log.error("a request about calls failed: %s", type(error).__name__, exc_info=error)
            text = "Something went wrong on this server. Try again; if it stays, tell its admin."
            return CallError(HTTPStatus.INTERNAL_SERVER_ERROR, "M_UNKNOWN", text).response()

    return answer
