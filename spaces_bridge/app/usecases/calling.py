"""Use case: listening by a call to the bot, and being called by it."""

from collections.abc import Callable, Sequence
from typing import Final

from spaces_bridge.app import tasks
from spaces_bridge.app.notes.plain_calls import CallsWanted
from spaces_bridge.app.registry import Spaces
from spaces_bridge.app.usecases.calls import Bars
from spaces_bridge.app.usecases.refusals import no_such_space
from spaces_bridge.core import refusals
from spaces_bridge.core.access import GuestPolicy
from spaces_bridge.core.errors import Rejected
from spaces_bridge.core.ids import SpaceId, UserId
from spaces_bridge.core.live_space import LiveSpace, Phase
from spaces_bridge.pacing.keyed_locks import KeyedLocks

WANTED_MAX: Final = 200
"""People who are called when a live space goes live; more have the direct message."""
ANSWERS_KEPT: Final = 10_000
"""Remembered answers about whether a list bars somebody."""


class Calling:
    """The use case of calls to and by the bot. `bars` says whom a list keeps from whose spaces."""

    def __init__(self, spaces: Spaces, bars: Bars) -> None:
        self._spaces = spaces
        self._notes = spaces.context.notes
        self._clock = spaces.context.clock
        self._bars = bars
        self._barred: dict[tuple[UserId, UserId], bool] = {}
        self._watchers: list[Callable[[], None]] = []
        self._is_in_call: Callable[[UserId], bool] = lambda _: False
        self._locks = KeyedLocks()

    def watch(self, changed: Callable[[], None]) -> None:
        """Call back whenever a list may have made other people listeners or strangers."""
        self._watchers.append(changed)

    def ask_about_calls(self, is_in_call: Callable[[UserId], bool]) -> None:
        """Ask this from now on whether a person is in a call already."""
        self._is_in_call = is_in_call

    def lists_changed(self) -> None:
        """Ask the lists anew from now on."""
        self._barred.clear()
        for changed in self._watchers:
            changed()

    # --- listening -----------------------------------------------------------------------------

    def refuse_unless_may_come_in(self, space: SpaceId, user: UserId) -> None:
        """Raise Rejected when an account may not begin to hear the live space as it is now.

        The page's rule for accounts: as `refuse_unless_may_stay`, and who is not in the room
        does not come in while it is locked.
        """
        view = self._staying(space, user)
        self._refuse_newcomer(view, user)

    def refuse_unless_may_stay(self, space: SpaceId, user: UserId) -> None:
        """Raise Rejected when an account may not hear the live space any more.

        A private one exists for members alone; where guests are off nobody hears it who is not
        in the room. A lock keeps newcomers out, and sends nobody away.
        """
        self._staying(space, user)

    def _staying(self, space: SpaceId, user: UserId) -> LiveSpace:
        view = self._spaces.view(space)
        if view is None or view.phase is Phase.ENDED:
            raise refusals.ended()
        self._refuse_stranger(view, user)
        if view.phase is not Phase.LIVE:
            raise refusals.not_live()
        return view

    def _refuse_stranger(self, view: LiveSpace, user: UserId) -> None:
        self._refuse_outsider(view, user)
        if view.guests is GuestPolicy.OFF and not _belongs(view, user):
            raise refusals.not_joined()

    def _refuse_outsider(self, view: LiveSpace, user: UserId) -> None:
        if view.private and not _belongs(view, user):
            raise no_such_space()
        self._refuse_shown_out(view, user)

    def _refuse_newcomer(self, view: LiveSpace, user: UserId) -> None:
        if view.locked and not _belongs(view, user):
            raise refusals.locked()

    def _refuse_shown_out(self, view: LiveSpace, user: UserId) -> None:
        if user in view.removed or self._is_barred(view.host, user):
            raise refusals.removed()

    def _is_barred(self, host: UserId, user: UserId) -> bool:
        """Return what the lists say; remembered, as they may be long and calls ask often."""
        key = (host, user)
        if key not in self._barred:
            if len(self._barred) >= ANSWERS_KEPT:
                self._barred.clear()
            self._barred[key] = self._bars(host, user)
        return self._barred[key]

    def may_come_in(self, space: LiveSpace, user: UserId) -> bool:
        """Return whether an account may begin to hear the live space now."""
        try:
            self.refuse_unless_may_come_in(space.space, user)
        except Rejected:
            return False
        return True

    def known(self, user: UserId) -> Sequence[LiveSpace]:
        """Return the live spaces that an account may be told of, oldest first.

        Neither others' private ones nor those that it was shown out of, by a host or by a list.
        """
        return [space for space in self._spaces.open() if self._may_know_of(space, user)]

    def _may_know_of(self, space: LiveSpace, user: UserId) -> bool:
        try:
            self._refuse_outsider(space, user)
        except Rejected:
            return False
        return True

    def audible(self, user: UserId) -> Sequence[LiveSpace]:
        """Return the live spaces that are live and that an account may come into, oldest first."""
        return [space for space in self._spaces.open() if self.may_come_in(space, user)]

    # --- being called --------------------------------------------------------------------------

    def refuse_in_call(self, user: UserId) -> None:
        """Raise Rejected when a person is in a call with the bot, or is being called."""
        if self._is_in_call(user):
            raise Rejected("in_call", "You are in a call with me already.")

    async def call_me(self, space: LiveSpace, user: UserId, source: str) -> bool:
        """Have the bot call somebody: now if it is live (True), else when it goes live (False).

        Raises Rejected, StorageError. `source` names the request, which counts once.
        """
        if space.phase is Phase.ENDED:
            raise refusals.ended()
        if space.phase is Phase.LIVE:
            self._refuse_stranger(space, user)
            self._refuse_newcomer(space, user)
            self.refuse_in_call(user)
            task = tasks.CallPerson(space.space, user, self._clock.now_ms())
            await self._spaces.enqueue_task(task, f"call:{source}")
            return True
        self._refuse_shown_out(space, user)  # the rest is asked when it is live
        await self._change(space.space, user, wanted=True)
        return False

    async def do_not_call(self, space: SpaceId, user: UserId) -> None:
        """Take back `call_me`. Raises StorageError."""
        await self._change(space, user, wanted=False)

    async def _change(self, space: SpaceId, user: UserId, *, wanted: bool) -> None:
        async with self._locks.holding(space):
            note = await self._notes.get(CallsWanted.key(space))
            before = note.users if note is not None else ()
            others = tuple(other for other in before if other != user)
            if wanted and len(others) >= WANTED_MAX:
                raise Rejected(
                    "too_many_calls", "Too many people are to be called then. Call me instead."
                )
            after = (*others, user) if wanted else others
            if after:
                await self._notes.put(CallsWanted(space, after))
            else:
                await self._notes.drop(CallsWanted.key(space))


def _belongs(view: LiveSpace, user: UserId) -> bool:
    return user == view.host or view.person(user).joined
