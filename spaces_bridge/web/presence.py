"""Guests are where their page is: when it has been gone for a while, so have they."""

import asyncio

from spaces_bridge.app.registry import Spaces
from spaces_bridge.core import commands as cmd
from spaces_bridge.core.ids import SpaceId, UserId
from spaces_bridge.web.views import You

SEAT_KEPT_S = 30.0
"""How long hand and floor of a guest outlast the last connection of the page."""


class Presence:
    """Lowers the hand and takes the floor of guests who left (a ``Watcher`` of the hub)."""

    def __init__(self, spaces: Spaces, seat_kept_s: float = SEAT_KEPT_S) -> None:
        self._spaces = spaces
        self._seat_kept_s = seat_kept_s
        self._timers: dict[tuple[SpaceId, UserId], asyncio.TimerHandle] = {}

    def start(self) -> None:
        """Guests of before a restart have the same time to come back."""
        for space in self._spaces.open():
            for person in space.people.values():
                engaged = person.user in space.requests or space.role(person.user).may_speak
                if person.guest and engaged:
                    self._expect(space.space, person.user)

    def stop(self) -> None:
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()

    def arrived(self, space: SpaceId, you: You) -> None:
        if you.user is not None:
            timer = self._timers.pop((space, you.user), None)
            if timer is not None:
                timer.cancel()

    def gone(self, space: SpaceId, you: You) -> None:
        if you.user is not None and you.guest:
            self._expect(space, you.user)

    def left(self, space: SpaceId, user: UserId) -> None:
        """Nothing: a room is not a page."""

    def removed(self, space: SpaceId, user: UserId) -> None:
        """Nothing: guests are not in private live spaces."""

    def _expect(self, space: SpaceId, user: UserId) -> None:
        loop = asyncio.get_running_loop()
        key = (space, user)
        if key not in self._timers:
            self._timers[key] = loop.call_later(self._seat_kept_s, self._give_up, space, user)

    def _give_up(self, space: SpaceId, user: UserId) -> None:
        self._timers.pop((space, user), None)
        view = self._spaces.view(space)
        if view is None:
            return
        if user in view.requests:
            self._spaces.tell(space, cmd.CancelRequest(user))
        elif view.role(user).may_speak:
            self._spaces.tell(space, cmd.LeaveStage(user))
