"""Errors over HTTP: `application/problem+json` (RFC 9457) with a stable `code`."""

import json
import logging
from http import HTTPStatus
from typing import Self

from aiohttp import WSCloseCode, web
from aiohttp.typedefs import Handler

from spaces_bridge.app.errors import AdapterError, OfferRefused
from spaces_bridge.core import refusals
from spaces_bridge.core.errors import Rejected, TellsPeople
from spaces_bridge.core.live_space import LiveSpace, Phase
from spaces_bridge.core.sentences import Sentence, Value

log = logging.getLogger(__name__)


class Problem(TellsPeople):
    """An HTTP error with a status, a stable code and a sentence for people."""

    def __init__(
        self,
        status: HTTPStatus,
        code: str,
        template: str,
        headers: dict[str, str] | None = None,
        /,
        **values: Value,
    ) -> None:
        super().__init__(code, template, **values)
        self.status = status
        self.headers = headers or {}

    @classmethod
    def saying(
        cls, status: HTTPStatus, said: Sentence, headers: dict[str, str] | None = None
    ) -> Self:
        """Return a problem with the code and words of an existing sentence."""
        return cls(status, said.code, said.template, headers, **said.values)

    def response(self) -> web.Response:
        """Return the problem as a response."""
        body = {
            "type": "about:blank",
            "title": self.status.phrase,
            "status": self.status.value,
            "detail": self.text,
            "code": self.code,
            "with": dict(self.said.values),
        }
        return web.Response(
            status=self.status,
            body=json.dumps(body, ensure_ascii=False).encode(),
            headers={"Content-Type": "application/problem+json", **self.headers},
        )


def not_found() -> Problem:
    """Return the one problem for what does not exist and for what the asker may not know of."""
    return Problem(
        HTTPStatus.NOT_FOUND,
        "not_found",
        "There is no such live space, or it is private. Open it by the link you were sent.",
    )


def too_many(retry_after_s: int = 30) -> Problem:
    """Return the problem 429 for too many tries from one address."""
    return Problem(
        HTTPStatus.TOO_MANY_REQUESTS,
        "too_many_requests",
        "That was too often from your network. Wait half a minute, then try again.",
        {"Retry-After": str(retry_after_s)},
    )


def unavailable() -> Problem:
    """Return the problem 503 for a database, homeserver or media worker that does not answer."""
    text = "A part of this server is away for a moment. Try again shortly."
    return Problem(HTTPStatus.SERVICE_UNAVAILABLE, "unavailable", text, {"Retry-After": "2"})


def refuse_unless_live(space: LiveSpace) -> None:
    """Raise the problem 409 before the start, and 410 after the end: there is no sound then."""
    if space.phase is Phase.SCHEDULED:
        raise Problem.saying(HTTPStatus.CONFLICT, refusals.not_live().said)
    if space.phase is Phase.ENDED:
        raise Problem.saying(HTTPStatus.GONE, refusals.ended().said)


_NO_ROOM_S = {"busy": 5, "crowded": 60, "full": 60}
"""Seconds to wait after a refusal that is no fault of the offer, by its code."""


def refused(refusal: OfferRefused) -> Problem:
    """Return the media edge's refusal of an offer as a problem."""
    if refusal.code in _NO_ROOM_S:
        retry = {"Retry-After": str(_NO_ROOM_S[refusal.code])}
        return Problem(HTTPStatus.SERVICE_UNAVAILABLE, refusal.code, refusal.text, retry)
    return Problem(HTTPStatus.BAD_REQUEST, refusal.code, refusal.text)


@web.middleware
async def problems(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn every error of a handler into a problem document."""
    try:
        return await handler(request)
    except Problem as problem:
        return problem.response()
    except Rejected as refusal:
        return Problem.saying(HTTPStatus.CONFLICT, refusal.said).response()
    except OfferRefused as refusal:
        return refused(refusal).response()
    except AdapterError as error:
        log.warning("an outside part failed: %s", type(error).__name__, exc_info=error)
        return unavailable().response()
    except web.HTTPException as error:
        return _of_aiohttp(error)
    except web.RequestPayloadError:
        text = "The request's body is broken. Send it again."
        return Problem(HTTPStatus.BAD_REQUEST, "bad_body", text).response()
    except ConnectionError:
        raise  # the client has gone: there is nobody to answer
    # the outermost handler: whatever bug an inner one has, a stranger gets a plain answer, and the
    # log gets the traceback without the address, which aiohttp would write down
    except Exception as error:
        log.error("a page's handler failed: %s", type(error).__name__, exc_info=error)
        return _unexpected(request)


def _unexpected(request: web.Request) -> web.Response:
    if request.writer.output_size > 0:
        raise ConnectionAbortedError("an answer has begun already and cannot be another one")
    text = "Something went wrong on this server. Try again; if it stays, tell its admin."
    return Problem(HTTPStatus.INTERNAL_SERVER_ERROR, "internal", text).response()


def _of_aiohttp(error: web.HTTPException) -> web.Response:
    status = HTTPStatus(error.status)
    if status == HTTPStatus.NOT_FOUND:
        return not_found().response()
    kept = {k: v for k, v in error.headers.items() if k in ("Allow", "Location")}
    code = status.phrase.lower().replace(" ", "_").replace("-", "_")
    return Problem(status, code, f"{status.phrase}.", kept).response()


def close_code(problem: Problem) -> int:
    """Return the WebSocket close code of a feed that ends by this problem."""
    if problem.code == "locked":
        return 4423
    codes = {
        HTTPStatus.NOT_FOUND: 4404,
        HTTPStatus.FORBIDDEN: 4403,
        HTTPStatus.UNAUTHORIZED: 4401,
        HTTPStatus.SERVICE_UNAVAILABLE: WSCloseCode.TRY_AGAIN_LATER,
    }
    return codes.get(problem.status, 4429)
