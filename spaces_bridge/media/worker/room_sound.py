"""Sound between the live spaces of a worker and rooms at an SFU, by way of the SFU client.

Both directions are behind the gate: what comes is refused at a shut one, as a peer's packet is,
and what goes out is what was just mixed.
"""

import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

import numpy as np

from spaces_bridge.core.ids import SpaceId, UserId
from spaces_bridge.media import messages
from spaces_bridge.media.pcm_link import PcmFrame, PcmLink, link_paths
from spaces_bridge.media.worker.mix.opus import Pcm
from spaces_bridge.media.worker.mix.space_mix import SpaceMix

log = logging.getLogger(__name__)

_SAMPLES: Final = np.dtype("<i2")


class RoomSound:
    """The room sound of a worker; `spaces` are the worker's own, kept up to date."""

    def __init__(
        self,
        directory: Path,
        spaces: Mapping[SpaceId, SpaceMix],
        replaced: Callable[[str | None], None],
    ) -> None:
        """`replaced` is called with the peer whose microphone a room's sound has replaced."""
        self._spaces, self._replaced = spaces, replaced
        own, other = link_paths(directory)
        self._link = PcmLink(own, other, self._hear)
        self._frames: list[PcmFrame] = []

    def obey(
        self, mix: SpaceMix, message: messages.UseRoomSound | messages.PublishSpeakers
    ) -> None:
        """Do what a message of the control process says of this live space."""
        if message.on:
            self._open()
        match message:
            case messages.PublishSpeakers():
                mix.publishes = message.on
            case messages.UseRoomSound() if message.on:
                self._replaced(mix.use_room(message.user))
            case messages.UseRoomSound():
                mix.leave_room(message.user)

    def collect(self, space: SpaceId, published: Mapping[str, Pcm | None]) -> None:
        """Take the sound of a tick for the SFU client; None is silence."""
        self._frames.extend(
            PcmFrame(space, UserId(user), b"" if pcm is None else pcm.astype(_SAMPLES).tobytes())
            for user, pcm in published.items()
        )

    def flush(self) -> None:
        """Send what was collected: all live spaces of a tick together."""
        if self._frames:
            self._link.send(self._frames)
            self._frames = []

    def close(self) -> None:
        """Take and send nothing more."""
        self._link.close()

    def numbers(self) -> Mapping[str, float]:
        """Return the numbers for the metrics, since the start."""
        return {"room_sound_dropped": self._link.dropped + self._link.refused}

    def _open(self) -> None:
        try:
            self._link.open()
        except OSError as problem:
            log.error("no sound can come from rooms at an SFU: %s", problem.strerror)

    def _hear(self, frame: PcmFrame) -> None:
        mix = self._spaces.get(frame.space)
        if mix is not None:
            pcm = np.frombuffer(frame.pcm, _SAMPLES).astype(np.int16) if frame.pcm else None
            mix.hear_room(frame.user, pcm)
