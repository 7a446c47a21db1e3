"""One run of the caption worker, from its start to its end."""

import asyncio
import logging
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Final, TypeAlias

from spaces_bridge.captions.mailbox import Mailbox
from spaces_bridge.captions.messages import CODEC, CaptionsPing, CaptionsPong, FromCaptionWorker
from spaces_bridge.wire.messages import BadMessage
from spaces_bridge.wire.worker_link import Pulse, WorkerLink
from spaces_bridge.wire.worker_process import worker_environment

log = logging.getLogger(__name__)

COMMAND: Final = (sys.executable, "-m", "spaces_bridge.captions.worker")
PULSE: Final = Pulse(every_s=10.0, most_missed=6, most_missed_at_first=30)
"""A worker that answers nothing for a minute is stuck, and killed. While it loads its model it
does not answer, and has five minutes."""

_GRACE_S: Final = 0.5
_CHUNK: Final = 64 * 1024

OnMessage: TypeAlias = Callable[[FromCaptionWorker], None]

_OWN: Final = {"OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}
"""The worker's own variables: one thread, no network."""


async def run_worker(
    mailbox: Mailbox, on_message: OnMessage, command: Sequence[str] = COMMAND
) -> int:
    """Run a worker until it ends; return its exit status. Cancelling ends the worker.

    Messages go to it from `mailbox` and come from it through `on_message`.
    """
    environment = worker_environment(os.environ, **_OWN)
    process = await asyncio.create_subprocess_exec(
        *command, stdin=PIPE, stdout=PIPE, env=environment
    )
    try:
        await _converse(process, mailbox, on_message)
    finally:
        await _end(process)
    return await process.wait()


async def _converse(process: Process, mailbox: Mailbox, on_message: OnMessage) -> None:
    """Write and read until the worker's output ends, or it is stuck."""
    assert process.stdin is not None
    assert process.stdout is not None
    link = WorkerLink(PULSE, ping=lambda _: mailbox.put(CaptionsPing()), on_message=on_message)
    link.ready()
    reading = asyncio.create_task(_read(process.stdout, link))
    silent = asyncio.create_task(link.until_unresponsive())
    chores = [reading, silent, asyncio.create_task(_write(process.stdin, mailbox))]
    try:
        await asyncio.wait({reading, silent}, return_when=asyncio.FIRST_COMPLETED)
        if reading.done():
            reading.result()
        else:
            silent.result()
            log.error("the caption worker is stuck and is killed", extra={"pid": process.pid})
    except BadMessage:
        log.exception("the caption worker sent something that is no message")
    finally:
        for chore in chores:
            chore.cancel()
        await asyncio.gather(*chores, return_exceptions=True)


async def _end(process: Process) -> None:
    """End the worker by closing its stdin, and kill it if it does not end."""
    if process.stdin is not None:
        process.stdin.close()
    # not asyncio.timeout: in a task that is being cancelled, Python before 3.11.4 lets the
    # CancelledError through instead of a TimeoutError
    ending = asyncio.ensure_future(process.wait())
    await asyncio.wait({ending}, timeout=_GRACE_S)
    if not ending.done():
        with suppress(ProcessLookupError):
            process.kill()
    await ending


async def _read(stream: asyncio.StreamReader, link: WorkerLink[FromCaptionWorker]) -> None:
    framer = CODEC.framer()
    while data := await stream.read(_CHUNK):
        for body in framer.feed(data):
            message = CODEC.decode(body)
            if not isinstance(message, FromCaptionWorker):
                raise BadMessage(f"{type(message).__name__} is not from a worker")
            link.answered()
            if not isinstance(message, CaptionsPong):
                link.deliver(message)


async def _write(stream: asyncio.StreamWriter, mailbox: Mailbox) -> None:
    # The pipe is gone when the worker is: the reader notices that, too.
    with suppress(ConnectionError):
        while True:
            stream.write(CODEC.encode(await mailbox.get()))
            await stream.drain()
