"""Calls: who may join a live space's call, and who may publish a microphone there."""

from dataclasses import dataclass

from spaces_bridge.app.registry import Spaces
from spaces_bridge.core.errors import Rejected
from spaces_bridge.core.ids import RoomId, SpaceId, UserId
from spaces_bridge.core.live_space import LiveSpace, Phase
from spaces_bridge.core.rules.audio import refuse_unless_may_speak


@dataclass(frozen=True, slots=True)
class CallPermit:
    """A permit to join a live space's call; `may_publish` a microphone, else only to listen.

    `has_floor`: the person has the floor, even if a mute or a doubt keeps them from being heard.
    """

    space: SpaceId
    room: RoomId
    user: UserId
    name: str
    may_publish: bool
    has_floor: bool = False


class Calls:
    """The use case of joining calls: membership and floor of the live space decide."""

    def __init__(self, spaces: Spaces) -> None:
        self._spaces = spaces

    async def permit_in(self, room: RoomId, user: UserId) -> CallPermit:
        """Return the permit for the live space of a room. Raises Rejected with the reason."""
        summary = await self._spaces.world.directory.by_room(room)
        if summary is None:
            raise Rejected("no_such_space", "There is no live space in that room.")
        return self.permit(summary.space, user)

    def permit(self, space: SpaceId, user: UserId) -> CallPermit:
        """Return the permit as the live space is now. Raises Rejected with the reason."""
        view = self._spaces.view(space)
        if view is None or view.room is None or view.phase is not Phase.LIVE:
            raise Rejected("not_live", "This live space has not started, or it is over.")
        person = view.person(user)
        if user in view.removed or not person.joined:
            raise Rejected("not_joined", "Join the live space's room first.")
        has_floor = view.role(user).may_speak and user not in view.closing
        may_publish = _may_publish(view, user)
        return CallPermit(space, view.room, user, person.name, may_publish, has_floor)


def _may_publish(view: LiveSpace, user: UserId) -> bool:
    try:
        refuse_unless_may_speak(view, user)
    except Rejected:
        return False
    return True
