"""Voice detection by Silero VAD v6, streaming, one instance per speaker's track.

The network is the one inside faster-whisper (MIT). It sees 512 samples of 16 kHz sound with the 64
samples before them and carries an LSTM state from frame to frame.
"""

import hashlib
from importlib.resources import files
from typing import Final, TypeAlias

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from spaces_bridge.captions.worker.segmenter import FRAME_SAMPLES

Sound: TypeAlias = NDArray[np.float32]

_CONTEXT: Final = 64
_ASSET: Final = "silero_vad_v6.onnx"
_SHA256: Final = "4cbf549b8326f60f80f2536d9eefeb450a9abe83365a098031c89719f1be17d2"


def load_vad() -> onnxruntime.InferenceSession:
    """Load the network, on one thread, to be shared by all tracks.

    Raises RuntimeError if faster-whisper carries another network than the one measured here.
    """
    network = files("faster_whisper").joinpath("assets", _ASSET).read_bytes()
    if hashlib.sha256(network).hexdigest() != _SHA256:
        raise RuntimeError(f"faster-whisper brought an unknown {_ASSET}")
    options = onnxruntime.SessionOptions()
    options.inter_op_num_threads = options.intra_op_num_threads = 1
    options.enable_cpu_mem_arena = False
    options.log_severity_level = 4
    return onnxruntime.InferenceSession(network, options, providers=["CPUExecutionProvider"])


class VoiceDetector:
    """A voice detector gives the voice probabilities of one track."""

    def __init__(self, session: onnxruntime.InferenceSession) -> None:
        self._session = session
        self.reset()

    def reset(self) -> None:
        """Forget the sound so far, after a gap."""
        self._h = np.zeros((1, 1, 128), np.float32)
        self._c = np.zeros((1, 1, 128), np.float32)
        self._context = np.zeros(_CONTEXT, np.float32)

    def probabilities(self, sound: Sound) -> list[float]:
        """Return one probability (0..1) per frame; `sound` is a whole number of frames, -1..1."""
        known = np.concatenate([self._context, sound])
        width = FRAME_SAMPLES + _CONTEXT
        frames = np.lib.stride_tricks.sliding_window_view(known, width)[::FRAME_SAMPLES]
        output, self._h, self._c = self._session.run(
            None, {"input": np.ascontiguousarray(frames), "h": self._h, "c": self._c}
        )
        self._context = known[-_CONTEXT:]
        return [float(p) for p in np.ravel(output)]
