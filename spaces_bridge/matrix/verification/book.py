"""The book of verifications under way, and of codes that are shown: so many and no more."""

import secrets
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

from spaces_bridge.app.verification_ports import ShownVerification, VerificationOutcome
from spaces_bridge.core.ids import RoomId, UserId
from spaces_bridge.matrix.verification.limits import (
    ALIVE_MAX,
    ALIVE_OF_SERVER_MAX,
    LIVES_MS,
    REFUSED_OF_SERVER_MAX,
    REQUESTS_MAX,
    SHOWN_MS,
)
from spaces_bridge.matrix.verification.machine import Comparing, Confirmed, Over, State
from spaces_bridge.matrix.verification.needs import Courier
from spaces_bridge.matrix.verification.sas import DECIMAL, EMOJI
from spaces_bridge.matrix.verification.values import OutgoingVerification
from spaces_bridge.pacing.sliding_window import SlidingWindows

Name = tuple[UserId, str, str]
"""What a verification is found by: the person, the room ("" for to-device), its id."""


@dataclass(frozen=True, slots=True)
class Telling:
    """A message in words that is to be written."""

    text: str
    key: str


@dataclass(frozen=True, slots=True)
class Endorsing:
    """A master key that is to be signed."""

    user: UserId
    master: str


Deed = OutgoingVerification | Telling | Endorsing


@dataclass(slots=True)
class Running:
    """A verification under way, or one that has ended and whose code is still shown.

    `deeds` are still to be done, in their order; `heard` are the events it was told of.
    """

    state: State
    courier: Courier
    began_ms: int
    deeds: deque[Deed] = field(default_factory=deque)
    heard: set[str] = field(default_factory=set)
    ticket: str = ""
    shown: ShownVerification | None = None

    @property
    def is_alive(self) -> bool:
        """True while it can still be completed."""
        return not isinstance(self.state, Confirmed | Over)


class VerificationBook:
    """The book of verifications."""

    def __init__(self) -> None:
        self._running: dict[Name, Running] = {}
        self._tickets: dict[str, Running] = {}
        self._asked = SlidingWindows(LIVES_MS)
        self._refused = SlidingWindows(LIVES_MS)

    def __iter__(self) -> Iterator[tuple[Name, Running]]:
        """Iterate over all of them; the book may change meanwhile."""
        return iter(list(self._running.items()))

    def find(self, name: Name) -> Running | None:
        """Return the verification with this name."""
        return self._running.get(name)

    def has(self, room: RoomId, id_: str) -> bool:
        """Return whether there is a verification with this id in the room, whoever asked."""
        return any((where, what) == (room, id_) for _, where, what in self._running)

    def shown(self, ticket: str) -> ShownVerification | None:
        """Return what is shown at this ticket."""
        running = self._tickets.get(ticket)
        return running.shown if running is not None else None

    def enter(self, name: Name, running: Running) -> None:
        """Enter a verification."""
        self._running[name] = running

    def alive_of(self, user: UserId) -> list[Running]:
        """Return those of the person that can still be completed."""
        return [r for (who, _, _), r in self._running.items() if who == user and r.is_alive]

    def count(self, user: UserId, now_ms: int) -> None:
        """Count a request of the person, taken or refused."""
        self._asked.count(user, now_ms)

    def count_refusal(self, user: UserId, now_ms: int) -> None:
        """Count a request of the person that was refused, also for their homeserver."""
        self.count(user, now_ms)
        self._refused.count(user.partition(":")[2], now_ms)

    def is_pestered_by(self, user: UserId, now_ms: int) -> bool:
        """Return whether the person, or their server, was told that it is too much."""
        server = user.partition(":")[2]
        if self._refused.wait(server, REFUSED_OF_SERVER_MAX, now_ms) > 0:
            return True
        return self._asked.wait(user, REQUESTS_MAX + 1, now_ms) > 0

    def is_full_for(self, user: UserId, now_ms: int) -> bool:
        """Return whether there is no place for one more: of anybody's, or of this person's.

        People share places with those of their homeserver.
        """
        server = user.partition(":")[2]
        alive = [who for (who, _, _), running in self._running.items() if running.is_alive]
        near = sum(who.partition(":")[2] == server for who in alive)
        if len(alive) >= ALIVE_MAX or near >= ALIVE_OF_SERVER_MAX:
            return True
        return self._asked.wait(user, REQUESTS_MAX, now_ms) > 0

    def show(self, running: Running, state: Comparing) -> str:
        """Show the code to whoever has the ticket, which is returned."""
        running.ticket = secrets.token_urlsafe(16)
        running.shown = ShownVerification(
            state.exchange.them.user,
            state.code,
            EMOJI in state.choice.shown,
            DECIMAL in state.choice.shown,
            VerificationOutcome.COMPARING,
        )
        self._tickets[running.ticket] = running
        return running.ticket

    def forget_old(self, now_ms: int) -> None:
        """Forget what ended long ago."""
        for name, running in self:
            kept_ms = LIVES_MS + (SHOWN_MS if running.shown is not None else 0)
            if not running.is_alive and now_ms - running.began_ms >= kept_ms:
                del self._running[name]
                self._tickets.pop(running.ticket, None)
