"""The ports of relays: our media workers as clients of rooms at an SFU (LiveKit's protocol).

Each media worker has a relay: it joins the room of a live space, takes the microphones it is told
to take into the worker's mix, and, of one worker at a time (the home worker), publishes people who
speak on the page. Whether somebody is heard is still decided by the gates of the `Stage` port.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from spaces_bridge.core.ids import SpaceId, UserId


@dataclass(frozen=True, slots=True)
class RelayedRoom:
    """A room at an SFU as a relay joins it.

    `name` is ours, unique in the live space ("home" for its own room, else "sfu:" and the address
    of the foreign SFU's authoriser); `url` is the SFU's WebSocket address. `publishes`: the home
    worker's relay publishes people who speak on the page here.
    """

    name: str
    url: str
    publishes: bool


class RelayTokens(Protocol):
    """The issuer of tokens by which relays join."""

    async def token(self, space: SpaceId, room: RelayedRoom, node: str) -> str:
        """Return a fresh token for the relay of a media worker; `node` is "" for the home one.

        Called before each attempt to join. Raises AdapterError: try again later.
        """
        ...


@dataclass(frozen=True, slots=True)
class RelayedTrack:
    """A microphone track of a participant: its SID, name, and whether it is muted by its owner."""

    sid: str
    name: str
    is_muted: bool


@dataclass(frozen=True, slots=True)
class RelayedParticipant:
    """A participant of a room: who, and its microphone tracks.

    The relay that tells is one of them: other workers' relays take what it publishes.
    """

    identity: str
    sid: str
    attributes: Mapping[str, str] = field(default_factory=dict)
    may_publish: bool = False
    tracks: Sequence[RelayedTrack] = ()


class RelayListener(Protocol):
    """The listener that is told what relays see. Only the home worker's relay tells."""

    def room_changed(
        self, space: SpaceId, name: str, participants: Sequence[RelayedParticipant]
    ) -> None:
        """Take the participants as they are now, all of them, the relay itself included."""
        ...

    def room_lost(self, space: SpaceId, name: str, reason: str) -> None:
        """The relay is not in the room any more; it is joining again by itself."""
        ...

    def track_replaced(self, space: SpaceId, name: str, sid: str) -> None:
        """A microphone that its user has opened on the page takes the place of this track.

        It is taken no more, until `take_tracks` has left it out and names it again.
        """
        ...


@dataclass(frozen=True, slots=True)
class RoomText:
    """A text for everybody in a room, sent as a LiveKit text stream (data channel).

    `attributes` are the stream's; `sender` is the identity it is said for, "" for the bot. A
    LiveKit server heeds it of participants of the kind "agent" only; else clients see the bot.
    """

    topic: str
    text: str
    attributes: Mapping[str, str] = field(default_factory=dict)
    sender: str = ""


class RoomRelays(Protocol):
    """The relays of all media workers. Nothing here waits; what is wanted is remembered."""

    def attend_relays(self, listener: RelayListener, tokens: RelayTokens) -> None:
        """Set who is told, and who gives tokens; once, before the start."""
        ...

    def join_room(self, space: SpaceId, room: RelayedRoom) -> None:
        """Have the relays in this room from now on, joining again whenever they are lost."""
        ...

    def leave_room(self, space: SpaceId, name: str) -> None:
        """Leave a room; of an unknown one nothing happens."""
        ...

    def take_tracks(self, space: SpaceId, name: str, tracks: Mapping[str, UserId]) -> None:
        """Take exactly these tracks (by SID) of a room into the mix, as their user's microphone.

        A track that was not named before takes the place of its user's microphone on the page; one
        that is opened there later takes its place (`RelayListener.track_replaced`). So a track is
        named while it is unmuted only. Tracks of a relay of ours are not taken by its own worker.
        """
        ...

    def send_text(self, space: SpaceId, name: str, text: RoomText) -> None:
        """Have the home worker's relay say a text to all in the room; lost if it is not there."""
        ...
