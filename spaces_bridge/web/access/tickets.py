"""Tickets for the stream over HTTP, for an `<audio>` element sends an address and nothing else.

A ticket stands for a bearer token, for one live space's stream and for a minute. It goes into the
address; the bearer token, which lasts and may do more, never does.
"""

import secrets
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from spaces_bridge.app.records import Token

GOOD_FOR_S = 60.0
"""Seconds that a ticket is valid: a browser may ask for the same address again, with another range
or after a hiccup."""

MOST = 10_000
"""Tickets that are remembered; the oldest go first."""


@dataclass(frozen=True, slots=True)
class _Ticket:
    token: Token
    until: float


class Tickets:
    """The tickets that were issued, in memory only: a restart ends the streams, too."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._issued: OrderedDict[str, _Ticket] = OrderedDict()

    def issue(self, token: Token) -> str:
        """Return a new ticket of 160 random bits, for the stream of the token's own live space."""
        ticket = secrets.token_urlsafe(20)
        self._issued[ticket] = _Ticket(token, self._clock() + GOOD_FOR_S)
        if len(self._issued) > MOST:
            self._issued.popitem(last=False)
        return ticket

    def bearer(self, ticket: str) -> Token | None:
        """Return the token that the ticket stands for; None when it is unknown or too old."""
        self._forget_old()
        found = self._issued.get(ticket)
        return found.token if found is not None else None

    def _forget_old(self) -> None:
        now = self._clock()
        while self._issued and next(iter(self._issued.values())).until <= now:
            self._issued.popitem(last=False)
