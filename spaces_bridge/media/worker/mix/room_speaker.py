"""A speaker whose sound comes of a room at an SFU: frames in as they come, one per tick out."""

from collections import deque
from typing import Final

from spaces_bridge.media.worker.mix.opus import Pcm

ROOM: Final = ""
"""The peer of such a speaker: none of ours."""
FIRST_HELD: Final = 2
"""Frames that are awaited before sound starts (40 ms): they come unevenly."""
MOST_HELD: Final = 3
"""Frames that wait at most (60 ms); the oldest goes when another comes."""


class RoomSpeaker:
    """A room speaker is a microphone like `Speaker`; None stands for 20 ms of silence."""

    def __init__(self) -> None:
        self.peer = ROOM
        self._held: deque[Pcm | None] = deque(maxlen=MOST_HELD)
        self._plays = False

    def receive(self, frame: Pcm | None) -> None:
        """Take a frame that came to an open gate."""
        self._held.append(frame)

    def reset(self) -> None:
        """Forget all sound: the gate was shut."""
        self._held.clear()
        self._plays = False

    def frame(self, _now: float) -> Pcm | None:
        """Return the next frame; None if there is no sound in it."""
        if not self._plays and len(self._held) < FIRST_HELD:
            return None
        while len(self._held) > FIRST_HELD and self._held[0] is None:
            self._held.popleft()  # a silence is where the delay goes back
        self._plays = bool(self._held)
        return self._held.popleft() if self._held else None
