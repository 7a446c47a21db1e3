"""The authoriser's addresses over HTTP, below `{prefix}/livekit`. Source: MSC4195."""

import asyncio
import json
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Final

from aiohttp import web

from spaces_bridge.livekit import requests, webhook
from spaces_bridge.livekit.authoriser import Authoriser
from spaces_bridge.livekit.errors import CallError, matrix_errors
from spaces_bridge.livekit.tokens import TokenSigner

BODY_WITHIN_S: Final = 20.0
"""Seconds to wait for a body of a few hundred bytes."""


class AuthoriserServer:
    """The server of the authoriser, and of what a LiveKit server tells."""

    def __init__(
        self,
        authoriser: Authoriser,
        signer: TokenSigner,
        address_of: Callable[[web.Request], str],
        hint: Callable[[str], None],
    ) -> None:
        """`address_of` gives the network that a request comes from.

        `hint` is told the name of a LiveKit room of which a webhook has told something.
        """
        self._authoriser = authoriser
        self._signer = signer
        self._address_of = address_of
        self._hint = hint

    def routes(self, router: web.UrlDispatcher, prefix: str) -> None:
        """Add the addresses below `prefix`."""
        router.add_post(f"{prefix}/sfu/get", matrix_errors(self._older_token))
        router.add_post(f"{prefix}/get_token", matrix_errors(self._token))
        router.add_post(f"{prefix}/delegate_delayed_leave", matrix_errors(self._delegate))
        router.add_post(f"{prefix}/sfu_webhook", matrix_errors(self._webhook))
        router.add_get(f"{prefix}/healthz", self._health)

    async def _older_token(self, request: web.Request) -> web.Response:
        return await self._answer(request, requests.older_request(await _object_of(request)))

    async def _token(self, request: web.Request) -> web.Response:
        return await self._answer(request, requests.request_of(await _object_of(request)))

    async def _answer(self, request: web.Request, asked: requests.CallRequest) -> web.Response:
        token = await self._authoriser.token(asked, self._address_of(request))
        headers = {"Cache-Control": "no-store"}
        return web.json_response({"url": token.url, "jwt": token.jwt}, headers=headers)

    async def _delegate(self, request: web.Request) -> web.Response:
        asked = requests.request_of(await _object_of(request), delegates=True)
        await self._authoriser.delegate(asked, self._address_of(request))
        return web.json_response({})

    async def _webhook(self, request: web.Request) -> web.Response:
        body = await _body_of(request)
        webhook.refuse_unsigned(self._signer, request.headers.get("Authorization", ""), body)
        room = webhook.room_in(body)
        if room:
            self._hint(room)
        return web.json_response({})

    async def _health(self, _request: web.Request) -> web.Response:
        return web.Response(text="ok")


async def _object_of(request: web.Request) -> Mapping[str, object]:
    """Return the body as a JSON object. Raises CallError 400, 408, 415."""
    try:
        body = json.loads((await _body_of(request)).decode())
    except (ValueError, RecursionError):
        body = None
    if not isinstance(body, dict):
        text = "The request's body is no JSON object."
        raise CallError(HTTPStatus.BAD_REQUEST, "M_NOT_JSON", text)
    return body


async def _body_of(request: web.Request) -> bytes:
    if request.headers.get("Content-Encoding", "identity").strip().lower() != "identity":
        text = "Send the body as it is, without Content-Encoding."
        raise CallError(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "M_UNKNOWN", text)
    try:
        async with asyncio.timeout(BODY_WITHIN_S):
            return await request.read()
    except TimeoutError:
        text = "The request's body did not come in time. Send it again."
        raise CallError(HTTPStatus.REQUEST_TIMEOUT, "M_UNKNOWN", text) from None
