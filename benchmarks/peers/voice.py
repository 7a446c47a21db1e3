"""The voice for servers that encode: every frame costs an encoder real work."""

import asyncio
from collections.abc import Callable

import numpy as np

from spaces_bridge.media.worker.mix.opus import FRAME, SAMPLE_RATE, Pcm

TICK_S = 0.02
_FRAMES = 50
_SEED = 1


def frames() -> list[Pcm]:
    """Return one second to be repeated: a vowel-like hum that swells, and some breath."""
    chance = np.random.default_rng(_SEED)
    at = np.arange(_FRAMES * FRAME) / SAMPLE_RATE
    hum = sum(np.sin(2 * np.pi * 120 * n * at) / n for n in range(1, 12))
    sound = hum * (1.2 - np.cos(2 * np.pi * 4 * at)) * 2500 + chance.normal(0, 300, len(at))
    return list(sound.astype(np.int16).reshape(_FRAMES, FRAME))


async def every_tick(speak: Callable[[int], object]) -> None:
    """Call `speak(index)` 50 times a second until cancelled; late calls are made up for."""
    loop = asyncio.get_running_loop()
    began, index = loop.time(), 0
    while True:
        speak(index)
        index += 1
        await asyncio.sleep(max(0.0, began + index * TICK_S - loop.time()))
