"""Reading the bodies of requests: whole, in bounded time and memory."""

import asyncio
import json
from http import HTTPStatus

from aiohttp import web

from spaces_bridge.web.problems import Problem
from spaces_bridge.web.views import JsonBody

BODY_WITHIN_S = 20.0
"""Seconds to wait for a body: an SDP offer or a JSON object of a few kB takes no longer."""


async def body_of(request: web.Request) -> bytes:
    """Return the body as it was sent.

    Raises Problem 415 for a compressed one (RFC 9110, 15.5.16; the listeners inflate nothing) and
    408 for one that does not come; web.HTTPRequestEntityTooLarge beyond the listener's limit.
    """
    if request.headers.get("Content-Encoding", "identity").strip().lower() != "identity":
        text = "Send the body as it is, without Content-Encoding."
        headers = {"Accept-Encoding": "identity"}
        raise Problem(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "encoded_body", text, headers)
    try:
        async with asyncio.timeout(BODY_WITHIN_S):
            return await request.read()
    except TimeoutError:
        text = "The request's body did not come in time. Send it again."
        headers = {"Connection": "close"}
        raise Problem(HTTPStatus.REQUEST_TIMEOUT, "body_late", text, headers) from None


async def object_of(request: web.Request) -> JsonBody | None:
    """Return the body as a JSON object, empty for an empty body; None when it is no JSON object.

    Raises as `body_of` does.
    """
    try:
        body = json.loads((await body_of(request)).decode() or "{}")
    except (ValueError, RecursionError):
        return None
    return body if isinstance(body, dict) else None
