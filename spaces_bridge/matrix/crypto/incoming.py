"""The way of an event from the inbox to the dispatcher: encrypted ones are read in between."""

import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from spaces_bridge.matrix.crypto.reading import Decryption, Unreadable
from spaces_bridge.matrix.crypto.waiting import WaitingEvents
from spaces_bridge.matrix.events.envelope import Envelope, envelope_of

log = logging.getLogger(__name__)

ENCRYPTED = "m.room.encrypted"

Receive = Callable[[Mapping[str, Any]], Awaitable[None]]


class DecryptingReceiver:
    """The receiver in front of the dispatcher, which sees only what is plain.

    Where the homeserver never let the bot have encryption, encrypted events go on as they are.
    Where it did once, they wait until it does again.
    """

    def __init__(
        self,
        decryption: Decryption,
        waiting: WaitingEvents,
        is_possible: Callable[[], bool],
        is_ours: Callable[[str], bool],
        receive: Receive,
    ) -> None:
        """`is_ours` says whether a user is the bot or a ghost: what they say is no news."""
        self._decryption = decryption
        self._waiting = waiting
        self._is_possible = is_possible
        self._is_ours = is_ours
        self._receive = receive
        self.counts: Counter[str] = Counter()
        """Numbers for the metrics: `read`."""

    async def receive(self, event: Mapping[str, Any]) -> None:
        """Handle one event of the inbox; safe to repeat. Raises AdapterError, Rejected."""
        head = envelope_of(event) if event.get("type") == ENCRYPTED else None
        if head is None or not self._is_to_be_read(head):
            await self._receive(event)
            return
        plain = await self._decryption.read(event, head)
        if isinstance(plain, Unreadable):
            await self._waiting.keep(event, head, plain)
            return
        self.counts["read"] += 1
        await self._receive(plain)

    def _is_to_be_read(self, head: Envelope) -> bool:
        if head.state_key is not None or self._is_ours(head.sender):
            return False
        return self._is_possible()
