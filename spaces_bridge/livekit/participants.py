"""The participants of a live space's call, as LiveKit's clients see them."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from livekit.protocol import models

from spaces_bridge.core.ids import UserId
from spaces_bridge.livekit.limits import (
    ATTRIBUTES_MAX,
    HELD_MAX,
    METADATA_MAX,
    SUBSCRIPTIONS_MAX,
)
from spaces_bridge.livekit.outgoing import SignalQueue
from spaces_bridge.livekit.responses import CallEnd
from spaces_bridge.livekit.sids import is_track_sid, participant_sid
from spaces_bridge.livekit.tracks import MicrophoneTrack, SpeakerTrack

State = models.ParticipantInfo.State


@dataclass(slots=True)
class Subscriptions:
    """The tracks that a client is sent: all but some, or none but some.

    The oldest exceptions give way to new ones: tracks come and go, and their ids are not told
    apart from made up ones.
    """

    all: bool = True
    _excepted: dict[str, None] = field(default_factory=dict)

    def include(self, track: str) -> bool:
        """Return whether the client is to be sent this track."""
        return self.all is not (track in self._excepted)

    def set(self, tracks: Iterable[str], *, wanted: bool) -> None:
        """Take note that the client wants these tracks, or not; what is no id is passed over."""
        for track in tracks:
            if not is_track_sid(track):
                continue
            self._excepted.pop(track, None)
            if wanted is not self.all:
                self._excepted[track] = None
                if len(self._excepted) > SUBSCRIPTIONS_MAX:
                    del self._excepted[next(iter(self._excepted))]


@dataclass(slots=True, eq=False)
class CallParticipant:
    """A participant: one client that has joined the call.

    `queue` leads to its signalling, None while that is lost. `device` is the Matrix device, ""
    where the identity does not tell it.
    """

    identity: str
    user: UserId
    name: str
    device: str
    joined_at_ms: int
    may_publish: bool
    is_single: bool
    subscriptions: Subscriptions
    queue: SignalQueue | None = None
    sid: str = field(default_factory=participant_sid)
    is_active: bool = False
    """True from the moment at which its transport came up."""
    microphone: MicrophoneTrack | None = None
    metadata: str = ""
    attributes: Mapping[str, str] = field(default_factory=dict)
    ended: CallEnd | None = None
    held: list[bytes] | None = None
    """News of others that are held back from a client that had to join anew; None: none are."""
    _version: int = 0

    def send(self, message: bytes, *, fades: bool = False) -> None:
        """Queue a message to the client; what comes while its signalling is lost is not kept."""
        if self.queue is not None:
            self.queue.put(message, fades=fades)

    def tell(self, news: bytes) -> None:
        """Send news of participants, or hold them back for now."""
        if self.held is None:
            self.send(news)
        elif len(self.held) < HELD_MAX:
            self.held.append(news)
        else:
            self.release()
            self.send(news)

    def release(self) -> None:
        """Send what was held back."""
        held, self.held = self.held, None
        for news in held or ():
            self.send(news)

    def info(self) -> models.ParticipantInfo:
        """Return LiveKit's description of the participant, newer than those before."""
        self._version += 1
        return models.ParticipantInfo(
            sid=self.sid,
            identity=self.identity,
            name=self.name,
            state=self._state(),
            version=self._version,
            joined_at=self.joined_at_ms // 1000,
            joined_at_ms=self.joined_at_ms,
            metadata=self.metadata,
            attributes=self.attributes,
            permission=_permission(publishes=self.may_publish),
            is_publisher=self.microphone is not None,
            tracks=[] if self.microphone is None else [self.microphone.info()],
            disconnect_reason=self.ended.reason if self.ended else models.UNKNOWN_REASON,
        )

    def _state(self) -> State:
        if self.ended is not None:
            return models.ParticipantInfo.DISCONNECTED
        return models.ParticipantInfo.ACTIVE if self.is_active else models.ParticipantInfo.JOINED


@dataclass(slots=True)
class BotParticipant:
    """The bot as a participant: it publishes a track for each speaker who is not in the call."""

    identity: str
    name: str
    joined_at_ms: int
    sid: str = field(default_factory=participant_sid)
    tracks: dict[UserId, SpeakerTrack] = field(default_factory=dict)
    _version: int = 0

    def info(self) -> models.ParticipantInfo:
        """Return LiveKit's description of the bot, newer than those before."""
        self._version += 1
        return models.ParticipantInfo(
            sid=self.sid,
            identity=self.identity,
            name=self.name,
            state=models.ParticipantInfo.ACTIVE,
            version=self._version,
            joined_at=self.joined_at_ms // 1000,
            joined_at_ms=self.joined_at_ms,
            permission=_permission(publishes=True),
            is_publisher=bool(self.tracks),
            tracks=list(self._infos()),
        )

    def _infos(self) -> Iterator[models.TrackInfo]:
        for track in self.tracks.values():
            yield track.info()


def _permission(*, publishes: bool) -> models.ParticipantPermission:
    return models.ParticipantPermission(
        can_subscribe=True,
        can_publish=publishes,
        can_publish_sources=[models.MICROPHONE],
        can_update_metadata=True,
    )


def fit(metadata: str, attributes: Mapping[str, str]) -> bool:
    """Return whether a participant's metadata and attributes are within the bounds."""
    texts = [metadata, *(part for pair in attributes.items() for part in pair)]
    return (
        len(attributes) <= ATTRIBUTES_MAX
        and sum(len(text.encode()) for text in texts) <= METADATA_MAX
    )
