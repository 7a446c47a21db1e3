"""Presence on the page: people whose page has been gone for a while count as gone.

Guests lose hand and floor. The host's absence is noted; what follows is a matter of the rules.
"""

import asyncio
from collections.abc import Callable
from typing import Protocol, TypeAlias

from spaces_bridge.app.registry import Spaces
from spaces_bridge.core import commands as cmd
from spaces_bridge.core.ids import SpaceId, UserId
from spaces_bridge.core.live_space import LiveSpace, Phase
from spaces_bridge.web.views import You

SEAT_KEPT_S = 30.0
"""Seconds that a guest's hand and floor outlast the last connection of the page."""

HOST_RELOADS_S = 5.0
"""A host's page that is back within so many seconds was never gone."""


class Timer(Protocol):
    """A timer: a call that is to happen later."""

    def cancel(self) -> None:
        """Cancel the call."""
        ...


CallLater: TypeAlias = Callable[[float, Callable[[], None]], Timer]
"""Makes a timer that calls the function after so many seconds."""


class Presence:
    """Presence: watches who is on the page (a `Watcher` of the hub).

    `call_later` sets the timers, by default the event loop's.
    """

    def __init__(
        self,
        spaces: Spaces,
        seat_kept_s: float = SEAT_KEPT_S,
        call_later: CallLater | None = None,
    ) -> None:
        self._spaces = spaces
        self._seat_kept_s = seat_kept_s
        self._host_reloads_s = min(seat_kept_s, HOST_RELOADS_S)
        self._call_later = call_later
        self._timers: dict[tuple[SpaceId, UserId], Timer] = {}
        self._is_over = False

    def start(self) -> None:
        """Give people who were here before a restart the same time to come back."""
        for space in self._spaces.open():
            if space.phase is Phase.LIVE:
                self._expect(space.space, space.host, self._seat_kept_s)
            for person in space.people.values():
                engaged = person.user in space.requests or space.role(person.user).may_speak
                if person.guest and engaged:
                    self._expect(space.space, person.user, self._seat_kept_s)

    def stop(self) -> None:
        """Cancel all timers: pages that close from now on do so because the server stops."""
        self._is_over = True
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()

    def arrived(self, space: SpaceId, you: You) -> None:
        if you.user is None:
            return
        timer = self._timers.pop((space, you.user), None)
        if timer is not None:
            timer.cancel()
        view = self._spaces.view(space)
        if view is not None and you.user == view.host and view.host_left_page:
            self._spaces.tell(space, cmd.NoteHostBack(you.user))

    def gone(self, space: SpaceId, you: You) -> None:
        view = self._spaces.view(space)
        if you.user is None or view is None:
            return
        if you.guest:
            self._expect(space, you.user, self._seat_kept_s)
        elif you.user == view.host:
            self._expect(space, you.user, self._host_reloads_s)

    def left(self, space: SpaceId, user: UserId) -> None:
        """Do nothing: leaving the room is not closing the page."""

    def removed(self, space: SpaceId, user: UserId) -> None:
        """Do nothing: the page is about to close, and the rules have taken hand and floor."""

    def _expect(self, space: SpaceId, user: UserId, within_s: float) -> None:
        call_later = self._call_later or asyncio.get_running_loop().call_later
        key = (space, user)
        if key not in self._timers and not self._is_over:
            self._timers[key] = call_later(within_s, lambda: self._give_up(space, user))

    def _give_up(self, space: SpaceId, user: UserId) -> None:
        self._timers.pop((space, user), None)
        view = self._spaces.view(space)
        if view is None:
            return
        if user == view.host:
            self._spaces.tell(space, cmd.NoteHostAway(user))
        else:
            self._give_up_guest(view, user)

    def _give_up_guest(self, space: LiveSpace, user: UserId) -> None:
        if not space.person(user).guest:
            return  # this person hosted when the page went
        if user in space.requests:
            self._spaces.tell(space.space, cmd.CancelRequest(user))
        elif space.role(user).may_speak:
            self._spaces.tell(space.space, cmd.LeaveStage(user))
