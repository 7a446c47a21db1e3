"""Live spaces that are over, whose duplex peers stay for a while: they hear a last prompt."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from spaces_bridge.core.ids import SpaceId
from spaces_bridge.media.worker.edge.edge import Edge
from spaces_bridge.media.worker.mix.space_mix import SpaceMix
from spaces_bridge.media.worker.values import Member, PeerPhase, StreamDirection

FAREWELL_S: Final = 10.0
"""Duplex peers that nobody has hung up by then are."""


@dataclass(frozen=True, slots=True)
class _Farewell:
    mix: SpaceMix
    until: float


class Farewells:
    """The farewells of a worker, whose `members` they share. Times are monotonic seconds."""

    def __init__(self, edge: Edge, members: Mapping[str, Member]) -> None:
        self._edge, self._members = edge, members
        self._over: dict[SpaceId, _Farewell] = {}

    def mix_of(self, space: SpaceId) -> SpaceMix | None:
        """Return what is left of the mix of a live space that is over."""
        farewell = self._over.get(space)
        return farewell.mix if farewell is not None else None

    @property
    def mixes(self) -> Iterable[SpaceMix]:
        """All mixes: nobody is heard in them."""
        return [each.mix for each in self._over.values()]

    def begin(self, space: SpaceId, mix: SpaceMix | None, now: float) -> None:
        """Hang up on all who are in a live space that is over, but for connected duplex peers."""
        states, stay = self._edge.peers(), False
        for peer in self._of(space):
            state = states.get(peer)
            is_duplex = self._members[peer].direction is StreamDirection.DUPLEX
            if mix is None or not is_duplex or state is None or state.phase is PeerPhase.NEW:
                self._edge.close(peer)
            else:
                mix.mute(peer, self._members[peer].user)
                stay = True
        if mix is not None and stay:
            self._over[space] = _Farewell(mix, now + FAREWELL_S)

    def end(self, space: SpaceId) -> None:
        """Hang up on who is left, if there was a farewell."""
        if self._over.pop(space, None) is not None:
            for peer in self._of(space):
                self._edge.close(peer)

    def look(self, now: float) -> None:
        """End what has lasted long enough."""
        for space, each in list(self._over.items()):
            if now >= each.until:
                self.end(space)

    def _of(self, space: SpaceId) -> list[str]:
        return [peer for peer, member in self._members.items() if member.space == space]
