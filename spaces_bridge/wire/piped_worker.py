"""One run of a worker process that is spoken to by its standard input and output."""

import asyncio
import logging
from asyncio.subprocess import PIPE, Process
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Generic, TypeVar

from spaces_bridge.wire.messages import BadMessage, MessageCodec, TooLong
from spaces_bridge.wire.worker_link import Pulse, WorkerLink

log = logging.getLogger(__name__)

_MessageT = TypeVar("_MessageT")

_CHUNK = 64 * 1024


@dataclass(frozen=True, slots=True)
class PipedWorker(Generic[_MessageT]):
    """A piped worker as it is started and spoken to; `name` is what logs call it.

    It ends when its input does, or is killed after `grace_s`. `is_pong` tells which messages only
    answer pings: they are not handed on.
    """

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    codec: MessageCodec[_MessageT]
    pulse: Pulse
    ping: Callable[[int], object]
    is_pong: Callable[[_MessageT], bool]
    grace_s: float = 0.5

    async def run(
        self,
        next_message: Callable[[], Awaitable[_MessageT]],
        on_message: Callable[[_MessageT], None],
    ) -> int:
        """Run the worker until it ends; return its exit status. Cancelling ends it.

        `next_message` waits for what is to be sent; `on_message` takes what comes, and may raise
        BadMessage.
        """
        process = await asyncio.create_subprocess_exec(
            *self.command, stdin=PIPE, stdout=PIPE, env=self.environment
        )
        try:
            await self._converse(process, next_message, on_message)
        finally:
            await self._end(process)
        return await process.wait()

    async def _converse(
        self,
        process: Process,
        next_message: Callable[[], Awaitable[_MessageT]],
        on_message: Callable[[_MessageT], None],
    ) -> None:
        """Write and read until the worker's output ends, or it is stuck."""
        assert process.stdin is not None
        assert process.stdout is not None
        link = WorkerLink(self.pulse, ping=self.ping, on_message=on_message)
        link.ready()
        reading = asyncio.create_task(self._read(process.stdout, link))
        silent = asyncio.create_task(link.until_unresponsive())
        writing = asyncio.create_task(self._write(process.stdin, next_message))
        chores = (reading, silent, writing)
        try:
            await asyncio.wait({reading, silent}, return_when=asyncio.FIRST_COMPLETED)
            if reading.done():
                reading.result()
            else:
                silent.result()
                log.error("the %s is stuck and is killed", self.name, extra={"pid": process.pid})
        except BadMessage:
            log.exception("the %s sent something that is no message", self.name)
        finally:
            for chore in chores:
                chore.cancel()
            await asyncio.gather(*chores, return_exceptions=True)

    async def _end(self, process: Process) -> None:
        """End the worker by closing its stdin, and kill it if it does not end."""
        if process.stdin is not None:
            process.stdin.close()
        # not asyncio.timeout: in a task that is being cancelled, Python before 3.11.4 lets the
        # CancelledError through instead of a TimeoutError
        ending = asyncio.ensure_future(process.wait())
        # it may have more to say: a pipe that nobody reads is never seen to end, and Python 3.11
        # waits for the end of all pipes
        discarding = asyncio.ensure_future(_discard(process.stdout))
        try:
            await asyncio.wait({ending}, timeout=self.grace_s)
            if not ending.done():
                with suppress(ProcessLookupError):
                    process.kill()
            await ending
        finally:
            discarding.cancel()

    async def _read(self, stream: asyncio.StreamReader, link: WorkerLink[_MessageT]) -> None:
        framer = self.codec.framer()
        while data := await stream.read(_CHUNK):
            for body in framer.feed(data):
                message = self.codec.decode(body)
                link.answered()
                if not self.is_pong(message):
                    link.deliver(message)

    async def _write(
        self, stream: asyncio.StreamWriter, next_message: Callable[[], Awaitable[_MessageT]]
    ) -> None:
        # The pipe is gone when the worker is: the reader notices that, too.
        with suppress(ConnectionError):
            while True:
                message = await next_message()
                try:
                    stream.write(self.codec.encode(message))
                except TooLong as problem:
                    log.error("a message to the %s is not sent: %s", self.name, problem)
                await stream.drain()


async def _discard(stream: asyncio.StreamReader | None) -> None:
    """Read a stream to its end, for nobody."""
    with suppress(ConnectionError):
        while stream is not None and await stream.read(_CHUNK):
            pass
