"""The C floor: the cost of encrypting and sending when nothing else is done.

Run as a module, this is the server: it holds `floor.c`, compiled, and gives it the `srtp_protect`
of pylibsrtp, so that both sides encrypt with the same library. Its listeners are real SRTP
receivers; ICE and DTLS are left out, and the keys are dealt to both sides.
"""

import asyncio
import ctypes
import os
import secrets
import socket
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pylibsrtp._binding import ffi, lib

from benchmarks.peers.client import HOST
from benchmarks.peers.compiled import FloorBroken, built
from benchmarks.peers.lines import answer, answering, questions
from benchmarks.peers.sink import Sink
from benchmarks.peers.voice import TICK_S
from spaces_bridge.media.worker.edge.dtls import Identity
from spaces_bridge.media.worker.edge.srtp import Inbound, Outbound, Profile, new_ssrc
from spaces_bridge.media.worker.values import StreamDirection
from spaces_bridge_demo.wire import WirePeer

_SOURCE = Path(__file__).with_name("floor.c")
_PAYLOAD = 80
_PROFILE = Profile.GCM  # what our edge agrees on with its clients
_RECEIVE_BUFFER = 1 << 20


class _Listener(ctypes.Structure):
    """The `struct listener` of floor.c."""

    _fields_ = (
        ("session", ctypes.c_void_p),
        ("ssrc", ctypes.c_uint32),
        ("port", ctypes.c_uint16),
    )


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

    def rest(self, sink: Sink) -> None:
        """Leave the socket to a sink, which decrypts nothing."""
        asyncio.get_running_loop().remove_reader(self._socket)
        sink.take(self._socket.fileno())

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
    """Return the floor's CPU microseconds per packet. Raises FloorBroken.

    Its listeners decrypt each packet.
    """
    identity = Identity()
    receivers = [_Receiver(identity) for _ in range(listeners)]
    try:
        spent = await _spent(receivers, seconds, _PAYLOAD, 1)
        return spent.us_per_packet(sum(receiver.peer.received for receiver in receivers))
    finally:
        for receiver in receivers:
            receiver.close()


async def sunk_floor_us(listeners: int, seconds: float, payload: int, phases: int) -> float:
    """Return the floor's CPU microseconds per packet, with a sink for the listeners.

    Each listener gets `payload` bytes every `phases` ticks. Raises FloorBroken.
    """
    identity, sink = Identity(), Sink(listeners)
    receivers = [_Receiver(identity) for _ in range(listeners)]
    try:
        for receiver in receivers:
            receiver.rest(sink)
        spent = await _spent(receivers, seconds, payload, phases)
        return spent.us_per_packet(sink.counted().packets)
    finally:
        sink.close()
        for receiver in receivers:
            receiver.close()


@dataclass(frozen=True, slots=True)
class _Spent:
    """What the floor has spent and sent, and what it should have sent."""

    cpu_s: float
    sent: int
    wanted: int

    def us_per_packet(self, heard: int) -> float:
        """Return the cost of a packet if all of them came. Raises FloorBroken."""
        if heard != self.sent or heard != self.wanted:
            raise FloorBroken(f"{heard} packets came of {self.sent} sent")
        return 1e6 * self.cpu_s / heard


async def _spent(
    receivers: Sequence[_Receiver], seconds: float, payload: int, phases: int
) -> _Spent:
    ticks = int(seconds / TICK_S / phases) * phases
    with tempfile.TemporaryDirectory(prefix="bench-floor-") as name:
        library = await asyncio.to_thread(built, _SOURCE, Path(name))
        async with answering("-m", "benchmarks.peers.floor") as server:
            question = {
                "library": str(library),
                "listeners": [receiver.dealt() for receiver in receivers],
                "ticks": ticks,
                "payload": payload,
                "phases": phases,
            }
            result = await server.ask(question)
    await asyncio.sleep(0.2)
    return _Spent(float(result["cpu_s"]), result["sent"], len(receivers) * ticks // phases)


def _fan_out(question: Mapping[str, Any]) -> tuple[float, int]:
    """Fan out in C, and return CPU seconds and packets sent."""
    dealt = question["listeners"]
    outs = [Outbound(_PROFILE, bytes.fromhex(one["key"]), one["ssrc"]) for one in dealt]
    rows = (_Listener * len(dealt))()
    for row, out, one in zip(rows, outs, dealt, strict=True):
        row.session = int(ffi.cast("uintptr_t", out.context))
        row.ssrc, row.port = one["ssrc"], one["port"]
    fan_out = ctypes.CDLL(question["library"]).fan_out
    fan_out.restype = ctypes.c_double
    protect = ctypes.c_void_p(int(ffi.cast("uintptr_t", ffi.addressof(lib, "srtp_protect"))))
    sent, payload = ctypes.c_long(), os.urandom(question["payload"])
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        cpu_s: float = fan_out(
            protect,
            rows,
            len(dealt),
            sock.fileno(),
            payload,
            len(payload),
            question["ticks"],
            question["phases"],
            ctypes.byref(sent),
        )
    return cpu_s, sent.value


async def _serve() -> None:
    async for question in questions():
        cpu_s, sent = _fan_out(question)
        answer(cpu_s=cpu_s, sent=sent)


if __name__ == "__main__":
    asyncio.run(_serve())
