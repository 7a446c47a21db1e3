"""FFmpeg's and aiortc's receivers: what they make of a speaker's packets on a bad network.

aiortc's jitter buffer and decoder take no clock, so they are driven on paper. FFmpeg looks at the
clock, so it gets its packets over loopback when they are due; many at once, each at its port.
"""

import socket
import struct
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

import numpy as np
from aiortc.codecs.opus import OpusDecoder
from aiortc.jitterbuffer import JitterBuffer
from aiortc.rtp import RtpPacket
from av import AudioFrame

from benchmarks.lossy import Sent, arrivals
from spaces_bridge.media.worker.mix.opus import FRAME, Pcm

_KIND: Final = 111
_SSRC: Final = 7
_BYE: Final = struct.pack("!BBHI", 0x80, 201, 1, _SSRC) + struct.pack("!BBHI", 0x81, 203, 1, _SSRC)
_FILLED: Final = "aresample=async=1:min_hard_comp=0.001:first_pts=0"  # gaps are silence


def aiortc_hears(trace: Sequence[Sent]) -> Pcm:
    """Return the sound of aiortc's receiver, each frame where its timestamp says."""
    buffer, decoder = JitterBuffer(capacity=16, prefetch=4), OpusDecoder()
    heard = np.zeros(len(trace) * FRAME, np.int16)
    for _, sent in arrivals(trace):
        packet = RtpPacket(_KIND, 0, sent.number % (1 << 16), sent.number * FRAME, _SSRC)
        packet._data = sent.payload  # type: ignore[attr-defined] # as aiortc's receiver does
        _, frame = buffer.add(packet)
        if frame is None:
            continue
        for decoded in decoder.decode(frame):
            assert isinstance(decoded, AudioFrame)
            stereo = decoded.to_ndarray().reshape(-1, 2)
            heard[frame.timestamp : frame.timestamp + FRAME] = stereo.mean(axis=1)[:FRAME]
    return heard


def ffmpeg_hears(traces: Sequence[Sequence[Sent]]) -> Sequence[Pcm]:
    """Return the sound of an FFmpeg for each trace, all run at once and in real time."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        ears = [stack.enter_context(_ffmpeg(folder / str(place))) for place in range(len(traces))]
        _send(traces, [port for port, _ in ears])
        for _, process in ears:
            process.wait(30)
        return [
            np.frombuffer((folder / f"{place}.pcm").read_bytes(), np.int16)
            for place in range(len(traces))
        ]


def _send(traces: Sequence[Sequence[Sent]], ports: Sequence[int]) -> None:
    due = sorted(
        (at, place, sent)
        for place, trace in enumerate(traces)
        for at, sent in ((one, each.number) for one, each in arrivals(trace))
    )
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
        began = time.monotonic()
        for at, place, number in due:
            time.sleep(max(0.0, began + at - time.monotonic()))
            head = struct.pack("!BBHII", 0x80, _KIND, number, number * FRAME, _SSRC)
            out.sendto(head + traces[place][number].payload, ("127.0.0.1", ports[place]))
        time.sleep(1)  # what it still waits for is given up
        for port in ports:
            out.sendto(_BYE, ("127.0.0.1", port + 1))


@contextmanager
def _ffmpeg(path: Path) -> Iterator[tuple[int, subprocess.Popen[bytes]]]:
    port = _free_port()
    path.with_suffix(".sdp").write_text(
        f"v=0\no=- 0 0 IN IP4 127.0.0.1\ns=-\nc=IN IP4 127.0.0.1\nt=0 0\n"
        f"m=audio {port} RTP/AVP {_KIND}\na=rtpmap:{_KIND} opus/48000/2\n"
    )
    command = [
        "ffmpeg", "-loglevel", "error", "-protocol_whitelist", "file,udp,rtp",
        "-analyzeduration", "0", "-i", f"{path}.sdp", "-af", _FILLED,
        "-ac", "1", "-ar", "48000", "-f", "s16le", f"{path}.pcm",
    ]  # fmt: skip
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL)
    try:
        _await_listening(port)
        yield port, process
    finally:
        process.kill()
        process.wait()


def _free_port() -> int:
    """Return an even port, free with the one after it."""
    while True:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as first:
            first.bind(("127.0.0.1", 0))
            port: int = first.getsockname()[1]
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as second:
            try:
                second.bind(("127.0.0.1", port + 1))
            except OSError:
                continue
        if port % 2 == 0:
            return port


def _await_listening(port: int) -> None:
    until = time.monotonic() + 20
    wanted = f":{port:04X} "
    while time.monotonic() < until:
        if wanted in Path("/proc/net/udp").read_text() + Path("/proc/net/udp6").read_text():
            return
        time.sleep(0.05)
    raise RuntimeError("FFmpeg does not listen")
