"""Makes speech a little shorter or longer without a change of its pitch (WSOLA). Pure.

One period of the pitch is left out or repeated, and both ends fade into each other. Where there
is no pitch and no silence, the nearest likeness is taken only if it is good enough.
"""

from typing import Final

import numpy as np

from spaces_bridge.media.worker.mix.opus import Pcm

LEAST: Final = 120
"""Samples (2.5 ms): the shortest period, 400 Hz. Less is not worth a splice."""
MOST: Final = 720
"""Samples (15 ms): the longest period, 67 Hz."""
NEEDED: Final = 960
"""Samples at least that are to be given: the longest period and the fade."""

_FADE: Final = 240
_ALIKE: Final = 0.6  # correlation of what fades into each other
_SILENT: Final = 100.0  # mean square (-50 dBFS): a splice of it is not heard
_COARSE: Final = 4
_RISING: Final = np.linspace(0, 1, _FADE, dtype=np.float32)


def shorten(sound: Pcm, most: int) -> Pcm:
    """Return `sound` without one period of at most `most` samples, at its beginning.

    It is returned as it is where that would be heard. Its first samples stay, so that it goes on
    from what was played before.
    """
    period = _period(sound, most)
    if not period:
        return sound
    joined = _fade(sound[:_FADE], sound[period : period + _FADE])
    return np.concatenate((joined, sound[period + _FADE :]))


def lengthen(sound: Pcm, most: int) -> Pcm:
    """Return `sound` with one period of at most `most` samples said twice, at its beginning.

    It is returned as it is where that would be heard.
    """
    period = _period(sound, most)
    if not period:
        return sound
    joined = _fade(sound[period : period + _FADE], sound[:_FADE])
    return np.concatenate((sound[:period], joined, sound[_FADE:]))


def _fade(out: Pcm, into: Pcm) -> Pcm:
    return (out + (into.astype(np.float32) - out) * _RISING).astype(np.int16)


def _period(sound: Pcm, most: int) -> int:
    """Return after how many samples, up to `most`, sound is most like itself; 0: it is not."""
    most = min(most, MOST)
    if len(sound) < NEEDED or most < LEAST:
        return 0
    coarse = sound[:NEEDED:_COARSE].astype(np.float32)
    if float(np.mean(coarse * coarse)) < _SILENT:
        return most
    width, first, last = _FADE // _COARSE, LEAST // _COARSE, most // _COARSE
    head = coarse[:width]
    others = coarse[first : last + width]
    energy = np.convolve(others * others, np.ones(width, np.float32), "valid")
    likeness = np.correlate(others, head, "valid")
    likeness /= np.sqrt(energy * float(head @ head)) + 1.0
    best = int(np.argmax(likeness))
    return (first + best) * _COARSE if likeness[best] >= _ALIKE else 0
