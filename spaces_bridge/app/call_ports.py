"""The ports of calls: clients of MatrixRTC and LiveKit, who get each speaker as a stream.

A call's peer is one WebRTC connection that may carry sound both ways (`Direction.CALL`): the
client's microphone in, and out one stream per speaker, forwarded as it came in and never mixed.
Whether the client is heard is decided by the gates of the `Stage` port, as for every microphone.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from spaces_bridge.core.ids import SpaceId, UserId


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

        Not called after `Stage.hang_up`, `end_listening` and `end_guests`.
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
        that begins to publish takes the place by itself; it loses it to a microphone that is
        opened later, on the page or in another client, and when the floor is lost.
        """
        ...
