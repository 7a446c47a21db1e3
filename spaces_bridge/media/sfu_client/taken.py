"""The tracks of one room whose sound goes to the media worker."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from livekit import rtc
from spaces_bridge.core.ids import SpaceId, UserId
from spaces_bridge.media.pcm_link import RATE
from spaces_bridge.media.sfu_client.background import BackgroundTasks
from spaces_bridge.media.sfu_client.limits import MOST_FRAMES, MOST_TAKEN
from spaces_bridge.media.sfu_client.sound import WorkerSound

log = logging.getLogger(__name__)

CLOSE_S: Final = 0.5
"""The time that the SDK has to end the streams of a room that is left."""


@dataclass(slots=True)
class _Taken:
    """A track that was subscribed to, and the stream of its sound once that comes."""

    user: UserId
    publication: rtc.RemoteTrackPublication
    stream: rtc.AudioStream | None = None


class TakenTracks:
    """The taken tracks of a room: wanted by SID, subscribed to, and read.

    Nothing else is subscribed to: no video, and no sound of who is not on air.
    """

    def __init__(
        self, room: rtc.Room, space: SpaceId, sound: WorkerSound, changed: Callable[[], None]
    ) -> None:
        """`changed` is called when sound of a track begins or ends to come."""
        self._room, self._space, self._sound, self._changed = room, space, sound, changed
        self._wanted: Mapping[str, UserId] = {}
        self._taken: dict[str, _Taken] = {}
        self._background, self._closing = BackgroundTasks(), BackgroundTasks()

    @property
    def sids(self) -> tuple[str, ...]:
        """The tracks whose sound comes."""
        return tuple(sid for sid, taken in self._taken.items() if taken.stream is not None)

    def want(self, tracks: Mapping[str, UserId]) -> None:
        """Take exactly these tracks, as far as they are there."""
        if len(tracks) > MOST_TAKEN:
            log.error("more than %d tracks are to be taken: the rest is not", MOST_TAKEN)
        self._wanted = dict(list(tracks.items())[:MOST_TAKEN])
        self.look()

    def look(self) -> None:
        """Bring the subscriptions to what is wanted, of what the room has now."""
        there = {
            publication.sid: publication
            for person in self._room.remote_participants.values()
            for publication in person.track_publications.values()
            if publication.kind == rtc.TrackKind.KIND_AUDIO
        }
        for sid, taken in list(self._taken.items()):
            is_same = there.get(sid) is taken.publication
            if not is_same or self._wanted.get(sid) != taken.user:
                self._drop(sid, unsubscribe=is_same)
        for sid, user in self._wanted.items():
            if sid in there and sid not in self._taken:
                self._taken[sid] = _Taken(user, there[sid])
                there[sid].set_subscribed(True)
                if there[sid].track is not None:  # subscribed to before
                    self.subscribed(there[sid])

    def subscribed(self, publication: rtc.RemoteTrackPublication) -> None:
        """Read the sound of a track that comes now."""
        taken = self._taken.get(publication.sid)
        track = publication.track
        if taken is None or track is None or taken.stream is not None:
            return
        taken.stream = rtc.AudioStream(
            track, capacity=MOST_FRAMES, sample_rate=RATE, num_channels=1, frame_size_ms=20
        )
        self._sound.begin((self._space, taken.user), taken)
        self._background.start(self._read(taken, taken.stream))
        self._changed()

    def unsubscribed(self, sid: str) -> None:
        """Note that no sound of this track comes any more; it is asked for again if wanted."""
        if sid in self._taken:
            self._drop(sid, unsubscribe=False)

    def failed(self, sid: str) -> None:
        """Note that the SFU could not subscribe us; `look` asks again."""
        if sid in self._taken:
            self._drop(sid, unsubscribe=True)

    async def close(self) -> None:
        """Take nothing more."""
        self._wanted = {}
        for sid in list(self._taken):
            self._drop(sid, unsubscribe=False)
        await self._closing.finish(CLOSE_S)  # a stream that is not ended reads on for ever
        await self._background.stop()

    def _drop(self, sid: str, *, unsubscribe: bool) -> None:
        taken = self._taken.pop(sid)
        self._sound.end((self._space, taken.user), taken)
        if unsubscribe:
            taken.publication.set_subscribed(False)
        if taken.stream is not None:
            self._closing.start(taken.stream.aclose())
            self._changed()

    async def _read(self, taken: _Taken, stream: rtc.AudioStream) -> None:
        voice = (self._space, taken.user)
        async for event in stream:
            self._sound.send(voice, taken, bytes(event.frame.data))
