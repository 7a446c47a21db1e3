"""One speaker's microphone: packets in, a frame of sound per tick out."""

from collections.abc import Callable

import numpy as np

from spaces_bridge.media.worker.mix.gaps import GapWatch
from spaces_bridge.media.worker.mix.jitter import Gap, JitterBuffer, Restored
from spaces_bridge.media.worker.mix.opus import FRAME, Decoder, OpusError, Pcm, duration
from spaces_bridge.media.worker.mix.pace import Pace
from spaces_bridge.media.worker.values import RtpPacket

_NOTHING: Pcm = np.zeros(0, np.int16)


class Speaker:
    """A speaker is one open microphone: check the gate before `receive` and `frame`."""

    def __init__(self, peer: str, make_decoder: Callable[[], Decoder] = Decoder) -> None:
        self.peer = peer
        self.jitter = JitterBuffer()
        self.broken = 0
        """Packets that libopus refused."""
        self._make_decoder = make_decoder
        self._decoder: Decoder | None = None
        self._left = _NOTHING
        self._pace = Pace()
        self._gaps = GapWatch()
        self._ssrc: int | None = None

    def receive(self, packet: RtpPacket, arrived: float) -> None:
        """Take a packet that came to an open gate."""
        self._follow(packet)
        self.jitter.push(packet.sequence, packet.timestamp, packet.payload, arrived)

    def refuse(self, packet: RtpPacket) -> None:
        """Refuse a packet that came to a shut gate: nothing up to it is ever played."""
        self._follow(packet)
        self.jitter.pass_by(packet.sequence, packet.timestamp)

    def _follow(self, packet: RtpPacket) -> None:
        """Begin anew if the packet is of another stream: nothing of the one before counts."""
        if self._ssrc not in (None, packet.ssrc):
            self.reset()
            self.jitter = JitterBuffer()
        self._ssrc = packet.ssrc

    def missing_percent(self) -> int:
        """Return how much of the sound is missing lately, in percent; 0: it is well enough.

        To be asked every two seconds.
        """
        return self._gaps.measure(self.jitter.totals)

    def reset(self) -> None:
        """Forget all sound, the decoder's memory of it included: the gate was shut."""
        self.jitter.flush()
        self._pace.reset()
        self._left = _NOTHING
        self._decoder = None

    def frame(self, now: float) -> Pcm | None:
        """Return the next `FRAME` samples; None if there is no sound in them."""
        samples, silent = self._fill(self._left, now)
        self._left = _NOTHING
        if silent:
            return None
        shaped = self._pace.shape(samples)
        if len(shaped) < FRAME:
            shaped, _ = self._fill(shaped, now)
        self._left = shaped[FRAME:]
        return shaped[:FRAME]

    def _fill(self, left: Pcm, now: float) -> tuple[Pcm, bool]:
        """Return `left` and what comes after it, a frame at least; and whether it is silence."""
        parts, have, silent = [left], len(left), not len(left)
        while have < FRAME:
            slack_s = self.jitter.slack_s(now)
            taken = self.jitter.take(now)
            if isinstance(taken, Gap):
                self._pace.reset()
            elif slack_s is not None:
                self._pace.note(slack_s)
            part = self._sound_of(taken)
            if isinstance(taken, Gap) and not taken.conceal:
                part = part[: FRAME - have]  # what comes after silence begins with a frame
            else:
                silent = False
            parts.append(part)
            have += len(part)
        return np.concatenate(parts), silent

    def _sound_of(self, taken: bytes | Gap | Restored) -> Pcm:
        if isinstance(taken, Gap) and not taken.conceal:
            return np.zeros(taken.samples, np.int16)
        if self._decoder is None:
            self._decoder = self._make_decoder()
        if isinstance(taken, Gap):
            return self._decoder.conceal(taken.samples)
        try:
            if isinstance(taken, Restored):
                return self._decoder.restore(taken.following, taken.samples)
            return self._decoder.decode(taken)
        except OpusError:
            self.broken += 1
            lost = taken.samples if isinstance(taken, Restored) else duration(taken)
            return np.zeros(lost, np.int16)
