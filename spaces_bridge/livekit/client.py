"""One client in a call: its participant, its negotiations and its microphone."""

from collections.abc import Callable, Sequence
from typing import Protocol

from livekit.protocol import rtc

from spaces_bridge.app.call_ports import CallStage, CallStream
from spaces_bridge.app.errors import AdapterError
from spaces_bridge.app.registry import Spaces
from spaces_bridge.core.ids import SpaceId
from spaces_bridge.livekit.limits import SETTLES_S
from spaces_bridge.livekit.microphone import CallMicrophone
from spaces_bridge.livekit.negotiation import DualNegotiation, Negotiation, SingleNegotiation
from spaces_bridge.livekit.outgoing import SignalQueue
from spaces_bridge.livekit.participants import CallParticipant
from spaces_bridge.livekit.responses import CallEnd


class ClientTimer(Protocol):
    """A timer that can be cancelled."""

    def cancel(self) -> None: ...


CallLater = Callable[[float, Callable[[], None]], ClientTimer]
"""Calls back after so many seconds."""


class RoomOfClient(Protocol):
    """The room as one of its clients sees it."""

    @property
    def space(self) -> SpaceId:
        """The live space."""
        ...

    def streams_for(self, participant: CallParticipant) -> Sequence[CallStream]:
        """Return the streams that this participant is to be sent."""
        ...

    def participant_changed(self, participant: CallParticipant) -> None:
        """A participant, or its track, is seen in another way now."""
        ...

    def microphone_opened(self, participant: CallParticipant) -> None:
        """This participant's microphone is the person's only one from now on."""
        ...

    def microphone_closing(self, participant: CallParticipant) -> None:
        """This participant's microphone is about to be closed."""
        ...

    def end(self, client: "CallClient", end: CallEnd) -> None:
        """End the client's session."""
        ...

    def lost(self, participant: CallParticipant, why: str) -> None:
        """A participant has to join anew: the log says why, once for a flood."""
        ...


class CallClient:
    """A client in a call (`NegotiationEvents`): what it does, and what becomes of it."""

    def __init__(
        self, room: RoomOfClient, participant: CallParticipant, spaces: Spaces, stage: CallStage
    ) -> None:
        self.participant = participant
        self._room = room
        self._spaces = spaces
        self.microphone = CallMicrophone(
            spaces,
            room.space,
            participant,
            changed=lambda: room.participant_changed(participant),
            opened=lambda: room.microphone_opened(participant),
            closing=lambda: room.microphone_closing(participant),
            use=stage.use_microphone,
        )
        kind = SingleNegotiation if participant.is_single else DualNegotiation
        self.negotiation: Negotiation = kind(stage, room.space, participant.user, self)
        self.forgetting: ClientTimer | None = None
        """Runs while the signalling is lost."""
        self._settling: ClientTimer | None = None
        self._known: frozenset[str] = frozenset()

    @property
    def space(self) -> SpaceId:
        """The live space."""
        return self._room.space

    def settle_later(self, call_later: CallLater) -> None:
        """Hold news of others back for a while: the client has had to join anew."""
        self._known = frozenset(stream.track for stream in self.streams())
        self.participant.held = []
        self._settling = call_later(SETTLES_S, self._settled)

    def _settled(self) -> None:
        self._settling = None
        self.participant.release()
        self.negotiation.streams_changed()

    # --- NegotiationEvents --------------------------------------------------------------------

    @property
    def is_settling(self) -> bool:
        return self.participant.held is not None

    def streams(self) -> Sequence[CallStream]:
        streams = self._room.streams_for(self.participant)
        if not self.is_settling:
            return streams
        # not those whose news are held back: a client drops a stream of nobody it knows
        return [stream for stream in streams if stream.track in self._known]

    def send(self, message: bytes) -> None:
        self.participant.send(message)

    def microphone_negotiated(self, session: str, section: str) -> None:
        self.microphone.negotiated(session, section)

    def hang_up(self, session: str) -> None:
        self._spaces.context.stage.hang_up(session)

    def failed(self, why: str) -> None:
        self._room.lost(self.participant, why)
        self._room.end(self, CallEnd.MEDIA_LOST)

    # --- what becomes of it -------------------------------------------------------------------

    async def offered(self, offer: rtc.SessionDescription) -> None:
        """Answer an offer of the client; one that cannot be answered ends the session."""
        try:
            await self.negotiation.offered(offer)
        except AdapterError as error:
            self.failed(str(error))

    async def answered(self, answer: rtc.SessionDescription) -> None:
        """Take an answer of the client; one that cannot be taken ends the session."""
        try:
            await self.negotiation.answered(answer)
        except AdapterError as error:
            self.failed(str(error))

    def connected(self, session: str) -> None:
        """Take note that the transport of a session of this client is up."""
        if self.negotiation.carries_sound(session) and not self.participant.is_active:
            self.participant.is_active = True
            self._room.participant_changed(self.participant)
        self.microphone.connected(session)

    def changed(self) -> None:
        """The participant is seen in another way now."""
        self._room.participant_changed(self.participant)

    def attach(self, queue: SignalQueue) -> None:
        """Let the signalling go by `queue` from now on."""
        self.participant.queue = queue
        if self.forgetting is not None:
            self.forgetting.cancel()
            self.forgetting = None

    def stop(self) -> None:
        """End the sound of a client whose session has ended."""
        if self.forgetting is not None:
            self.forgetting.cancel()
        if self._settling is not None:
            self._settling.cancel()
        self.microphone.stop()
        self.negotiation.stop()
