"""A name server on loopback with records of one's own (RFC 1035, RFC 2782), over UDP."""

import asyncio
import socket
import struct
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import cast

A, SRV = 1, 33
IN = 1
AUTHORITATIVE_ANSWER, NO_SUCH_NAME = 0x8580, 0x8583


def srv(priority: int, weight: int, port: int, target: str) -> bytes:
    """The data of an SRV record."""
    return struct.pack(">HHH", priority, weight, port) + _labels(target)


def address(text: str) -> bytes:
    """The data of an A record."""
    return socket.inet_aton(text)


class NameServer(asyncio.DatagramProtocol):
    """Answers with the `records` of a name and type; names of `silent` are never answered."""

    def __init__(self) -> None:
        self.records: Mapping[tuple[str, int], Sequence[bytes]] = {}
        self.silent = frozenset[str]()
        self.asked: list[tuple[str, int]] = []
        self.port = 0
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.DatagramTransport", transport)
        self.port = transport.get_extra_info("sockname")[1]

    def datagram_received(self, data: bytes, addr: tuple[str | int, ...]) -> None:
        name, kind, question = _question(data)
        self.asked.append((name, kind))
        if name in self.silent or self._transport is None:
            return
        found = self.records.get((name, kind), ())
        known = any(name == other for other, _ in self.records)
        flags = AUTHORITATIVE_ANSWER if known else NO_SUCH_NAME
        header = data[:2] + struct.pack(">HHHHH", flags, 1, len(found), 0, 0)
        self._transport.sendto(header + question + _answers(kind, found), addr)


@asynccontextmanager
async def name_server() -> AsyncIterator[NameServer]:
    """One that runs, on 127.0.0.1 and `port`."""
    transport, server = await asyncio.get_running_loop().create_datagram_endpoint(
        NameServer, ("127.0.0.1", 0)
    )
    try:
        yield server
    finally:
        transport.close()


def _question(data: bytes) -> tuple[str, int, bytes]:
    """Name and type that are asked for, and the question as it stands in the message."""
    at, labels = 12, list[str]()
    while length := data[at]:
        labels.append(data[at + 1 : at + 1 + length].decode().lower())
        at += 1 + length
    (kind,) = struct.unpack_from(">H", data, at + 1)
    return ".".join(labels), kind, data[12 : at + 5]


def _answers(kind: int, found: Sequence[bytes]) -> bytes:
    """Records about the name of the question, which stands at byte 12."""
    head = struct.pack(">HHHI", 0xC00C, kind, IN, 60)
    return b"".join(head + struct.pack(">H", len(data)) + data for data in found)


def _labels(name: str) -> bytes:
    parts = [label.encode() for label in name.split(".") if label]
    return b"".join(bytes([len(part)]) + part for part in parts) + b"\0"
