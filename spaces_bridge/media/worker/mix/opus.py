"""Opus (RFC 6716) at 48 kHz mono, straight on the libopus that `opuslib-next-bundled` ships.

Only that package's library is used: its own classes copy every frame several times and cannot
conceal a lost packet, which libopus does when it is given none.
"""

import ctypes
import weakref
from typing import Final

import numpy as np
from numpy.typing import NDArray
from opuslib_next.api import libopus as _bundled

Pcm = NDArray[np.int16]
"""Samples, 48 kHz mono unless said otherwise."""

SAMPLE_RATE: Final = 48_000
FRAME: Final = 960
"""Samples of one tick (20 ms)."""
LONGEST: Final = 5760
"""Samples of the longest packet there can be (120 ms)."""
UNIT: Final = 120
"""Samples in 2.5 ms: libopus conceals multiples of it."""

_MAX_PACKET: Final = 1275
_HYBRID: Final = 12
"""From this configuration on, a packet is hybrid (RFC 6716, 3.1)."""
_CELT: Final = 16
"""From this configuration on, a packet is CELT alone."""
_SHORTEST_WITH_FEC: Final = 3
_AUDIO: Final = 2049  # OPUS_APPLICATION_AUDIO: what comes in was already made for speech
_SET_BITRATE: Final = 4002
_SET_COMPLEXITY: Final = 4010

_POINTER: Final = ctypes.c_void_p
_INT: Final = ctypes.c_int
# A handle of our own: prototypes set on it touch nobody else's.
_lib: Final = ctypes.CDLL(_bundled._name)
_lib.opus_encoder_create.argtypes = (_INT, _INT, _INT, ctypes.POINTER(_INT))
_lib.opus_encoder_create.restype = _POINTER
_lib.opus_encoder_destroy.argtypes = (_POINTER,)
_lib.opus_encoder_destroy.restype = None
_lib.opus_encode.argtypes = (_POINTER, _POINTER, _INT, ctypes.c_char_p, ctypes.c_int32)
_lib.opus_decoder_create.argtypes = (_INT, _INT, ctypes.POINTER(_INT))
_lib.opus_decoder_create.restype = _POINTER
_lib.opus_decoder_destroy.argtypes = (_POINTER,)
_lib.opus_decoder_destroy.restype = None
_lib.opus_decode.argtypes = (_POINTER, ctypes.c_char_p, ctypes.c_int32, _POINTER, _INT, _INT)
_lib.opus_encoder_ctl.argtypes = (_POINTER, _INT)  # the value is a variadic argument


class OpusError(ValueError):
    """libopus refused a broken packet or a wrong size."""


class Encoder:
    """An encoder makes Opus packets of 20 ms."""

    def __init__(self, bitrate: int = 32_000, complexity: int = 5) -> None:
        error = _INT()
        self._state = _lib.opus_encoder_create(SAMPLE_RATE, 1, _AUDIO, ctypes.byref(error))
        _check(error.value)
        weakref.finalize(self, _lib.opus_encoder_destroy, self._state)
        _check(_lib.opus_encoder_ctl(self._state, _SET_BITRATE, _INT(bitrate)))
        _check(_lib.opus_encoder_ctl(self._state, _SET_COMPLEXITY, _INT(complexity)))
        self._packet = ctypes.create_string_buffer(_MAX_PACKET)

    def encode(self, frame: Pcm) -> bytes:
        """Encode one contiguous frame of `FRAME` samples as a packet. Raises OpusError."""
        if frame.shape != (FRAME,) or frame.dtype != np.int16:
            raise OpusError(f"a frame has {FRAME} samples of 16 bits")
        size = _check(
            _lib.opus_encode(self._state, frame.ctypes.data, FRAME, self._packet, _MAX_PACKET)
        )
        return self._packet.raw[:size]


class Decoder:
    """A decoder turns one speaker's packets into samples, and makes up what is missing."""

    def __init__(self) -> None:
        error = _INT()
        self._state = _lib.opus_decoder_create(SAMPLE_RATE, 1, ctypes.byref(error))
        _check(error.value)
        weakref.finalize(self, _lib.opus_decoder_destroy, self._state)
        self._samples = np.empty(LONGEST, np.int16)

    def decode(self, packet: bytes) -> Pcm:
        """Return the packet's samples (10 to 120 ms). Raises OpusError for a broken one."""
        if not packet:
            raise OpusError("an empty packet")
        return self._decode(packet, LONGEST)

    def restore(self, following: bytes, samples: int) -> Pcm:
        """Return the `samples` lost before the packet `following`, from what it says of them.

        That is in-band FEC (RFC 6716, 2.1.7), where `has_fec` finds it. Raises OpusError.
        """
        return self._decode(following, samples, fec=1)

    def conceal(self, samples: int) -> Pcm:
        """Make up sound for a lost packet; `samples` is a multiple of `UNIT`. Raises OpusError."""
        return self._decode(None, samples)

    def _decode(self, packet: bytes | None, room: int, fec: int = 0) -> Pcm:
        size = len(packet) if packet else 0
        out = self._samples.ctypes.data
        got = _check(_lib.opus_decode(self._state, packet, size, out, room, fec))
        return self._samples[:got].copy()


def frame_duration(packet: bytes) -> int:
    """Return the samples of each frame in a packet by its first byte (RFC 6716, 3.1)."""
    config = packet[0] >> 3
    if config < _HYBRID:  # SILK: 10, 20, 40, 60 ms
        return (480, 960, 1920, 2880)[config & 3]
    if config < _CELT:  # hybrid: 10, 20 ms
        return (480, 960)[config & 1]
    return 120 << (config & 3)  # CELT: 2.5, 5, 10, 20 ms


def duration(packet: bytes) -> int:
    """Return the samples in a packet by its first bytes (RFC 6716, 3.1 and 3.2); 0: not Opus."""
    if not packet:
        return 0
    frames = (1, 2, 2, packet[1] & 63 if len(packet) > 1 else 0)[packet[0] & 3]
    total = frame_duration(packet) * frames
    return total if total <= LONGEST else 0


def has_fec(packet: bytes) -> bool:
    """Return whether a packet says what the frame before it was, too (RFC 6716, 4.2.3).

    Read of packets of one frame with SILK in them; of others it is not known here, and False.
    """
    if len(packet) < _SHORTEST_WITH_FEC or packet[0] >> 3 >= _CELT or packet[0] & 3:
        return False
    frames = max(1, frame_duration(packet) // FRAME)  # of 20 ms: a bit each says if it is voice
    return bool(packet[1] << frames & 0x80)


def _check(result: int) -> int:
    if result < 0:
        raise OpusError(f"libopus refused ({result})")
    return result
