"""The end of a piped worker, whatever it does: it is always noticed."""

import asyncio
import signal
import sys
from dataclasses import dataclass
from typing import Final

import pytest

from spaces_bridge.wire.messages import BadMessage, MessageCodec
from spaces_bridge.wire.piped_worker import PipedWorker
from spaces_bridge.wire.worker_link import Pulse

pytestmark = pytest.mark.peers


@dataclass(frozen=True, slots=True)
class Said:
    """Anything."""

    number: int


CODEC: Final = MessageCodec({"Said": Said}, 1000)


def worker(program: str, grace_s: float = 0.1) -> PipedWorker[Said]:
    """A worker that runs this program."""
    return PipedWorker(
        "worker",
        (sys.executable, "-c", program),
        {},
        CODEC,
        Pulse(60.0, most_missed=1),
        ping=lambda _number: None,
        is_pong=lambda _message: False,
        grace_s=grace_s,
    )


async def nothing() -> Said:
    """Wait for a message to the worker, which never comes."""
    await asyncio.Event().wait()
    return Said(0)


def refuse(_message: Said) -> None:
    raise BadMessage("not that one")


BEGIN: Final = f"""
import sys
out = sys.stdout.buffer
said = {CODEC.encode(Said(1))!r}
out.write(said)
out.flush()
"""
MUCH: Final = "out.write(bytes(1_000_000)); out.flush()\n"
"""More than a pipe and a reader's buffer take."""


async def test_a_worker_whose_output_is_read_no_more_ends_by_itself() -> None:
    program = BEGIN + MUCH + "sys.stdin.read()"
    async with asyncio.timeout(20):
        assert await worker(program, grace_s=20.0).run(nothing, refuse) == 0


async def test_a_worker_that_does_not_end_is_killed_with_its_output_unread() -> None:
    program = BEGIN + MUCH + "while True: sys.stdin.read()"
    async with asyncio.timeout(20):
        assert await worker(program).run(nothing, refuse) == -signal.SIGKILL


async def test_a_worker_that_never_stops_talking_can_be_stopped() -> None:
    heard = asyncio.Event()
    program = BEGIN + "while True: out.write(said * 1000)"
    running = asyncio.create_task(worker(program).run(nothing, lambda _message: heard.set()))
    async with asyncio.timeout(20):
        await heard.wait()
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
