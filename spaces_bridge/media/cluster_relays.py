"""The relays port on several media workers: each has a relay; the home worker's one publishes."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Final

from spaces_bridge.app.relay_attendants import OWN_ROOM
from spaces_bridge.app.relay_ports import (
    RelayedParticipant,
    RelayedRoom,
    RelayListener,
    RelayTokens,
    RoomText,
)
from spaces_bridge.core.ids import SpaceId, UserId
from spaces_bridge.media.cluster_members import LOCAL
from spaces_bridge.media.relays import WorkerRelays

HOME_RELAY: Final = ""
"""What a relay is called at the SFU while its worker is home; see `RelayTokens.token`."""
AWAY_FROM_HOME: Final = "local"
"""What the relay of this machine's worker is called while another one is home."""


class ClusterRelays:
    """The relays of a cluster implement `spaces_bridge.app.relay_ports.RoomRelays`."""

    def __init__(self, local: WorkerRelays | None = None, *, url_for_nodes: str = "") -> None:
        """`url_for_nodes`: where nodes reach the live spaces' own rooms; "": where all do."""
        self._url_for_nodes = url_for_nodes
        self._relays: dict[str, WorkerRelays] = {} if local is None else {LOCAL: local}
        self._home: str | None = None if local is None else LOCAL
        self._listener: tuple[RelayListener, RelayTokens] | None = None
        self._rooms: dict[tuple[SpaceId, str], RelayedRoom] = {}
        self._tracks: dict[tuple[SpaceId, str], Mapping[str, UserId]] = {}

    # --- the port ---

    def attend_relays(self, listener: RelayListener, tokens: RelayTokens) -> None:
        """Part of the port."""
        self._listener = (listener, tokens)
        for name, each in self._relays.items():
            each.attend_relays(_HomeListener(listener, partial(self._is_home, name)), tokens)

    def join_room(self, space: SpaceId, room: RelayedRoom) -> None:
        """Part of the port."""
        self._rooms[space, room.name] = room
        for name, each in self._relays.items():
            each.join_room(space, self._room_for(name, room))

    def leave_room(self, space: SpaceId, name: str) -> None:
        """Part of the port."""
        self._rooms.pop((space, name), None)
        self._tracks.pop((space, name), None)
        for each in self._relays.values():
            each.leave_room(space, name)

    def take_tracks(self, space: SpaceId, name: str, tracks: Mapping[str, UserId]) -> None:
        """Part of the port."""
        if (space, name) in self._rooms:
            self._tracks[space, name] = dict(tracks)
        for each in self._relays.values():
            each.take_tracks(space, name, tracks)

    def send_text(self, space: SpaceId, name: str, text: RoomText) -> None:
        """Part of the port."""
        if self._home is not None:
            self._relays[self._home].send_text(space, name, text)

    # --- members ---

    def add(self, name: str, relays: WorkerRelays) -> None:
        """Bring in a node's relay; it joins what the others are in."""
        self._relays[name] = relays
        if self._listener is not None:
            listener, tokens = self._listener
            relays.attend_relays(_HomeListener(listener, partial(self._is_home, name)), tokens)
        for (space, _), room in self._rooms.items():
            relays.join_room(space, self._room_for(name, room))
            relays.take_tracks(space, room.name, self._tracks.get((space, room.name), {}))

    def remove(self, name: str) -> None:
        """Forget a node's relay."""
        relays = self._relays.pop(name, None)
        if relays is not None:
            relays.stop()
        if self._home == name:
            self._home = None
            self._tell_lost("the media node is gone")

    def move_home(self, name: str) -> None:
        """Have another relay publish the page's speakers; the one of before does not any more."""
        before, self._home = self._home, name
        if before is not None and before != name:
            self._tell_lost("another media worker is home")
        for each in dict.fromkeys((before, name)):
            if each is not None and each in self._relays:
                relays = self._relays[each]
                relays.become(HOME_RELAY if each == name else each or AWAY_FROM_HOME)
                for (space, _), room in self._rooms.items():
                    relays.join_room(space, self._room_for(each, room))
                    relays.take_tracks(space, room.name, self._tracks.get((space, room.name), {}))

    def is_in_room(self, name: str, space: SpaceId) -> bool:
        """Return whether a member's relay is in a live space's own room, if it has one."""
        if (space, OWN_ROOM) not in self._rooms:
            return True
        relays = self._relays.get(name)
        return relays is not None and relays.is_in(space, OWN_ROOM)

    def _tell_lost(self, reason: str) -> None:
        """Say that the home relay is in no room: what it saw last is not true any more."""
        if self._listener is not None:
            for space, name in list(self._rooms):
                self._listener[0].room_lost(space, name, reason)

    def _is_home(self, name: str) -> bool:
        return name == self._home

    def _room_for(self, name: str, room: RelayedRoom) -> RelayedRoom:
        is_far = name != LOCAL and room.name == OWN_ROOM
        url = (is_far and self._url_for_nodes) or room.url
        publishes = room.publishes and name == self._home
        return dataclasses.replace(room, url=url, publishes=publishes)


class _HomeListener:
    """The `RelayListener` of one relay: only what the home one says is passed on."""

    def __init__(self, listener: RelayListener, is_home: Callable[[], bool]) -> None:
        self._listener, self._is_home = listener, is_home

    def room_changed(
        self, space: SpaceId, name: str, participants: Sequence[RelayedParticipant]
    ) -> None:
        """Part of the port."""
        if self._is_home():
            self._listener.room_changed(space, name, participants)

    def room_lost(self, space: SpaceId, name: str, reason: str) -> None:
        """Part of the port."""
        if self._is_home():
            self._listener.room_lost(space, name, reason)

    def track_replaced(self, space: SpaceId, name: str, sid: str) -> None:
        """Part of the port."""
        if self._is_home():
            self._listener.track_replaced(space, name, sid)
