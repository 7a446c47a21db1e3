"""Speech as it travels between the processes: s16le, 16 kHz, mono."""

from typing import Final

SAMPLE_RATE: Final = 16_000
BYTES_PER_MS: Final = SAMPLE_RATE // 1000 * 2


def length_ms(pcm: bytes) -> int:
    """Return the length of sound in whole milliseconds."""
    return len(pcm) // BYTES_PER_MS
