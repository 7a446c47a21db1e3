"""Several attendants of relays as one: the live spaces' own rooms, and those at other SFUs."""

from collections.abc import Sequence
from typing import Final, Protocol

from spaces_bridge.app.errors import AdapterError
from spaces_bridge.app.relay_ports import (
    RelayedParticipant,
    RelayedRoom,
    RelayListener,
    RelayTokens,
)
from spaces_bridge.core.ids import SpaceId

OWN_ROOM: Final = "home"
"""The name of a live space's own room."""
ELSEWHERE: Final = "sfu:"
"""The beginning of the names of rooms at other SFUs, before an address that strangers choose."""


class RelayAttendant(RelayListener, RelayTokens, Protocol):
    """The attendant of some rooms: told what happens there, and giver of tokens."""


class RelayAttendants:
    """Two attendants as one, by the rooms' names: of the home ones (None: nobody), and of others.

    Implements `RelayListener` and `RelayTokens`.
    """

    def __init__(
        self,
        home: RelayListener | None = None,
        home_tokens: RelayTokens | None = None,
        others: RelayAttendant | None = None,
    ) -> None:
        self._home = home
        self._home_tokens = home_tokens
        self._others = others

    async def token(self, space: SpaceId, room: RelayedRoom, node: str) -> str:
        """Return a fresh token. Raises AdapterError."""
        tokens = self._home_tokens if room.name == OWN_ROOM else self._others
        if tokens is None:
            raise AdapterError("This room is not ours any more.")
        return await tokens.token(space, room, node)

    def room_changed(
        self, space: SpaceId, name: str, participants: Sequence[RelayedParticipant]
    ) -> None:
        """Pass on who is in a room."""
        attendant = self._of(name)
        if attendant is not None:
            attendant.room_changed(space, name, participants)

    def room_lost(self, space: SpaceId, name: str, reason: str) -> None:
        """Pass on that a room is lost."""
        attendant = self._of(name)
        if attendant is not None:
            attendant.room_lost(space, name, reason)

    def track_replaced(self, space: SpaceId, name: str, sid: str) -> None:
        """Pass on that a microphone on the page took a track's place."""
        attendant = self._of(name)
        if attendant is not None:
            attendant.track_replaced(space, name, sid)

    def _of(self, name: str) -> RelayListener | None:
        return self._home if name == OWN_ROOM else self._others
