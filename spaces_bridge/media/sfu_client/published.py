"""People who speak on the page, as tracks that the client publishes in one room."""

import asyncio
import logging
from collections import deque
from typing import Final

from livekit.rtc.participant import PublishTrackError, UnpublishTrackError

from livekit import rtc
from spaces_bridge.core.ids import UserId
from spaces_bridge.media.pcm_link import FRAME_BYTES, RATE
from spaces_bridge.media.sfu_client.background import BackgroundTasks
from spaces_bridge.media.sfu_client.limits import MOST_FRAMES, MOST_PUBLISHED

log = logging.getLogger(__name__)

LINGER_S: Final = 2.0
"""A speaker of whom nothing came for so long, not even silence, is unpublished."""
QUEUE_MS: Final = 60
"""Sound that the SDK may hold of one track."""
_SAMPLES: Final = FRAME_BYTES // 2
_SILENCE: Final = bytes(FRAME_BYTES)
_AGAIN_S: Final = 5.0


class PublishedSpeakers:
    """The published speakers of a room; each comes and goes with the frames that come of them."""

    def __init__(self, room: rtc.Room) -> None:
        self._room = room
        self._waiting: dict[UserId, deque[bytes]] = {}
        self._came: dict[UserId, asyncio.Event] = {}
        self._background = BackgroundTasks()

    @property
    def count(self) -> int:
        """The speakers that are published, or about to be."""
        return len(self._waiting)

    def hear(self, user: UserId, pcm: bytes) -> None:
        """Take 20 ms of a speaker's; empty is silence. Beyond `MOST_PUBLISHED` it is dropped."""
        waiting = self._waiting.get(user)
        if waiting is None:
            if len(self._waiting) >= MOST_PUBLISHED:
                return
            waiting = self._waiting[user] = deque(maxlen=MOST_FRAMES)
            self._came[user] = asyncio.Event()
            self._background.start(self._publish(user))
        waiting.append(pcm or _SILENCE)
        self._came[user].set()

    async def close(self) -> None:
        """Publish nothing more."""
        await self._background.stop()

    async def _publish(self, user: UserId) -> None:
        """Publish a speaker for as long as frames come."""
        source = rtc.AudioSource(RATE, 1, queue_size_ms=QUEUE_MS)
        track = rtc.LocalAudioTrack.create_audio_track(user, source)
        options = rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_MICROPHONE)
        try:
            publication = await self._room.local_participant.publish_track(track, options)
            self._waiting[user].clear()  # what was said meanwhile would be late for ever
            await self._say(user, source)
            await self._room.local_participant.unpublish_track(publication.sid)
        except (PublishTrackError, UnpublishTrackError) as problem:
            log.warning("a speaker cannot be published: %s", type(problem).__name__)
            await asyncio.sleep(_AGAIN_S)  # what comes meanwhile does not try again
        finally:
            del self._waiting[user], self._came[user]
            await source.aclose()

    async def _say(self, user: UserId, source: rtc.AudioSource) -> None:
        waiting, came = self._waiting[user], self._came[user]
        while True:
            came.clear()
            while waiting:
                await source.capture_frame(rtc.AudioFrame(waiting.popleft(), RATE, 1, _SAMPLES))
            if not came.is_set():
                try:
                    async with asyncio.timeout(LINGER_S):  # wait_for may miss a cancellation
                        await came.wait()
                except TimeoutError:
                    return
