"""The tracks of a call: participants' microphones, and the speakers who are not in the call."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from livekit.protocol import models, rtc

from spaces_bridge.core.ids import UserId
from spaces_bridge.livekit.limits import CID_MAX, FEATURES_MAX, TRACK_NAME_MAX
from spaces_bridge.livekit.sids import track_sid

OPUS_MIME = "audio/opus"


@dataclass(slots=True)
class MicrophoneTrack:
    """The microphone that a participant publishes.

    `section` is the mid of the section that carries it, "" until one was negotiated. `is_open`:
    this track has opened the person's microphone in the live space; `opened` numbers these acts.
    """

    cid: str
    name: str
    muted: bool
    features: tuple[models.AudioTrackFeature, ...] = ()
    sid: str = field(default_factory=track_sid)
    section: str = ""
    is_open: bool = False
    opened: int = 0

    def info(self) -> models.TrackInfo:
        """Return LiveKit's description of the track."""
        return _info(
            self.sid, self.name, muted=self.muted, mid=self.section, features=self.features
        )


@dataclass(slots=True)
class SpeakerTrack:
    """The track of a speaker who is not in the call: the bot publishes it."""

    speaker: UserId
    name: str
    muted: bool
    sid: str = field(default_factory=track_sid)

    def info(self) -> models.TrackInfo:
        """Return LiveKit's description of the track."""
        return _info(self.sid, self.name, muted=self.muted)


def is_microphone(request: rtc.AddTrackRequest) -> bool:
    """Return whether a client would publish a microphone, within the bounds, and nothing else."""
    return (
        request.type == models.AUDIO
        and request.source == models.MICROPHONE
        and request.encryption == models.Encryption.NONE
        and 0 < len(request.cid) <= CID_MAX
    )


def microphone_of(request: rtc.AddTrackRequest) -> MicrophoneTrack:
    """Return the track that a client asks to publish."""
    features = tuple(request.audio_features[:FEATURES_MAX])
    return MicrophoneTrack(request.cid, request.name[:TRACK_NAME_MAX], request.muted, features)


def _info(
    sid: str,
    name: str,
    *,
    muted: bool,
    mid: str = "",
    features: Iterable[models.AudioTrackFeature] = (),
) -> models.TrackInfo:
    info = models.TrackInfo(
        sid=sid,
        type=models.AUDIO,
        source=models.MICROPHONE,
        name=name,
        muted=muted,
        mid=mid,
        mime_type=OPUS_MIME,
        codecs=[models.SimulcastCodecInfo(mime_type=OPUS_MIME, mid=mid)],
        disable_red=True,
    )
    info.audio_features.extend(features)
    return info
