"""What a media worker is to take from rooms at an SFU, and whether it is to publish there.

Wanted state, told to the worker again after each restart. Which tracks these are, and in which
rooms, is the relay's.
"""

from collections.abc import Callable
from typing import Protocol

from spaces_bridge.core.ids import SpaceId, UserId
from spaces_bridge.media import messages


class RelayedSounds(Protocol):
    """The worker's side of a relay: whose sound it takes, and where it publishes."""

    def use(self, space: SpaceId, user: UserId) -> None:
        """Take the user's sound from a room from now on, in place of any other microphone."""
        ...

    def drop(self, space: SpaceId, user: UserId) -> None:
        """Take it no longer."""
        ...

    def publish(self, space: SpaceId, on: bool) -> None:
        """Hand the sound of people who speak on the page to the SFU client, or no longer."""
        ...

    def attend_replaced(self, replaced: Callable[[SpaceId, UserId], None]) -> None:
        """Set who is told that a peer of the user's has become their microphone instead."""
        ...


class RoomSounds:
    """The room sounds of one media worker, which it is told by `send`. See `RelayedSounds`."""

    def __init__(self, send: Callable[[messages.ToMediaWorker], None]) -> None:
        self._send = send
        self._used: set[tuple[SpaceId, UserId]] = set()
        self._known: set[tuple[SpaceId, UserId]] = set()
        """Whom the worker may use still: all that were, since it was told of their live space."""
        self._published: set[SpaceId] = set()
        self._tell_replaced: Callable[[SpaceId, UserId], None] = _tell_nobody

    def attend_replaced(self, replaced: Callable[[SpaceId, UserId], None]) -> None:
        """Part of `RelayedSounds`."""
        self._tell_replaced = replaced

    def has(self, space: SpaceId, user: UserId) -> bool:
        """Return whether the user's microphone is a room's."""
        return (space, user) in self._used

    def use(self, space: SpaceId, user: UserId) -> None:
        """Part of `RelayedSounds`."""
        self._used.add((space, user))
        self._known.add((space, user))
        self._send(messages.UseRoomSound(space, user, True))

    def drop(self, space: SpaceId, user: UserId) -> None:
        """Part of `RelayedSounds`."""
        if (space, user) in self._used:
            self._used.discard((space, user))
            self._send(messages.UseRoomSound(space, user, False))

    def publish(self, space: SpaceId, on: bool) -> None:
        """Part of `RelayedSounds`."""
        if on:
            self._published.add(space)
        else:
            self._published.discard(space)
        self._send(messages.PublishSpeakers(space, on))

    # --- for the stage ---

    def replaced(self, space: SpaceId, user: UserId) -> None:
        """Note that a peer of the user's has become their microphone: the worker knows."""
        if (space, user) in self._used:
            self._used.discard((space, user))
            self._tell_replaced(space, user)

    def close(self, space: SpaceId) -> None:
        """Forget a live space that is over."""
        self._used = {each for each in self._used if each[0] != space}
        self._known = {each for each in self._known if each[0] != space}
        self._published.discard(space)

    def tell(self, space: SpaceId) -> None:
        """Tell the worker all of a live space, also what is over: it may not have heard that."""
        self._send(messages.PublishSpeakers(space, space in self._published))
        for each in self._known:
            if each[0] == space:
                self._send(messages.UseRoomSound(*each, each in self._used))
        self._known = {each for each in self._known if each[0] != space or each in self._used}


def _tell_nobody(_space: SpaceId, _user: UserId) -> None:
    """Without a relay nothing is used, so nothing is replaced."""
