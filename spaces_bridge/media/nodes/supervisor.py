"""The supervision of a media worker on another machine: by the link that its node dials.

The node keeps the worker alive, and its peers' resume records, which never leave it. Here is known
which peers there are, and nothing is taken of a node that is not about its own.
"""

import asyncio
import logging
from collections.abc import Callable

from spaces_bridge.app.errors import AdapterError
from spaces_bridge.core.ids import SpaceId, UserId
from spaces_bridge.media import messages
from spaces_bridge.media.nodes.checks import admitted, admitted_state, strangers
from spaces_bridge.media.nodes.messages import BeHome, NodeMessage, WorkerAttached
from spaces_bridge.media.nodes.signed_peer_ids import SignedPeerIds
from spaces_bridge.media.nodes.socket import NodeSocket
from spaces_bridge.media.supervision import OnAttached, OnMessage

log = logging.getLogger(__name__)


class RemoteSupervisor:
    """A remote supervisor implements `Supervision` for as long as its node is known.

    `may_stay`: whether the peer of an earlier run, which the node tells of, may go on;
    `is_on_air`: whether a person's gate is open, without which no sound is taken as theirs.
    """

    def __init__(
        self,
        names: SignedPeerIds,
        may_stay: Callable[[messages.PeerSeat], bool],
        is_on_air: Callable[[SpaceId, UserId], bool],
        on_message: OnMessage,
        on_attached: OnAttached,
    ) -> None:
        self._names, self._may_stay, self._is_on_air = names, may_stay, is_on_air
        self._on_message, self._on_attached = on_message, on_attached
        self._link: NodeSocket | None = None
        self._attached = asyncio.Event()
        self._is_home = False
        self.restarts = 0
        """The number of times the node had to replace its worker."""

    # --- Supervision ---

    @property
    def port(self) -> int:
        """Part of `Supervision`."""
        raise AdapterError("The port of a media worker on another machine is known there.")

    @property
    def pid(self) -> int | None:
        """Part of `Supervision`."""
        return None

    @property
    def is_attached(self) -> bool:
        """Part of `Supervision`."""
        return self._attached.is_set()

    async def attached(self, timeout: float) -> None:
        """Part of `Supervision`."""
        try:
            await asyncio.wait_for(self._attached.wait(), timeout)
        except TimeoutError as problem:
            raise AdapterError("The sound is away. Try again in a moment.") from problem

    async def start(self) -> None:
        """Part of `Supervision`: the node dials by itself."""

    async def stop(self) -> None:
        """Part of `Supervision`. The node's peers go on: it waits for the next bridge."""
        self._attached.clear()
        if self._link is not None:
            self._link.end()

    def send(self, message: messages.ToMediaWorker) -> None:
        """Part of `Supervision`."""
        if self._link is not None and self._attached.is_set():
            self._link.send(message)

    def forget(self, peer: str) -> None:
        """Part of `Supervision`: a node forgets whom it closes."""
        self.send(messages.ClosePeer(peer))

    # --- the link ---

    def connected(self, link: NodeSocket) -> None:
        """Go on over this link, which takes the place of any other."""
        if self._link is not None:
            self._link.end()
        self._attached.clear()
        self._link = link
        link.send(BeHome(self._is_home))

    def lost(self, link: NodeSocket) -> None:
        """Note that this link has ended."""
        if self._link is link:
            self._link = None
            self._attached.clear()

    def be_home(self, on: bool) -> None:
        """Take levels, speakers' sound and the shared mix of this worker, or no longer."""
        self._is_home = on
        if self._link is not None:
            self._link.send(BeHome(on))

    def heard(self, link: NodeSocket, message: messages.MediaMessage | NodeMessage) -> None:
        """Take a message of the node's. Raises BadMessage for what no node says."""
        if self._link is not link:
            return  # another one has taken its place
        if isinstance(message, WorkerAttached):
            self._take(message)
        elif isinstance(message, messages.MediaMessage) and self._attached.is_set():
            taken = admitted(message, self._names, is_home=self._is_home)
            if taken is not None and self._is_of_now(taken):
                self._on_message(taken)

    def _is_of_now(self, message: messages.FromMediaWorker) -> bool:
        """Return whether there is anybody it can be about: of sound is noted whose it was."""
        return not isinstance(message, messages.SpeakerAudio) or self._is_on_air(
            message.space, message.user
        )

    def _take(self, told: WorkerAttached) -> None:
        own = admitted_state(told, self._names)
        alien = strangers(told, self._names)
        if alien:
            log.warning("a media node tells of %d peers that are not its own", len(alien))
        seats = (*own.hello.peers, *own.kept)
        leaving = {seat.peer for seat in seats if not self._may_stay(seat)}
        staying = tuple(seat for seat in own.hello.peers if seat.peer not in leaving)
        self.restarts = max(0, told.restarts)
        self._attached.set()
        for peer in (*alien, *leaving):
            self.forget(peer)
        records = {
            seat.peer: messages.Record(seat.peer, seat.space, seat.user, seat.direction, b"")
            for seat in own.kept
            if seat.peer not in leaving
        }
        self._on_attached(messages.Hello(own.hello.pid, own.hello.gates, staying), records)
