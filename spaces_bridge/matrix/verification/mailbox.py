"""To-device messages of verifications, handled apart from the key sync.

To answer one may take asking another homeserver for keys: everybody's keys do not wait for that.
"""

import asyncio
import logging
from collections import Counter, deque
from collections.abc import Awaitable, Callable

from spaces_bridge.matrix.crypto.to_device import ToDeviceEvent
from spaces_bridge.matrix.verification.limits import QUEUED_MAX, QUEUED_OF_SERVER_MAX

log = logging.getLogger(__name__)

Heard = Callable[[ToDeviceEvent], Awaitable[None]]


class VerificationMailbox:
    """The mailbox of messages that wait to be handled, in their order: so many and no more."""

    def __init__(self, heard: Heard) -> None:
        """`heard` handles one message."""
        self._heard = heard
        self._waiting: deque[ToDeviceEvent] = deque()
        self._of_server: Counter[str] = Counter()
        self._news = asyncio.Event()

    async def put(self, event: ToDeviceEvent) -> None:
        """Have a message handled later; one too many is dropped. Returns at once."""
        server = _server(event)
        if len(self._waiting) >= QUEUED_MAX or self._of_server[server] >= QUEUED_OF_SERVER_MAX:
            log.info("too many verifications wait: a message of %s is dropped", event.sender)
            return
        self._waiting.append(event)
        self._of_server[server] += 1
        self._news.set()

    async def run(self) -> None:
        """Handle what comes, until cancelled; whatever is wrong with a message stops no other."""
        while True:
            await self._news.wait()
            self._news.clear()
            while self._waiting:
                event = self._waiting.popleft()
                self._of_server -= Counter([_server(event)])
                try:
                    await self._heard(event)
                except Exception:
                    log.exception("a message of a verification could not be handled")


def _server(event: ToDeviceEvent) -> str:
    return event.sender.partition(":")[2]
