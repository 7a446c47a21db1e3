"""The C floor: the cost of encrypting and sending when nothing else is done.

Run as a module, this is the server: it holds `floor.c`, compiled, and gives it the `srtp_protect`
of pylibsrtp, so that both sides encrypt with the same library. Its listeners are real SRTP
receivers; ICE and DTLS are left out, and the keys are dealt to both sides.
"""

import asyncio
import ctypes
import os
import secrets
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pylibsrtp._binding import ffi, lib

from benchmarks.peers.client import HOST
from benchmarks.peers.lines import answer, answering, questions
from benchmarks.peers.voice import TICK_S
from spaces_bridge.media.worker.edge.dtls import Identity
from spaces_bridge.media.worker.edge.srtp import Inbound, Outbound, Profile, new_ssrc
from spaces_bridge.media.worker.values import StreamDirection
from spaces_bridge_demo.wire import WirePeer

COMPILER = "cc"
_SOURCE = Path(__file__).with_name("floor.c")
_PAYLOAD = os.urandom(80)
_PROFILE = Profile.GCM  # what our edge agrees on with its clients
_RECEIVE_BUFFER = 1 << 20


class FloorBroken(Exception):
    """The floor cannot be built here, or did not send what it should."""


class _Listener(ctypes.Structure):
    """The `struct listener` of floor.c."""

    _fields_ = (
        ("session", ctypes.c_void_p),
        ("ssrc", ctypes.c_uint32),
        ("port", ctypes.c_uint16),
    )


def buildable() -> bool:
    """Return whether there is a C compiler."""
    return shutil.which(COMPILER) is not None


class _Receiver:
    """A receiver's socket, which decrypts incoming packets with a key that was dealt."""

    def __init__(self, identity: Identity) -> None:
        self.key, self.ssrc = secrets.token_bytes(sum(_PROFILE.sizes)), new_ssrc()
        self.peer = WirePeer(StreamDirection.LISTEN, identity, keep=False)
        self.peer.into = Inbound(_PROFILE, self.key)
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER)
        self._socket.bind((HOST, 0))
        self._socket.setblocking(False)
        asyncio.get_running_loop().add_reader(self._socket, self._read)

    def dealt(self) -> dict[str, object]:
        """Return the key, SSRC and port that the server is told."""
        port = self._socket.getsockname()[1]
        return {"key": self.key.hex(), "ssrc": self.ssrc, "port": port}

    def close(self) -> None:
        asyncio.get_running_loop().remove_reader(self._socket)
        self._socket.close()

    def _read(self) -> None:
        self.peer.receive(self._socket.recv(2048))


async def floor_us(listeners: int, seconds: float) -> float:
    """Return the floor's CPU microseconds per packet. Raises FloorBroken."""
    identity = Identity()
    with tempfile.TemporaryDirectory(prefix="bench-floor-") as name:
        library = await asyncio.to_thread(_build, Path(name))
        receivers = [_Receiver(identity) for _ in range(listeners)]
        try:
            async with answering("-m", "benchmarks.peers.floor") as server:
                dealt = [receiver.dealt() for receiver in receivers]
                result = await server.ask(
                    {"library": str(library), "listeners": dealt, "ticks": int(seconds / TICK_S)}
                )
            await asyncio.sleep(0.2)
            heard = sum(receiver.peer.received for receiver in receivers)
        finally:
            for receiver in receivers:
                receiver.close()
    if heard != result["sent"] or heard != listeners * int(seconds / TICK_S):
        raise FloorBroken(f"{heard} packets were decrypted of {result['sent']} sent")
    return 1e6 * float(result["cpu_s"]) / heard


def _build(directory: Path) -> Path:
    library = directory / "floor.so"
    argv = [COMPILER, "-O2", "-shared", "-fPIC", "-o", str(library), str(_SOURCE)]
    built = subprocess.run(argv, capture_output=True, text=True, timeout=60.0, check=False)
    if built.returncode != 0:
        raise FloorBroken(f"{COMPILER} could not build {_SOURCE.name}:\n{built.stderr}")
    return library


def _fan_out(library: str, dealt: Sequence[dict[str, Any]], ticks: int) -> tuple[float, int]:
    """Fan out in C, and return CPU seconds and packets sent."""
    outs = [Outbound(_PROFILE, bytes.fromhex(one["key"]), one["ssrc"]) for one in dealt]
    rows = (_Listener * len(dealt))()
    for row, out, one in zip(rows, outs, dealt, strict=True):
        row.session = int(ffi.cast("uintptr_t", out.context))
        row.ssrc, row.port = one["ssrc"], one["port"]
    fan_out = ctypes.CDLL(library).fan_out
    fan_out.restype = ctypes.c_double
    protect = ctypes.c_void_p(int(ffi.cast("uintptr_t", ffi.addressof(lib, "srtp_protect"))))
    sent = ctypes.c_long()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        cpu_s: float = fan_out(
            protect,
            rows,
            len(dealt),
            sock.fileno(),
            _PAYLOAD,
            len(_PAYLOAD),
            ticks,
            ctypes.byref(sent),
        )
    return cpu_s, sent.value


async def _serve() -> None:
    async for question in questions():
        cpu_s, sent = _fan_out(question["library"], question["listeners"], question["ticks"])
        answer(cpu_s=cpu_s, sent=sent)


if __name__ == "__main__":
    asyncio.run(_serve())
