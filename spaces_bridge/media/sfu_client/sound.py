"""The client's end of the sound between it and its media worker."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Final, TypeAlias

from spaces_bridge.core.ids import SpaceId, UserId
from spaces_bridge.media.pcm_link import FRAME_BYTES, PcmFrame, PcmLink, link_paths

FLUSH_S: Final = 0.004
"""Frames of different tracks come one by one, and so long they wait to share a datagram."""
_MOST_WAITING: Final = 256
_SILENCE: Final = bytes(FRAME_BYTES)

Voice: TypeAlias = tuple[SpaceId, UserId]


class WorkerSound:
    """The worker sound sends what comes of rooms, and hands on what is to be published there.

    Of several tracks of one user the newest taken is sent: two at once would be none.
    """

    def __init__(self, directory: Path, publish: Callable[[PcmFrame], None]) -> None:
        worker, client = link_paths(directory)
        self._link = PcmLink(client, worker, publish)
        self._waiting: list[PcmFrame] = []
        self._newest: dict[Voice, object] = {}

    def open(self) -> None:
        """Begin. Raises OSError."""
        self._link.open()

    def close(self) -> None:
        """End."""
        self._link.close()

    @property
    def dropped(self) -> int:
        """Datagrams that were dropped since the start."""
        return self._link.dropped + self._link.refused

    def begin(self, voice: Voice, track: object) -> None:
        """Send what comes of this track from now on, in place of another of this user's."""
        self._newest[voice] = track

    def end(self, voice: Voice, track: object) -> None:
        """Send nothing more of this track."""
        if self._newest.get(voice) is track:
            del self._newest[voice]

    def send(self, voice: Voice, track: object, pcm: bytes) -> None:
        """Send 20 ms of a track; of another length, or of an older track, nothing is sent."""
        if len(pcm) != FRAME_BYTES or self._newest.get(voice) is not track:
            return
        if not self._waiting:
            asyncio.get_running_loop().call_later(FLUSH_S, self._flush)
        if len(self._waiting) < _MOST_WAITING:
            self._waiting.append(PcmFrame(*voice, b"" if pcm == _SILENCE else pcm))

    def _flush(self) -> None:
        frames, self._waiting = self._waiting, []
        self._link.send(frames)
