"""Calls: who may join a live space's call, and who may publish a microphone there."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from spaces_bridge.app.registry import Spaces, is_ghost
from spaces_bridge.core import refusals
from spaces_bridge.core.errors import Rejected
from spaces_bridge.core.ids import RoomId, SpaceId, UserId
from spaces_bridge.core.live_space import LiveSpace, Phase
from spaces_bridge.core.rules.audio import refuse_unless_may_speak

Bars: TypeAlias = Callable[[UserId, UserId], bool]
"""Whether a list keeps somebody (the second) out of the live spaces of a host (the first)."""


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


@dataclass(frozen=True, slots=True)
class CallToken:
    """A token with which a device joins a call, and the address of the SFU that takes it."""

    url: str
    jwt: str


class CallTokenIssuer(Protocol):
    """The issuer of tokens for calls."""

    def issue(self, permit: CallPermit, device: str, member: str) -> CallToken:
        """Return a token for this device; `member` is its MatrixRTC id, "" for older clients."""
        ...


class DelayedLeaves(Protocol):
    """The keeper of delayed leaves (MSC4140): they are put off while a device is connected."""

    async def delegate(
        self, permit: CallPermit, device: str, member: str, delay_id: str, delay_ms: int
    ) -> None:
        """Keep the delayed event `delay_id` from now on. Raises Rejected, AdapterError."""
        ...


class Calls:
    """The use case of joining calls: membership and floor of the live space decide."""

    def __init__(self, spaces: Spaces, bars: Bars = lambda host, user: False) -> None:
        self._spaces = spaces
        self._bars = bars

    async def permit_in(self, room: RoomId, user: UserId) -> CallPermit:
        """Return the permit for the live space of a room. Raises Rejected with the reason."""
        summary = await self._spaces.context.directory.by_room(room)
        if summary is None:
            raise Rejected("no_such_space", "There is no live space in that room.")
        permit = self.permit(summary.space, user)
        view = self._spaces.view(summary.space)
        # whoever is on a list is banned from the room, too, a moment later
        if view is not None and self._bars(view.host, user):
            raise refusals.removed()
        return permit

    def permit(self, space: SpaceId, user: UserId) -> CallPermit:
        """Return the permit as the live space is now. Raises Rejected with the reason."""
        view = self._spaces.view(space)
        if view is None or view.room is None or view.phase is not Phase.LIVE:
            raise Rejected("not_live", "This live space has not started, or it is over.")
        person = view.person(user)
        if user in view.removed:
            raise refusals.removed()
        if not person.joined or self._is_our_own(user):
            raise Rejected("not_joined", "Join the live space's room first.")
        has_floor = view.role(user).may_speak and user not in view.closing
        may_publish = _may_publish(view, user)
        return CallPermit(space, view.room, user, person.name, may_publish, has_floor)

    def _is_our_own(self, user: UserId) -> bool:
        """Return whether it is the bot or a guest's ghost: nobody joins a call as one of those."""
        settings = self._spaces.context.settings
        return user == settings.bot or is_ghost(user, settings.domain)


def _may_publish(view: LiveSpace, user: UserId) -> bool:
    try:
        refuse_unless_may_speak(view, user)
    except Rejected:
        return False
    return True
