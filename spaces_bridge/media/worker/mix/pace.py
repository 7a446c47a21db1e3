"""The pace of one speaker's sound: a little faster or slower until the delay is as wanted.

The delay leaves its target when the network changes, and when the speaker's clock runs otherwise
than ours. It is brought back without a hole: see `stretch.py`.
"""

from typing import Final

from spaces_bridge.media.worker.mix.opus import FRAME, SAMPLE_RATE, Pcm
from spaces_bridge.media.worker.mix.stretch import LEAST, lengthen, shorten

_PULLS: Final = 10  # packets over which the least slack is looked for: ticks may be late
_MARGIN_S: Final = 0.004
_MOST_S: Final = FRAME / SAMPLE_RATE + _MARGIN_S  # above: a frame less is enough


class Pace:
    """The pace changes by one frame at a time, in as many splices as that takes."""

    def __init__(self) -> None:
        self._least_s = float("inf")
        self._pulls = 0
        self._excess = 0  # samples that are to be left out; below 0: to be said twice

    def note(self, slack_s: float) -> None:
        """Note how far above its target the delay of a packet is that is taken now."""
        if self._excess:
            return
        self._least_s = min(self._least_s, slack_s)
        self._pulls += 1
        if self._pulls >= _PULLS:
            least_s = self._least_s
            self.reset()
            self._excess = FRAME if least_s > _MOST_S else -FRAME if least_s < -_MARGIN_S else 0

    def reset(self) -> None:
        """Begin anew: the sound was interrupted."""
        self._least_s, self._pulls, self._excess = float("inf"), 0, 0

    def shape(self, sound: Pcm) -> Pcm:
        """Return the sound, shorter or longer by a period if it is to be."""
        if not self._excess:
            return sound
        if self._excess > 0:
            shaped = shorten(sound, self._excess)
        else:
            shaped = lengthen(sound, -self._excess)
        self._excess += len(shaped) - len(sound)
        if abs(self._excess) < LEAST:
            self.reset()
        return shaped
