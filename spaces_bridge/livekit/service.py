"""Calls as one service: what the composition root makes, mounts, starts and stops."""

import asyncio
from collections.abc import Callable, Sequence
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
from spaces_bridge.livekit.tokens import TokenSigner

BELOW = "/livekit"
"""Where all of it is mounted, below the listener's own prefix."""


class Routes(Protocol):
    """A part of calls that has addresses of its own, such as the signalling."""

    def routes(self, router: web.UrlDispatcher, prefix: str) -> None:
        """Add the addresses below `prefix`."""
        ...


@dataclass(frozen=True, slots=True)
class Dependencies:
    """What calls need of the rest.

    `address_of` gives the network that a request comes from, as limits count by it; `domain` is
    that of our own homeserver. `start` begins what else there is to calls, and `hang_up` ends all,
    when the bridge stops. `hint` is told the LiveKit rooms that webhooks are about.
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
    start: Callable[[], None] = lambda: None
    hang_up: Callable[[], None] = lambda: None
    hint: Callable[[str], None] = lambda room: None


class LiveKitService:
    """The service of calls: the authoriser, delegated leaves, and the `parts` mounted beside."""

    def __init__(
        self,
        tokens: CallTokenIssuer,
        signer: TokenSigner,
        needs: Dependencies,
        parts: Sequence[Routes] = (),
    ) -> None:
        """`signer` reads what a LiveKit server has signed."""
        self._tokens = tokens
        now = asyncio.get_running_loop().time
        self._keeper = LeaveKeeper(needs.presence, needs.events, needs.notes, now, needs.domain)
        authoriser = Authoriser(
            needs.calls, needs.identities, needs.secrecy, self._tokens, self._keeper
        )
        self._tasks = needs.tasks
        self._start, self._hang_up = needs.start, needs.hang_up
        server = AuthoriserServer(authoriser, signer, needs.address_of, needs.hint)
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

    def start(self) -> None:
        """Start to look after delegated leaves, and what else there is to calls."""
        self._start()
        self._tasks.keep("delegated leaves", self._keeper.run)

    async def stop(self) -> None:
        """Stop, and note which leaves are looked after. Safe to repeat."""
        await self._tasks.stop("delegated leaves")  # first: nobody who is sent away has left
        self._hang_up()
        await self._keeper.save()
