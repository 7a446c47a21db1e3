"""A node's way to its bridge: it dials, and dials again whenever the link is lost."""

import asyncio
import contextlib
import logging
from typing import Final

import aiohttp

from spaces_bridge.media.messages import PROTOCOL
from spaces_bridge.media.nodes import limits
from spaces_bridge.media.nodes.agent import NodeAgent
from spaces_bridge.media.nodes.messages import (
    NODE_PROTOCOL,
    NodeGreeting,
    NodeLeaving,
    NodeRefusal,
    NodeWelcome,
)
from spaces_bridge.media.nodes.options import NodeOptions
from spaces_bridge.media.nodes.socket import NodeSocket
from spaces_bridge.pacing.backoff import Backoff
from spaces_bridge.wire.messages import BadMessage

log = logging.getLogger(__name__)

DIAL_BACKOFF: Final = Backoff(0.5, 10.0, jitter=0.3)
"""The wait before the bridge is dialled again, after each failure in a row."""
REFUSED_BACKOFF: Final = Backoff(10.0, 60.0, jitter=0.3)
"""The same after the bridge has said no: somebody has to do something first."""
STEADY_S: Final = 10.0
"""A link that was held for so long was no failure when it is lost."""
CONNECT_S: Final = 10.0


class RefusedError(Exception):
    """The bridge has refused this node; the text says why."""


class Dialer:
    """A dialer keeps the link to the bridge, over which the agent carries."""

    def __init__(self, options: NodeOptions, identity: str, agent: NodeAgent) -> None:
        self._options, self._identity, self._agent = options, identity, agent
        self._link: NodeSocket | None = None
        self._is_leaving = False
        self._said = ""
        self._seen_at = 0.0

    async def run(self) -> None:
        """Dial until cancelled; without a bridge for too long, live spaces are closed."""
        loop = asyncio.get_running_loop()
        grace_s = self._options.media.orphan_grace_s
        failures, self._seen_at = 0, loop.time()
        async with aiohttp.ClientSession() as session:
            while True:
                began, backoff = loop.time(), DIAL_BACKOFF
                try:
                    await self._talk(session)
                    self._say("The connection to the bridge is lost.")
                except RefusedError as refusal:
                    backoff = REFUSED_BACKOFF
                    self._say(f"The bridge refuses this node: {refusal}")
                except (aiohttp.ClientError, OSError, BadMessage, TimeoutError) as problem:
                    self._say(f"The bridge cannot be reached: {_said(problem)}")
                now = loop.time()
                if now - self._seen_at >= grace_s:
                    self._agent.close_spaces()
                failures = 1 if now - began >= STEADY_S else failures + 1
                await asyncio.sleep(backoff.wait_s(failures))

    async def leave(self) -> None:
        """Tell the bridge that the node ends."""
        self._is_leaving = True
        if self._link is not None:
            self._link.send(NodeLeaving())
            self._link.end()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._link.ended.wait(), limits.CLOSE_S)

    async def _talk(self, session: aiohttp.ClientSession) -> None:
        try:
            async with asyncio.timeout(CONNECT_S):
                socket = await session.ws_connect(
                    self._options.url,
                    headers={"Authorization": f"Bearer {self._options.secret}"},
                    heartbeat=limits.HEARTBEAT_S,
                    max_msg_size=limits.MESSAGE_MAX,
                    timeout=aiohttp.ClientWSTimeout(ws_close=limits.CLOSE_S),
                )
        except aiohttp.WSServerHandshakeError as problem:
            raise RefusedError(_refusal(problem.status)) from problem
        link = NodeSocket(socket)
        sending = asyncio.create_task(link.sending(), name="link to the bridge")
        try:
            await self._serve(link)
        finally:
            if self._link is not None:
                self._link, self._seen_at = None, asyncio.get_running_loop().time()
            self._agent.disconnected()
            link.end()
            await sending

    async def _serve(self, link: NodeSocket) -> None:
        link.send(NodeGreeting(NODE_PROTOCOL, PROTOCOL, self._identity, self._options.name))
        async with asyncio.timeout(limits.GREET_S):
            welcome = await link.receive()
        if isinstance(welcome, NodeRefusal):
            raise RefusedError(welcome.text)
        if not isinstance(welcome, NodeWelcome):
            raise BadMessage("it does not answer as a bridge does")
        self._said = ""
        log.info("connected to the bridge as %s", welcome.name)
        self._link = link
        self._agent.connected(link)
        while (message := await link.receive()) is not None:
            if isinstance(message, NodeRefusal):
                raise RefusedError(message.text)
            self._agent.obey(message)

    def _say(self, text: str) -> None:
        """Log what is wrong, once."""
        if text != self._said and not self._is_leaving:
            log.warning("%s It is dialled again.", text)
        self._said = text


def _refusal(status: int) -> str:
    reasons = {
        401: "the secret is not that of media.node_secret.",
        404: "it has no media.node_secret, or --bridge lacks web.path_prefix.",
        429: "too many wrong secrets came from here.",
    }
    return reasons.get(status, f"it answers with status {status}.")


def _said(problem: Exception) -> str:
    return str(problem) or "no answer in time."
