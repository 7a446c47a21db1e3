"""Twirp (version 7 of its specification): one POST for each call, in protobuf or JSON."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from aiohttp import web
from google.protobuf import json_format
from google.protobuf.message import DecodeError, Message

from spaces_bridge.app.errors import AdapterError
from spaces_bridge.core.errors import Rejected

BODY_MAX: Final = 64 * 1024
"""Bytes of a call's body."""

BODY_WITHIN_S: Final = 20.0
"""Seconds to wait for a body."""

PROTOBUF: Final = "application/protobuf"
JSON: Final = "application/json"

STATUS: Final[Mapping[str, int]] = {
    "malformed": 400,
    "invalid_argument": 400,
    "unauthenticated": 401,
    "permission_denied": 403,
    "bad_route": 404,
    "not_found": 404,
    "deadline_exceeded": 408,
    "failed_precondition": 412,
    "unimplemented": 501,
    "unavailable": 503,
}
"""The HTTP status of each error that is used here."""


class TwirpError(Exception):
    """A call cannot be carried out: `code` is one of Twirp's, `text` a plain sentence."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code
        self.text = text


@dataclass(frozen=True, slots=True)
class Method:
    """A method of a service: what it takes, and what carries it out."""

    takes: type[Message]
    does: Callable[[Any, Any], Awaitable[Message]]
    """Takes who asks (what the service makes of the request's token) and the message."""


async def answer(
    request: web.Request,
    methods: Mapping[str, Method],
    identify: Callable[[web.Request], object],
) -> web.Response:
    """Answer one call; `identify` returns who asks, or raises TwirpError."""
    try:
        method = methods.get(request.match_info["method"])
        if method is None:
            raise TwirpError("bad_route", "There is no such method here.")
        asker = identify(request)
        message = await _message(request, method.takes)
        done = await _carried_out(method, asker, message)
    except TwirpError as error:
        return _error(error)
    if request.content_type == JSON:
        text = json_format.MessageToJson(
            done, preserving_proto_field_name=True, always_print_fields_with_no_presence=True
        )
        return web.Response(text=text, content_type=JSON)
    return web.Response(body=done.SerializeToString(), content_type=PROTOBUF)


async def _carried_out(method: Method, asker: object, message: Message) -> Message:
    try:
        return await method.does(asker, message)
    except Rejected as refusal:
        raise TwirpError("failed_precondition", refusal.text) from None
    except AdapterError:
        text = "Something outside does not answer right now. Try again in a moment."
        raise TwirpError("unavailable", text) from None


async def _message(request: web.Request, kind: type[Message]) -> Message:
    if request.content_type not in {PROTOBUF, JSON}:
        text = f"Send the body as {PROTOBUF} or {JSON}."
        raise TwirpError("bad_route", text)
    if (request.content_length or 0) > BODY_MAX:
        raise _too_long()
    try:
        async with asyncio.timeout(BODY_WITHIN_S):
            body = await _body(request)
    except TimeoutError:
        raise TwirpError("deadline_exceeded", "The body did not come in time.") from None
    message = kind()
    try:
        if request.content_type == PROTOBUF:
            message.ParseFromString(body)
        elif not body.lstrip().startswith(b"{"):
            raise ValueError  # the parser takes an empty list for an empty message
        else:
            json_format.Parse(body, message, ignore_unknown_fields=True)
    except (DecodeError, json_format.ParseError, UnicodeDecodeError, RecursionError, ValueError):
        raise TwirpError("malformed", "The body cannot be read.") from None
    return message


async def _body(request: web.Request) -> bytes:
    body = bytearray()
    # not in chunks: of a body that is not there, they are empty and without end
    while piece := await request.content.readany():
        body += piece
        if len(body) > BODY_MAX:
            raise _too_long()
    return bytes(body)


def _too_long() -> TwirpError:
    return TwirpError("malformed", f"The body has more than {BODY_MAX // 1024} kB.")


def _error(error: TwirpError) -> web.Response:
    text = json.dumps({"code": error.code, "msg": error.text})
    return web.Response(text=text, status=STATUS[error.code], content_type=JSON)
