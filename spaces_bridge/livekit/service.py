"""Calls as one service: what the composition root makes, mounts, starts and stops."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from aiohttp import web

from spaces_bridge.app.call_ports import CallPresence, DelayedEvents, RoomSecrecy
from spaces_bridge.app.ports import Identities, NoteStore
from spaces_bridge.app.supervisor import TaskSupervisor
from spaces_bridge.app.usecases.calls import Calls, CallTokenIssuer, DelayedLeaves
from spaces_bridge.livekit.authoriser import Authoriser
from spaces_bridge.livekit.delayed_leaves import LeaveKeeper
from spaces_bridge.livekit.http import AuthoriserServer
from spaces_bridge.livekit.issuer import CountedTokens
from spaces_bridge.livekit.numbers import NumberReader, Numbers
from spaces_bridge.livekit.tokens import TokenSigner

BELOW = "/livekit"
"""Where all of it is mounted, below the listener's own prefix."""


class Routes(Protocol):
    """A part of calls that has addresses of its own, such as the signalling."""

    def routes(self, router: web.UrlDispatcher, prefix: str) -> None:
        """Add the addresses below `prefix`."""
        ...


class CallEngine(Protocol):
    """The engine that carries calls, from the start of the service to its stop."""

    def start(self) -> None:
        """Begin."""
        ...

    async def stop(self) -> None:
        """End: the bridge stops. Safe to repeat."""
        ...

    def hint(self, room: str) -> None:
        """Take note that a webhook has told something of the LiveKit room of this name."""
        ...


@dataclass(frozen=True, slots=True)
class CallDependencies:
    """What calls need of the rest.

    `address_of` gives the network that a request comes from, as limits count by it; `domain` is
    that of our own homeserver. `engine` carries the calls, where there is one. `numbers` are those
    of the parts that are made elsewhere.
    """

    calls: Calls
    identities: Identities
    secrecy: RoomSecrecy
    presence: CallPresence
    events: DelayedEvents
    notes: NoteStore
    tasks: TaskSupervisor
    address_of: Callable[[web.Request], str]
    domain: str
    engine: CallEngine | None = None
    numbers: Sequence[NumberReader] = ()


class LiveKitService:
    """The service of calls: the authoriser, delegated leaves, and the `parts` mounted beside."""

    def __init__(
        self,
        tokens: CallTokenIssuer,
        signer: TokenSigner,
        needs: CallDependencies,
        parts: Sequence[Routes] = (),
    ) -> None:
        """`signer` reads what a LiveKit server has signed."""
        self._tokens = CountedTokens(tokens)
        now = asyncio.get_running_loop().time
        self._keeper = LeaveKeeper(needs.presence, needs.events, needs.notes, now, needs.domain)
        self._authoriser = Authoriser(
            needs.calls, needs.identities, needs.secrecy, self._tokens, self._keeper
        )
        self._tasks = needs.tasks
        self._engine = needs.engine
        self._numbers = needs.numbers
        hint = needs.engine.hint if needs.engine is not None else _unheard
        server = AuthoriserServer(self._authoriser, signer, needs.address_of, hint)
        self._parts = (server, *parts)

    @property
    def tokens(self) -> CallTokenIssuer:
        """The issuer of tokens."""
        return self._tokens

    @property
    def leaves(self) -> DelayedLeaves:
        """The keeper of delayed leaves."""
        return self._keeper

    def routes(self, router: web.UrlDispatcher, prefix: str) -> None:
        """Add all addresses of calls to the listener's router, below its `prefix`."""
        for part in self._parts:
            part.routes(router, prefix + BELOW)

    async def numbers(self) -> Numbers:
        """Return the numbers for the metrics."""
        refused = self._authoriser.refused
        found: dict[str, float | Mapping[str, float]] = {
            "tokens": self._tokens.issued,
            "tokens_refused": {reason: float(number) for reason, number in refused.items()},
            "leaves": len(self._keeper),
            "leaves_failing": self._keeper.failing,
            "leaves_sent": self._keeper.sent,
        }
        for read in self._numbers:
            found.update(read())
        return found

    def start(self) -> None:
        """Start the engine, and to look after delegated leaves."""
        if self._engine is not None:
            self._engine.start()
        self._tasks.keep("delegated leaves", self._keeper.run)

    async def stop(self) -> None:
        """Stop, and note which leaves are looked after. Safe to repeat."""
        await self._tasks.stop("delegated leaves")  # first: nobody who is sent away has left
        if self._engine is not None:
            await self._engine.stop()
        await self._keeper.save()


def _unheard(_room: str) -> None:
    """Do nothing with what a webhook tells."""
