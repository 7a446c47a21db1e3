"""The events of plain calls (`m.call.*`): read as values, and the contents of ours. Pure.

Spec: Client-Server API, "Voice over IP", version 1 (MSC2746), and version 0 before it. What is odd
means nothing: other servers' users write these.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from spaces_bridge.core.ids import EventId, RoomId, UserId
from spaces_bridge.matrix.events.envelope import Envelope, is_id

SDP_MAX: Final = 32 * 1024
"""Characters of a session description; a video call's of a browser has 5,400."""
LIFETIME_MS: Final = 60_000
"""How long an invite rings that does not say it, and how long ours do."""
LIFETIME_MAX_MS: Final = 300_000
REASON_MAX: Final = 100

INVITE: Final = "m.call.invite"
ANSWER: Final = "m.call.answer"
NEGOTIATE: Final = "m.call.negotiate"
SELECT_ANSWER: Final = "m.call.select_answer"
REJECT: Final = "m.call.reject"
HANGUP: Final = "m.call.hangup"
_STREAMS: Final = "sdp_stream_metadata"
_STREAMS_EARLY: Final = "org.matrix.msc3077.sdp_stream_metadata"


@dataclass(frozen=True, slots=True)
class CallHead:
    """The part that every event of a call has.

    `party` is the sender's device in the call, "" in version 0. `is_v0`: it is of that version.
    `version` is what stands in the event, to be answered alike.
    """

    room: RoomId
    event: EventId
    sender: UserId
    at_ms: int
    call: str
    party: str
    version: str | int

    @property
    def is_v0(self) -> bool:
        return not self.party or self.version in {0, "0"}


@dataclass(frozen=True, slots=True)
class CallInvited:
    """Somebody calls. `invitee`: for whom alone it rings; "" for everybody else in the room."""

    head: CallHead
    lifetime_ms: int
    sdp: str
    invitee: str
    is_muted: bool | None


@dataclass(frozen=True, slots=True)
class CallAnswered:
    """Somebody has answered a call."""

    head: CallHead
    sdp: str
    is_muted: bool | None


@dataclass(frozen=True, slots=True)
class CallRenegotiated:
    """A client in a call offers another session description: hold, unhold, an ICE restart."""

    head: CallHead
    sdp: str
    is_muted: bool | None


@dataclass(frozen=True, slots=True)
class AnswerSelected:
    """The caller has chosen one of the answers: that of `party`."""

    head: CallHead
    selected: str


@dataclass(frozen=True, slots=True)
class CallRejected:
    """Somebody does not want to take a call, on any device."""

    head: CallHead


@dataclass(frozen=True, slots=True)
class CallHungUp:
    """Somebody has ended a call."""

    head: CallHead
    reason: str


@dataclass(frozen=True, slots=True)
class CallMuted:
    """A client tells whether its microphone is muted."""

    head: CallHead
    is_muted: bool


CallSignal: TypeAlias = (
    CallInvited
    | CallAnswered
    | CallRenegotiated
    | AnswerSelected
    | CallRejected
    | CallHungUp
    | CallMuted
)


def signal_of(envelope: Envelope, event: Mapping[str, Any]) -> CallSignal | None:
    """Return what an event of a call says; None for what is odd, or says nothing to us.

    Candidates say nothing: an ICE-lite agent learns addresses from signed checks (RFC 8445).
    """
    if not envelope.type.startswith(("m.call.", "org.matrix.call.")):
        return None
    content, head = envelope.content, _head(envelope, event)
    if head is None:
        return None
    match envelope.type:
        case "m.call.invite":
            return _invited(head, content)
        case "m.call.answer":
            sdp = _sdp(content.get("answer"), "answer")
            return CallAnswered(head, sdp, _is_muted(content)) if sdp else None
        case "m.call.negotiate":
            sdp = _sdp(content.get("description"), "offer")
            return CallRenegotiated(head, sdp, _is_muted(content)) if sdp else None
        case "m.call.select_answer":
            selected = content.get("selected_party_id")
            return AnswerSelected(head, selected) if isinstance(selected, str) else None
        case "m.call.reject":
            return CallRejected(head)
        case "m.call.hangup":
            reason = content.get("reason")
            return CallHungUp(head, reason[:REASON_MAX] if isinstance(reason, str) else "")
        case "m.call.sdp_stream_metadata_changed" | "org.matrix.call.sdp_stream_metadata_changed":
            muted = _is_muted(content)
            return CallMuted(head, muted) if muted is not None else None
        case _:
            return None


def _head(envelope: Envelope, event: Mapping[str, Any]) -> CallHead | None:
    content = envelope.content
    call, party = content.get("call_id"), content.get("party_id", "")
    version, at_ms = content.get("version", 0), event.get("origin_server_ts")
    if not is_id(call) or not (party == "" or is_id(party)):
        return None
    if not isinstance(version, str | int) or isinstance(version, bool) or len(str(version)) > 20:
        return None
    when_ms = at_ms if isinstance(at_ms, int) else 0
    return CallHead(
        envelope.room, envelope.event, envelope.sender, when_ms, str(call), str(party), version
    )


def _invited(head: CallHead, content: Mapping[str, Any]) -> CallInvited | None:
    sdp, invitee = _sdp(content.get("offer"), "offer"), content.get("invitee", "")
    if not sdp or not isinstance(invitee, str):
        return None
    lifetime = content.get("lifetime")
    if not isinstance(lifetime, int) or isinstance(lifetime, bool):
        lifetime = LIFETIME_MS
    lifetime = min(max(lifetime, 0), LIFETIME_MAX_MS)
    return CallInvited(head, lifetime, sdp, invitee, _is_muted(content))


def _sdp(description: object, kind: str) -> str:
    """Return the session description, "" where there is none of this kind."""
    if not isinstance(description, Mapping) or description.get("type") != kind:
        return ""
    sdp = description.get("sdp")
    return sdp if isinstance(sdp, str) and len(sdp) <= SDP_MAX else ""


def _is_muted(content: Mapping[str, Any]) -> bool | None:
    """Return whether the client's microphone is muted; None where it does not say.

    Streams for other purposes (a shared screen) are not asked.
    """
    streams = content.get(_STREAMS, content.get(_STREAMS_EARLY))
    if not isinstance(streams, Mapping):
        return None
    said = [
        stream.get("audio_muted") is True
        for stream in streams.values()
        if isinstance(stream, Mapping) and stream.get("purpose") == "m.usermedia"
    ]
    return all(said) if said else None


# --- ours ---------------------------------------------------------------------------------------


def _ours(call: str, party: str, version: str | int, **more: object) -> str:
    content = {"call_id": call, "party_id": party, "version": version, **more}
    return json.dumps(content, ensure_ascii=False, separators=(",", ":"))


def invite(call: str, party: str, invitee: UserId, sdp: str) -> dict[str, object]:
    """Return the content of an invite of ours, which rings for this person alone."""
    return {
        "call_id": call,
        "party_id": party,
        "version": "1",
        "lifetime": LIFETIME_MS,
        "invitee": invitee,
        "offer": {"type": "offer", "sdp": sdp},
    }


def answer(call: str, party: str, version: str | int, sdp: str) -> str:
    """Return the content of an answer, as JSON. No candidates follow, nor stream metadata.

    Metadata whose key is not the stream's id, or `{}`, leaves matrix-js-sdk 43 without sound.
    """
    return _ours(call, party, version, answer={"type": "answer", "sdp": sdp})


def negotiate(call: str, party: str, version: str | int, sdp: str) -> str:
    """Return the content of our answer to another offer of the client, as JSON."""
    description = {"type": "answer", "sdp": sdp}
    return _ours(call, party, version, lifetime=LIFETIME_MS, description=description)


def select_answer(call: str, party: str, selected: str) -> str:
    """Return the content that chooses the answer of one device, as JSON."""
    return _ours(call, party, "1", selected_party_id=selected)


def hangup(call: str, party: str, version: str | int, reason: str) -> str:
    """Return the content that ends a call, or rejects it, as JSON."""
    return _ours(call, party, version, reason=reason)
