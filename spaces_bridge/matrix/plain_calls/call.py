"""The signalling of one plain call as a state machine. Pure: what came in, and what is to be done.

Spec: Client-Server API, "Voice over IP". A call never changes its room, its person or our
`party_id`; events of other people and of other devices are passed over.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import Enum
from typing import Final, TypeAlias

from spaces_bridge.core.ids import EventId, RoomId, SpaceId, UserId
from spaces_bridge.matrix.events import call_signals as signals

NOTHING: Final[Sequence["Act"]] = ()


class CallPhase(Enum):
    """The phase of a call."""

    CHOOSING = "choosing"
    """It rings at the bot, and it is not known yet which live space it is for."""
    ANSWERING = "answering"
    """It rings at the bot, and the stage is asked for an answer."""
    RINGING = "ringing"
    """It rings at the person."""
    ACCEPTING = "accepting"
    """The person has answered, and the stage takes the answer."""
    ON = "on"
    OVER = "over"


class HangupReason(Enum):
    """The reason that is sent with a hangup or a rejection."""

    USER_HANGUP = "user_hangup"
    USER_BUSY = "user_busy"
    INVITE_TIMEOUT = "invite_timeout"
    ICE_FAILED = "ice_failed"
    UNKNOWN_ERROR = "unknown_error"


@dataclass(frozen=True, slots=True)
class PlainCall:
    """A plain call.

    `peer` is the other side's `party_id`; "" in version 0, and while nobody has answered ours.
    `session` is its media session, "" before there is one. `ours`: the bot called. `until_ms`: so
    long it may ring.
    """

    room: RoomId
    call: str
    user: UserId
    phase: CallPhase
    version: str | int = "1"
    peer: str = ""
    space: SpaceId | None = None
    session: str = ""
    ours: bool = False
    until_ms: int = 0

    @property
    def party(self) -> str:
        """Our own `party_id`, the same for the whole call and after a restart."""
        return party_of(self.room, self.call)

    def is_from_peer(self, head: signals.CallHead) -> bool:
        """Return whether an event of this call is from the person, and from the device in it."""
        if (head.room, head.call, head.sender) != (self.room, self.call, self.user):
            return False
        return not self.peer or head.party == self.peer


def party_of(room: RoomId, call: str) -> str:
    """Return the bot's `party_id` in a call."""
    return "SPACES" + hashlib.sha256(f"{room}\n{call}".encode()).hexdigest()[:10]


# --- what comes in ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class MediaAnswered:
    """The stage has answered the client's offer."""

    session: str
    sdp: str


@dataclass(frozen=True, slots=True)
class MediaAccepted:
    """The stage has taken the person's answer."""


@dataclass(frozen=True, slots=True)
class MediaRenegotiated:
    """The stage has answered another offer of the client, that of the event `cause`."""

    sdp: str
    cause: EventId


@dataclass(frozen=True, slots=True)
class MediaEnded:
    """The stage has no such peer any more."""


@dataclass(frozen=True, slots=True)
class Leave:
    """The bot ends the call."""

    reason: HangupReason


Input: TypeAlias = (
    signals.CallSignal | MediaAnswered | MediaAccepted | MediaRenegotiated | MediaEnded | Leave
)


# --- what is to be done -------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Send:
    """Send an event, once in the call, or once for each `cause`.

    `until_ms`: after that it is worth nothing any more.
    """

    type: str
    body: str
    until_ms: int | None = None
    cause: EventId | None = None


@dataclass(frozen=True, slots=True)
class AcceptMedia:
    """Have the stage take the person's answer."""

    sdp: str


@dataclass(frozen=True, slots=True)
class RenegotiateMedia:
    """Have the stage answer another offer of the client, that of the event `cause`."""

    sdp: str
    cause: EventId


@dataclass(frozen=True, slots=True)
class EndMedia:
    """Have the stage end the peer."""

    session: str


@dataclass(frozen=True, slots=True)
class TakeMuted:
    """Take note of whether the client's microphone is muted."""

    is_muted: bool


Act: TypeAlias = Send | AcceptMedia | RenegotiateMedia | EndMedia | TakeMuted


# --- the machine --------------------------------------------------------------------------------


def step(call: PlainCall, said: Input) -> tuple[PlainCall, Sequence[Act]]:
    """Return the call after what came in, and what is to be done. What does not fit is nothing."""
    if call.phase is CallPhase.OVER:
        # it ended while the stage was asked: nobody else knows that peer
        return call, (EndMedia(said.session),) if isinstance(said, MediaAnswered) else NOTHING
    match said:
        case MediaAnswered() | MediaAccepted() | MediaRenegotiated() | MediaEnded() | Leave():
            return _after_ours(call, said)
        case _:
            return _after_theirs(call, said) if call.is_from_peer(said.head) else (call, NOTHING)


def _after_theirs(call: PlainCall, said: signals.CallSignal) -> tuple[PlainCall, Sequence[Act]]:
    match said:
        case signals.CallAnswered() if call.phase is CallPhase.RINGING:
            head = said.head
            peer = "" if head.is_v0 else head.party
            accepting = replace(call, phase=CallPhase.ACCEPTING, peer=peer, version=head.version)
            return accepting, (AcceptMedia(said.sdp), *_muted(said.is_muted))
        case signals.CallRenegotiated() if call.phase is CallPhase.ON:
            return call, (RenegotiateMedia(said.sdp, said.head.event), *_muted(said.is_muted))
        case signals.AnswerSelected() if not call.ours and said.selected != call.party:
            return _over(call)
        case signals.CallRejected() if call.phase is CallPhase.RINGING:
            return _over(call)
        case signals.CallHungUp():
            return _over(call)
        case signals.CallMuted():
            return call, (TakeMuted(said.is_muted),)
        case _:
            return call, NOTHING


def _after_ours(
    call: PlainCall,
    said: MediaAnswered | MediaAccepted | MediaRenegotiated | MediaEnded | Leave,
) -> tuple[PlainCall, Sequence[Act]]:
    match said:
        case MediaAnswered() if call.phase is CallPhase.ANSWERING:
            on = replace(call, phase=CallPhase.ON, session=said.session)
            return on, (answering(call, said.sdp),)
        case MediaAnswered():
            return call, (EndMedia(said.session),)
        case MediaAccepted() if call.phase is CallPhase.ACCEPTING:
            on = replace(call, phase=CallPhase.ON)
            if not call.peer:
                return on, NOTHING
            body = signals.select_answer(call.call, call.party, call.peer)
            return on, (Send(signals.SELECT_ANSWER, body),)
        case MediaRenegotiated() if call.phase is CallPhase.ON:
            body = signals.negotiate(call.call, call.party, call.version, said.sdp)
            return call, (Send(signals.NEGOTIATE, body, cause=said.cause),)
        case MediaEnded():
            over, _ = _over(call)
            return over, (_goodbye(call, HangupReason.ICE_FAILED),)
        case Leave():
            over, acts = _over(call)
            return over, (*acts, _goodbye(call, said.reason))
        case _:
            return call, NOTHING


def answering(call: PlainCall, sdp: str) -> Send:
    """Return our answer, which is worth nothing when it rings no more."""
    body = signals.answer(call.call, call.party, call.version, sdp)
    return Send(signals.ANSWER, body, call.until_ms)


def _over(call: PlainCall) -> tuple[PlainCall, Sequence[Act]]:
    end = (EndMedia(call.session),) if call.session else ()
    return replace(call, phase=CallPhase.OVER), end


def _goodbye(call: PlainCall, reason: HangupReason) -> Send:
    """Return what ends the call at the person: a hangup, or before we answered a rejection.

    A hangup before the answer is passed over by matrix-js-sdk 43, and so is one with another
    `party_id` than the answer's; version 0 knows no rejection.
    """
    body = signals.hangup(call.call, call.party, call.version, reason.value)
    rings_here = call.phase in {CallPhase.CHOOSING, CallPhase.ANSWERING}
    is_v0 = call.version in {0, "0"}
    return Send(signals.REJECT if rings_here and not is_v0 else signals.HANGUP, body)


def _muted(is_muted: bool | None) -> Sequence[Act]:
    return NOTHING if is_muted is None else (TakeMuted(is_muted),)


# --- whose turn it is ---------------------------------------------------------------------------


def yields(earlier: PlainCall, invited: signals.CallInvited) -> bool:
    """Return whether an earlier call of the same person makes room for the one that comes in.

    The newer wins. Where both call each other in one room, the call whose id comes first does
    (spec: "Glare"), at both sides.
    """
    glare = earlier.ours and earlier.phase is CallPhase.RINGING
    if glare and earlier.room == invited.head.room:
        return invited.head.call < earlier.call
    return True


def incoming(invited: signals.CallInvited, until_ms: int) -> PlainCall:
    """Return the call that an invite makes."""
    head = invited.head
    return PlainCall(
        room=head.room,
        call=head.call,
        user=head.sender,
        phase=CallPhase.CHOOSING,
        version=head.version,
        peer="" if head.is_v0 else head.party,
        until_ms=until_ms,
    )
