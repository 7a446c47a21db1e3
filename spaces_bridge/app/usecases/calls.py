"""Calls: who may join a live space's call, and who may publish a microphone there."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol, TypeAlias

from spaces_bridge.app.registry import Spaces, is_ghost
from spaces_bridge.app.usecases.refusals import no_such_space
from spaces_bridge.core import refusals
from spaces_bridge.core.ids import RoomId, SpaceId, UserId
from spaces_bridge.core.live_space import Phase
from spaces_bridge.core.rules.audio import no_floor

Bars: TypeAlias = Callable[[UserId, UserId], bool]
"""Whether a list keeps somebody (the second) out of the live spaces of a host (the first)."""

LEAVE_DELAY_MS: Final = range(15_000, 86_400_000 + 1)
"""How long a delayed leave may be delayed: long enough to be put off in time; a day at most."""


@dataclass(frozen=True, slots=True)
class CallPermit:
    """A permit to join a live space's call; `may_publish` a microphone, else only to listen.

    Who has the floor may publish, even if a mute or a doubt keeps them from being heard for now;
    where a mute ends publishing (see `Calls`), not while they are muted.
    """

    space: SpaceId
    room: RoomId
    user: UserId
    name: str
    may_publish: bool


@dataclass(frozen=True, slots=True)
class CallToken:
    """A token with which a device joins a call, and the address of the SFU that takes it."""

    url: str
    jwt: str


class CallTokenIssuer(Protocol):
    """The issuer of tokens for calls."""

    def issue(self, permit: CallPermit, device: str, member: str) -> CallToken:
        """Return a token for this device, "" for the newest clients.

        `member` is its MatrixRTC id, "" for older clients.
        """
        ...


class DelayedLeaves(Protocol):
    """The keeper of delayed leaves (MSC4140): they are put off while a device is connected."""

    async def delegate(
        self, permit: CallPermit, device: str, member: str, delay_id: str, delay_ms: int
    ) -> None:
        """Keep the delayed event `delay_id` from now on. Raises Rejected, AdapterError."""
        ...


def leave_delay_ms(asked: object) -> int:
    """Return the delay of a delayed leave that a request asks for.

    Raises TypeError, ValueError, with the reason: it is no whole number, or out of bounds.
    """
    if not isinstance(asked, int) or isinstance(asked, bool):
        raise TypeError("delay_timeout is missing, or no whole number of milliseconds.")
    if asked not in LEAVE_DELAY_MS:
        bounds = f"{LEAVE_DELAY_MS[0]} to {LEAVE_DELAY_MS[-1]}"
        raise ValueError(f"delay_timeout has to be {bounds} milliseconds.")
    return asked


class Calls:
    """The use case of joining calls: membership and floor of the live space decide.

    On a `strict` stage only people with the floor may be in the call, on any other all may listen.
    `mute_ends_publishing`: where clients hear each other by an SFU that is not ours, no gate of
    ours is between them, and only who may not publish cannot open the microphone again.
    """

    def __init__(
        self,
        spaces: Spaces,
        bars: Bars = lambda host, user: False,
        *,
        strict: bool = False,
        mute_ends_publishing: bool = False,
    ) -> None:
        self._spaces = spaces
        self._bars = bars
        self._strict = strict
        self._mute_ends_publishing = mute_ends_publishing

    async def permit_in(self, room: RoomId, user: UserId) -> CallPermit:
        """Return the permit for the live space of a room. Raises Rejected with the reason."""
        summary = await self._spaces.context.directory.by_room(room)
        if summary is None:
            raise no_such_space()
        permit = self.permit(summary.space, user)
        view = self._spaces.view(summary.space)
        # whoever is on a list is banned from the room, too, a moment later
        if view is not None and self._bars(view.host, user):
            raise refusals.removed()
        return permit

    def permit(self, space: SpaceId, user: UserId) -> CallPermit:
        """Return the permit as the live space is now. Raises Rejected with the reason."""
        view = self._spaces.view(space)
        if view is None or view.room is None:
            raise no_such_space()
        person = view.person(user)
        if view.private and not person.joined:
            raise no_such_space()
        if view.phase is not Phase.LIVE:
            raise refusals.ended() if view.phase is Phase.ENDED else refusals.not_live()
        if user in view.removed:
            raise refusals.removed()
        if not person.joined or self._is_our_own(user):
            raise refusals.not_joined()
        may_publish = view.role(user).may_speak and user not in view.closing
        if self._strict and not may_publish:
            raise no_floor()
        if self._mute_ends_publishing and user in view.muted:
            may_publish = False
        return CallPermit(space, view.room, user, person.name, may_publish)

    def _is_our_own(self, user: UserId) -> bool:
        """Return whether it is the bot or a guest's ghost: nobody joins a call as one of those."""
        settings = self._spaces.context.settings
        return user == settings.bot or is_ghost(user, settings.domain)
