"""The media sessions that the control process knows of: a record for each peer of the worker."""

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass

from spaces_bridge.app.registry import is_ghost
from spaces_bridge.core.ids import SpaceId, UserId
from spaces_bridge.media import messages
from spaces_bridge.media.worker.values import PeerPhase, StreamDirection


@dataclass(frozen=True, slots=True)
class Session:
    """A session is one peer: whose, which way its sound flows, and how far it is.

    Of a two-way peer: `speaks` if its microphone is its user's; of a call's, `listens` if it gets
    streams.
    """

    space: SpaceId
    user: UserId
    direction: StreamDirection
    phase: PeerPhase
    is_cut: bool = False
    speaks: bool = False
    listens: bool = False

    @classmethod
    def seated(
        cls, seat: messages.PeerSeat | messages.PeerChanged, *, is_cut: bool = False
    ) -> "Session":
        """Make the session that the worker tells of."""
        return cls(
            seat.space, seat.user, seat.direction, seat.phase, is_cut, seat.speaks, seat.listens
        )

    @property
    def is_call(self) -> bool:
        """Whether it is a call's."""
        return self.direction is StreamDirection.CALL

    @property
    def is_duplex(self) -> bool:
        """Whether it is a plain call's."""
        return self.direction is StreamDirection.DUPLEX

    @property
    def is_microphone(self) -> bool:
        """Whether its user is heard by it, as soon as the gate is open."""
        return self.direction is StreamDirection.SPEAK or self.speaks

    @property
    def is_listening(self) -> bool:
        """Whether its user hears by it now: it counts as a listener."""
        hears = self.direction.hears_mix or self.listens
        return hears and self.phase is PeerPhase.CONNECTED


class PeerSessions(dict[str, Session]):
    """The sessions by their id, which is also their peer's."""

    def of(self, space: SpaceId, user: UserId) -> Iterator[tuple[str, Session]]:
        """Return the sessions of one person in a live space."""
        for peer, session in list(self.items()):
            if (session.space, session.user) == (space, user):
                yield peer, session

    def of_guests(self, space: SpaceId, domain: str) -> list[str]:
        """Return the ids of guests' sessions; `domain` is our own."""
        return [
            peer
            for peer, session in self.items()
            if session.space == space and is_ghost(session.user, domain)
        ]

    def microphones(self, space: SpaceId, user: UserId) -> list[str]:
        """Return the ids of one person's microphones."""
        return [peer for peer, session in self.of(space, user) if session.is_microphone]

    def listening(self, space: SpaceId) -> int:
        """Return the number of those that listen."""
        return sum(each.space == space and each.is_listening for each in self.values())

    def note(self, peer: str, session: Session) -> list[str]:
        """Keep a session as it is now; a microphone takes the place of its user's other.

        Return the sessions whose place was taken.
        """
        self[peer] = session
        replaced = list[str]()
        if session.is_microphone and session.phase is PeerPhase.CONNECTED:
            for other, before in self.of(session.space, session.user):
                if other != peer and before.speaks:
                    self[other] = dataclasses.replace(before, speaks=False)
                    replaced.append(other)
        return replaced
