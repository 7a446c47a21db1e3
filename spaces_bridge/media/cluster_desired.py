"""What the app wants of all live spaces, for media workers that are still to come."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Final

from spaces_bridge.app.registry import is_ghost
from spaces_bridge.core.ids import SpaceId, UserId
from spaces_bridge.media import messages
from spaces_bridge.media.desired import DesiredSpace
from spaces_bridge.media.nodes.limits import MOST_SPACES
from spaces_bridge.media.stage import WorkerStage
from spaces_bridge.media.worker.values import StreamDirection


@dataclass(slots=True)
class _Ended:
    """Whose connections of before have ended in a live space: these users', and all guests'."""

    users: set[UserId] = field(default_factory=set)
    guests: bool = False


_NOBODY: Final = _Ended()


class DesiredSpaces:
    """The wants: live spaces with their gates, and whose earlier connections have ended.

    `domain` is our own. Times are the loop's, in seconds.
    """

    def __init__(self, domain: str) -> None:
        self._domain = domain
        self._wanted: dict[SpaceId, DesiredSpace] = {}
        self._ended: dict[SpaceId, _Ended] = {}

    @property
    def spaces(self) -> Collection[SpaceId]:
        """The live spaces that are open."""
        return self._wanted.keys()

    def open(self, space: SpaceId, elapsed_ms: int, now: float) -> None:
        """Note a live space; a known one stays as it is."""
        self._wanted.setdefault(space, DesiredSpace(elapsed_ms, now))

    def close(self, space: SpaceId) -> None:
        """Forget a live space that is over."""
        self._wanted.pop(space, None)
        self._ended.pop(space, None)

    def gates(self, space: SpaceId, users: Collection[UserId]) -> None:
        """Note who is on air."""
        if space in self._wanted:
            self._wanted[space].on_air = set(users)

    def volumes(self, space: SpaceId, volumes: Mapping[UserId, int]) -> None:
        """Note how loud people are heard."""
        if space in self._wanted:
            self._wanted[space].volumes = volumes

    def gate(self, space: SpaceId, user: UserId, *, is_open: bool) -> None:
        """Note whether one person is on air."""
        if space not in self._wanted:
            return
        if is_open:
            self._wanted[space].on_air.add(user)
        else:
            self._wanted[space].on_air.discard(user)

    def is_on_air(self, space: SpaceId, user: UserId) -> bool:
        """Return whether the person's gate is open."""
        return space in self._wanted and user in self._wanted[space].on_air

    def listening_ended(self, space: SpaceId, user: UserId) -> None:
        """Note that the person's connections of before have ended.

        After a start of the bridge this is said before the live space is opened.
        """
        self._ended_in(space).users.add(user)

    def guests_ended(self, space: SpaceId) -> None:
        """Note that all guests' connections of before have ended, as above."""
        self._ended_in(space).guests = True

    def may_stay(self, seat: messages.PeerSeat) -> bool:
        """Return whether an earlier run's peer, which a node that came later has, may go on."""
        ended = self._ended.get(seat.space, _NOBODY)
        if ended.guests and is_ghost(seat.user, self._domain):
            return False
        return seat.direction is StreamDirection.LISTEN and seat.user not in ended.users

    def bring(self, stage: WorkerStage, now: float) -> None:
        """Tell a new worker's stage all that is wanted."""
        for space, wanted in self._wanted.items():
            stage.open_space(space, wanted.elapsed_now_ms(now))
            stage.set_volumes(space, wanted.volumes)
            stage.set_gates(space, wanted.on_air)

    def _ended_in(self, space: SpaceId) -> _Ended:
        """Return what has ended in a live space; of those never opened the oldest is forgotten."""
        if space not in self._ended and len(self._ended) >= MOST_SPACES:
            unopened = (each for each in self._ended if each not in self._wanted)
            self._ended.pop(next(unopened, space), None)
        return self._ended.setdefault(space, _Ended())
