"""The bridge's end of the nodes' links, `{prefix}/media/node`, for who knows the secret."""

import asyncio
import hashlib
import hmac
import logging
from collections.abc import Callable
from typing import Final

from aiohttp import web

from spaces_bridge.media.nodes import limits
from spaces_bridge.media.nodes.messages import NodeGreeting, NodeRefusal
from spaces_bridge.media.nodes.registry import MediaNodes, Node, NodeRefusedError
from spaces_bridge.media.nodes.socket import NodeSocket
from spaces_bridge.pacing.token_bucket import TokenBucket, TokenBuckets
from spaces_bridge.wire.messages import BadMessage

log = logging.getLogger(__name__)

PATH: Final = "/media/node"


class NodeEndpoint:
    """The endpoint that nodes dial. `address_of` gives the network that a request comes from."""

    def __init__(
        self, secret: str, nodes: MediaNodes, address_of: Callable[[web.Request], str]
    ) -> None:
        self._secret = _digest(secret)
        self._nodes, self._address_of = nodes, address_of
        self._wrong = TokenBuckets(limits.WRONG_BURST, limits.WRONG_PER_S)
        self._lines = TokenBuckets(1, limits.WRONG_LINES_PER_S)

    def routes(self, router: web.UrlDispatcher, prefix: str) -> None:
        """Add the address below `prefix`."""
        router.add_get(prefix + PATH, self._connect)

    async def stop(self) -> None:
        """End all links: the bridge stops. Safe to repeat."""
        self._nodes.close()

    async def _connect(self, request: web.Request) -> web.WebSocketResponse:
        self._refuse_strangers(request)
        socket = web.WebSocketResponse(
            max_msg_size=limits.MESSAGE_MAX,
            heartbeat=limits.HEARTBEAT_S,
            compress=False,
            timeout=limits.CLOSE_S,
        )
        await socket.prepare(request)
        link = NodeSocket(socket, TokenBucket(limits.BYTES_PER_S, limits.BYTES_BURST))
        sending = asyncio.create_task(link.sending(), name="media node's link")
        try:
            await self._serve(link)
        finally:
            link.end()
            await sending
        return socket

    def _refuse_strangers(self, request: web.Request) -> None:
        """Refuse who does not know the secret, with one log line for each network and while."""
        scheme, _, shown = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() == "bearer" and hmac.compare_digest(_digest(shown), self._secret):
            return
        address = self._address_of(request)
        if self._lines.take(address):
            log.warning("somebody dials as a media node with a wrong secret, from %s", address)
        if not self._wrong.take(address):
            raise web.HTTPTooManyRequests(text="Too many wrong secrets. Wait a minute.")
        raise web.HTTPUnauthorized(text="This is not the secret of media.node_secret.")

    async def _serve(self, link: NodeSocket) -> None:
        node: Node | None = None
        try:
            async with asyncio.timeout(limits.GREET_S):
                greeting = await link.receive()
            if not isinstance(greeting, NodeGreeting):
                return
            node = self._nodes.attach(greeting, link)
            while (message := await link.receive()) is not None:
                self._nodes.heard(node, link, message)
        except NodeRefusedError as refusal:
            log.warning("a media node is refused: %s", refusal)
            link.send(NodeRefusal(str(refusal)))
        except (BadMessage, TimeoutError) as problem:
            log.warning("the link of a media node is ended: %s", str(problem) or "it said nothing")
        finally:
            if node is not None:
                self._nodes.lost(node, link)


def _digest(secret: str) -> bytes:
    # bytes of a header that are no UTF-8 come as lone surrogates
    return hashlib.sha256(secret.strip().encode("utf-8", "surrogateescape")).digest()
