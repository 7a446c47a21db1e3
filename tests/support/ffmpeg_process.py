"""FFmpeg's WHIP muxer, by PyAV, in a process of its own: it blocks while it connects.

Arguments: the WHIP address, and options of the muxer as JSON. Says "connected" once it is, sends
what must be a second of a tone, and leaves.
"""

import json
import sys
import time

import av
import numpy as np

from tests.support.sound import FRAME, RATE, frames_of, tone


def send(url: str, options: dict[str, str]) -> None:
    """Raises OSError where FFmpeg cannot connect."""
    out = av.open(url, "w", format="whip", options=options)
    stream = out.add_stream("libopus", rate=RATE, options={"vbr": "off"})
    stream.bit_rate = 160_000
    out.start_encoding()
    sys.stdout.write("connected\n")
    sys.stdout.flush()
    for number, pcm in enumerate(frames_of(tone(440, 1.0))):
        frame = av.AudioFrame.from_ndarray(
            np.repeat(pcm, 2).reshape(1, -1), format="s16", layout="stereo"
        )
        frame.sample_rate, frame.pts = RATE, number * FRAME
        out.mux(stream.encode(frame))
        time.sleep(FRAME / RATE)
    out.close()


if __name__ == "__main__":
    send(sys.argv[1], json.loads(sys.argv[2]))
