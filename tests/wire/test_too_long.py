"""Messages that are too long: they are not sent, and what follows is."""

import asyncio
import sys
from dataclasses import dataclass
from typing import Final

import pytest

from spaces_bridge.wire.connection import Connection
from spaces_bridge.wire.messages import MessageCodec, TooLong
from spaces_bridge.wire.piped_worker import PipedWorker
from spaces_bridge.wire.worker_link import Pulse

pytestmark = pytest.mark.peers


@dataclass(frozen=True, slots=True)
class Said:
    """A text."""

    text: str


CODEC: Final = MessageCodec({"Said": Said}, 100)
FITTING: Final = Said("x" * (100 - 4 - len('{"kind": "Said", "text": ""}')))
LONG: Final = Said(FITTING.text + "x")


def test_what_is_encoded_is_what_the_other_side_takes() -> None:
    sent = CODEC.encode(FITTING)
    assert len(sent) == 4 + 100
    (body,) = CODEC.framer().feed(sent)
    assert CODEC.decode(body) == FITTING
    with pytest.raises(TooLong, match="Said of 101 bytes"):
        CODEC.encode(LONG)


class Transport(asyncio.Transport):
    """A transport that keeps what is written."""

    def __init__(self) -> None:
        super().__init__()
        self.written = b""

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.written += data

    def is_closing(self) -> bool:
        return False


def test_a_connection_goes_on_without_a_message_that_is_too_long() -> None:
    connection = Connection(CODEC, lambda *_: None, lambda _: None)
    transport = Transport()
    connection.connection_made(transport)
    connection.send(LONG)
    connection.send(FITTING)
    assert transport.written == CODEC.encode(FITTING)


async def test_a_piped_worker_goes_on_without_a_message_that_is_too_long() -> None:
    echo = "import sys; sys.stdout.buffer.write(sys.stdin.buffer.read(104))"
    worker = PipedWorker(
        "worker",
        (sys.executable, "-c", echo),
        {},
        CODEC,
        Pulse(60.0, most_missed=1),
        ping=lambda _number: None,
        is_pong=lambda _message: False,
    )
    waiting: asyncio.Queue[Said] = asyncio.Queue()
    for each in (LONG, FITTING):
        waiting.put_nowait(each)
    heard = list[Said]()
    async with asyncio.timeout(20):
        await worker.run(waiting.get, heard.append)
    assert heard == [FITTING]
