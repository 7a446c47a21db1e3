"""The messages to LiveKit clients (`SignalResponse`), each encoded once for all who get it."""

from collections.abc import Iterable, Mapping
from enum import Enum
from typing import Final

from livekit.protocol import models, rtc

from spaces_bridge import __version__

SPOKEN_VERSION: Final = "1.9.0"
"""The version of LiveKit's server whose protocol this is: its SDKs compare it."""

PROTOCOL: Final = 16
PING_INTERVAL_S: Final = 5
PING_TIMEOUT_S: Final = 15

OPUS: Final = models.Codec(mime="audio/opus")


class CallEnd(Enum):
    """The end of a participant's session: why, and what its client shall do then."""

    LEFT = models.CLIENT_INITIATED, rtc.LeaveRequest.DISCONNECT
    ELSEWHERE = models.DUPLICATE_IDENTITY, rtc.LeaveRequest.DISCONNECT
    """The same identity has joined anew."""
    REMOVED = models.PARTICIPANT_REMOVED, rtc.LeaveRequest.DISCONNECT
    FULL = models.JOIN_FAILURE, rtc.LeaveRequest.DISCONNECT
    """The last place was taken while the client was connecting."""
    OVER = models.ROOM_DELETED, rtc.LeaveRequest.DISCONNECT
    """The live space has ended."""
    LOST = models.SIGNAL_CLOSE, rtc.LeaveRequest.DISCONNECT
    """The client's signalling was lost, and it did not come back in time."""
    TOO_MUCH = models.STATE_MISMATCH, rtc.LeaveRequest.DISCONNECT
    """The client asked for too much."""
    UNKNOWN = models.STATE_MISMATCH, rtc.LeaveRequest.RECONNECT
    """The client would come back to a session that is gone: it has to join anew."""
    MEDIA_LOST = models.MEDIA_FAILURE, rtc.LeaveRequest.RECONNECT
    """The connection that carries the sound is gone: it has to join anew."""
    STOPPING = models.SERVER_SHUTDOWN, rtc.LeaveRequest.RECONNECT
    """The bridge stops. Clients are not told: they try to come back, and are told UNKNOWN then."""

    @property
    def reason(self) -> models.DisconnectReason:
        """LiveKit's reason."""
        return self.value[0]

    @property
    def action(self) -> rtc.LeaveRequest.Action:
        """LiveKit's word for what the client shall do."""
        return self.value[1]


def server_info() -> models.ServerInfo:
    """Return what SDKs show as the server."""
    return models.ServerInfo(
        edition=models.ServerInfo.Standard,
        version=SPOKEN_VERSION,
        protocol=PROTOCOL,
        debug_info=f"spaces-bridge {__version__}",
    )


def join(
    room: models.Room,
    participant: models.ParticipantInfo,
    others: Iterable[models.ParticipantInfo],
    *,
    subscriber_primary: bool,
) -> bytes:
    """Return the first message to a client that joins."""
    response = rtc.JoinResponse(
        room=room,
        participant=participant,
        other_participants=others,
        server_version=SPOKEN_VERSION,
        server_info=server_info(),
        subscriber_primary=subscriber_primary,
        ping_interval=PING_INTERVAL_S,
        ping_timeout=PING_TIMEOUT_S,
        enabled_publish_codecs=[OPUS],
    )
    return _encoded(rtc.SignalResponse(join=response))


def reconnect() -> bytes:
    """Return the first message to a client that comes back."""
    return _encoded(rtc.SignalResponse(reconnect=rtc.ReconnectResponse(server_info=server_info())))


def update(participants: Iterable[models.ParticipantInfo]) -> bytes:
    """Return the news of participants."""
    return _encoded(rtc.SignalResponse(update=rtc.ParticipantUpdate(participants=participants)))


def answer(sdp: str, number: int, sections: Mapping[str, str]) -> bytes:
    """Return the answer to the offer with this number; `sections` maps mids to track ids."""
    described = rtc.SessionDescription(
        type="answer", sdp=sdp, id=number, mid_to_track_id=dict(sections)
    )
    return _encoded(rtc.SignalResponse(answer=described))


def offer(sdp: str, number: int, sections: Mapping[str, str]) -> bytes:
    """Return an offer of ours; `sections` maps mids to track ids."""
    described = rtc.SessionDescription(
        type="offer", sdp=sdp, id=number, mid_to_track_id=dict(sections)
    )
    return _encoded(rtc.SignalResponse(offer=described))


def sections_needed(audios: int) -> bytes:
    """Return the request for a new offer, with so many more sections of audio."""
    needed = rtc.MediaSectionsRequirement(num_audios=audios)
    return _encoded(rtc.SignalResponse(media_sections_requirement=needed))


def track_published(cid: str, track: models.TrackInfo) -> bytes:
    """Return the answer to a track's publication."""
    return _encoded(
        rtc.SignalResponse(track_published=rtc.TrackPublishedResponse(cid=cid, track=track))
    )


def track_unpublished(sid: str) -> bytes:
    """Return the news that a track of the client's own is not published any more."""
    return _encoded(
        rtc.SignalResponse(track_unpublished=rtc.TrackUnpublishedResponse(track_sid=sid))
    )


def mute(sid: str, *, muted: bool) -> bytes:
    """Return the news that a track of the client's own was muted by the server."""
    return _encoded(rtc.SignalResponse(mute=rtc.MuteTrackRequest(sid=sid, muted=muted)))


def speakers(changed: Iterable[models.SpeakerInfo]) -> bytes:
    """Return how loud the participants are whose loudness has changed."""
    return _encoded(rtc.SignalResponse(speakers_changed=rtc.SpeakersChanged(speakers=changed)))


def pong(now_ms: int) -> bytes:
    """Return the answer to the older form of a ping."""
    return _encoded(rtc.SignalResponse(pong=now_ms))


def pong_to(ping: rtc.Ping, now_ms: int) -> bytes:
    """Return the answer to a ping."""
    answered = rtc.Pong(last_ping_timestamp=ping.timestamp, timestamp=now_ms)
    return _encoded(rtc.SignalResponse(pong_resp=answered))


def refresh_token(token: str) -> bytes:
    """Return a token for the client to come back with."""
    return _encoded(rtc.SignalResponse(refresh_token=token))


def request_response(response: rtc.RequestResponse) -> bytes:
    """Return what came of a client's request."""
    return _encoded(rtc.SignalResponse(request_response=response))


def leave(end: CallEnd) -> bytes:
    """Return the end of the connection."""
    left = rtc.LeaveRequest(
        reason=end.reason,
        action=end.action,
        can_reconnect=end.action != rtc.LeaveRequest.DISCONNECT,
    )
    return _encoded(rtc.SignalResponse(leave=left))


def _encoded(response: rtc.SignalResponse) -> bytes:
    return response.SerializeToString()
