"""The ports of calls: clients of MatrixRTC and LiveKit, who get each speaker as a stream.

A call's peer is one WebRTC connection that may carry sound both ways (`Direction.CALL`): the
client's microphone in, and out one stream per speaker, forwarded as it came in and never mixed.
Whether the client is heard is decided by the gates of the `Stage` port, as for every microphone.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from spaces_bridge.app.errors import AdapterError
from spaces_bridge.core.ids import RoomId, SpaceId, UserId

BOT_DEVICE: Final = "SPACESBOT"
"""The device by which the bot is in calls: in its member event, and in its LiveKit identity."""
CALL_SLOT: Final = "m.call#ROOM"
"""The slot of a room's one call (MSC4143); requests of the older form mean it, too."""


@dataclass(frozen=True, slots=True)
class CallStream:
    """One speaker's stream as a call's peer gets it: `stream` and `track` are its msid (RFC 8830).

    LiveKit's clients read `PARTICIPANT_SID|TRACK_SID` as `stream` and `TRACK_SID` as `track`.
    """

    speaker: UserId
    stream: str
    track: str


@dataclass(frozen=True, slots=True)
class CallAnswer:
    """The answer to a call client's offer.

    `sections` maps the mid of each section that carries a stream to the stream's `track`;
    `missing` is the number of streams for which the offer had no section left; `microphone` is
    the mid of the section on which the client sends, "" if it sends nothing.
    """

    session: str
    sdp: str
    sections: Mapping[str, str]
    missing: int
    microphone: str


@dataclass(frozen=True, slots=True)
class CallOffer:
    """An SDP offer of ours: a connection that only carries streams to the client.

    `sections` is as in `CallAnswer`.
    """

    session: str
    sdp: str
    sections: Mapping[str, str]


class CallListener(Protocol):
    """The listener that is told what happens to call peers."""

    def call_connected(self, session: str) -> None:
        """The peer's transport (ICE and DTLS) is up."""
        ...

    def call_ended(self, session: str, reason: str) -> None:
        """The peer is gone, for a plain reason.

        Not called after `Stage.hang_up`, `end_listening`, `end_guests` and `end_calls`.
        """
        ...


class CallStage(Protocol):
    """The call stage carries the sound of call peers; `Stage.hang_up` ends one."""

    def attend_calls(self, listener: CallListener) -> None:
        """Set the listener; once, before the start."""
        ...

    async def answer_call(
        self,
        space: SpaceId,
        user: UserId,
        session: str | None,
        sdp: str,
        streams: Sequence[CallStream],
    ) -> CallAnswer:
        """Answer a client's offer: a new connection, or a new negotiation of `session`.

        The peer gets `streams`, as far as the offer has sections for them; a stream that it has
        already keeps its section. Raises OfferRefused, AdapterError (no worker, unknown session).
        """
        ...

    async def offer_call(
        self, space: SpaceId, user: UserId, session: str | None, streams: Sequence[CallStream]
    ) -> CallOffer:
        """Offer a client a connection with these streams, or a new negotiation of `session`.

        Raises OfferRefused, AdapterError as `answer_call`.
        """
        ...

    async def accept_call_answer(self, session: str, sdp: str) -> None:
        """Take the client's answer to `offer_call`. Raises OfferRefused, AdapterError."""
        ...

    def use_microphone(self, session: str) -> None:
        """Make the peer's microphone its user's, in place of any other; waits for nothing.

        To be called before `OpenMicrophone` each time it is opened, as when it is unmuted. A peer
        that begins to publish takes the place by itself only if it is free; it loses it to a
        microphone that is opened later, on the page or in another client, and when the floor is
        lost.
        """
        ...

    def send_data(
        self, sessions: Collection[str], packets: Sequence[bytes], *, fades: bool
    ) -> None:
        """Send packets on the sessions' reliable data channels; waits for nothing.

        All of them arrive, in this order, or none: none where a session has no such channel, or
        too much is on its way to it; `fades`: where anything has not got through yet.
        """
        ...

    def end_calls(self, space: SpaceId, user: UserId, keep: Collection[str]) -> None:
        """Hang up the user's call peers in the live space, but for the sessions in `keep`.

        One that is being negotiated for the first time is hung up, too: `answer_call` and
        `offer_call` then raise AdapterError. The listener is not told (see `call_ended`).
        """
        ...


# --- who is in a call, and leaves when gone ------------------------------------------------------


class CallPresence(Protocol):
    """The presence of participants in calls, by their identity at LiveKit."""

    def is_connected(self, space: SpaceId, identity: str) -> bool:
        """Return whether the participant is in the call of this live space.

        Who may still resume a lost connection is in it.
        """
        ...


class DelayedEventGone(AdapterError):
    """The homeserver has no such delayed event (any more), or no delayed events at all."""


class DelayedEvents(Protocol):
    """The delayed events of people who delegated them to us (MSC4140), each at its own server.

    All methods raise DelayedEventGone, AdapterError: the server cannot be asked now.
    """

    async def restart(self, user: UserId, delay_id: str) -> None:
        """Let the event's delay begin anew, at the server of `user`."""
        ...

    async def send(self, user: UserId, delay_id: str) -> None:
        """Have the event sent now."""
        ...

    async def cancel(self, user: UserId, delay_id: str) -> None:
        """Have the event never sent."""
        ...


class RoomSecrecy(Protocol):
    """The knowledge of which rooms are encrypted: their calls would be, too, unheard by us."""

    async def is_encrypted(self, room: RoomId) -> bool:
        """Return whether the room is encrypted. Raises AdapterError."""
        ...


class CallMembers(Protocol):
    """The port to people's memberships in the calls of rooms, told of their devices' connections.

    A client that was killed leaves its membership behind; where its connection has ended and does
    not come back in a while, the membership is ended, too.
    """

    def connected(self, space: SpaceId, user: UserId, device: str) -> None:
        """Note that a device's connection to the call is there."""
        ...

    def gone(self, space: SpaceId, user: UserId, device: str) -> None:
        """Note that a device's connection to the call has ended, for whatever reason."""
        ...
