"""One run of the caption worker, from its start to its end."""

import asyncio
import logging
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final, TypeAlias

from spaces_bridge.captions.mailbox import Mailbox
from spaces_bridge.captions.messages import (
    BadMessage,
    FromWorker,
    Ping,
    Pong,
    decode,
    encode,
    length_of,
)

_logger = logging.getLogger(__name__)

COMMAND: Final = (sys.executable, "-m", "spaces_bridge.captions.worker")
PING_S: Final = 10.0
STUCK_S: Final = 60.0
"""A worker that says nothing for so long is stuck, and killed."""
LOAD_S: Final = 300.0
"""Before its first message: a worker that loads its model says nothing."""

_GRACE_S: Final = 0.5

OnMessage: TypeAlias = Callable[[FromWorker], None]

_SECRETS: Final = "SPACES_"
"""Variables with this prefix configure the bridge and may be secrets: none for the worker."""


async def run_worker(
    mailbox: Mailbox, on_message: OnMessage, command: Sequence[str] = COMMAND
) -> int:
    """Run a worker until it ends; its exit status. Cancelling ends the worker.

    Messages go to it from `mailbox` and come from it through `on_message`.
    """
    process = await asyncio.create_subprocess_exec(
        *command, stdin=PIPE, stdout=PIPE, env=_environment(os.environ)
    )
    try:
        await _converse(process, mailbox, on_message)
    finally:
        await _end(process)
    return await process.wait()


def _environment(of_control: Mapping[str, str]) -> dict[str, str]:
    """One thread, no network, none of the bridge's secrets, and this very package."""
    package_root = str(Path(__file__).resolve().parents[2])
    path = os.pathsep.join(filter(None, [package_root, of_control.get("PYTHONPATH")]))
    return {
        **{name: value for name, value in of_control.items() if not name.startswith(_SECRETS)},
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "HF_HUB_OFFLINE": "1",
        "PYTHONPATH": path,
    }


async def _converse(process: Process, mailbox: Mailbox, on_message: OnMessage) -> None:
    """Write and read until the worker's end closes, or it is stuck."""
    assert process.stdin is not None
    assert process.stdout is not None
    chores = [
        asyncio.create_task(_write(process.stdin, mailbox)),
        asyncio.create_task(_ping(mailbox)),
    ]
    try:
        await _read(process.stdout, on_message)
    except TimeoutError:
        _logger.error("the caption worker is stuck and is killed", extra={"pid": process.pid})
    except BadMessage:
        _logger.exception("the caption worker sent something that is no message")
    finally:
        for chore in chores:
            chore.cancel()
        await asyncio.gather(*chores, return_exceptions=True)


async def _end(process: Process) -> None:
    """Have it end by itself, which the end of its stdin asks for; kill it if it does not."""
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


async def _read(stream: asyncio.StreamReader, on_message: OnMessage) -> None:
    patience_s = LOAD_S
    while True:
        async with asyncio.timeout(patience_s):
            try:
                body = await stream.readexactly(length_of(await stream.readexactly(4)))
            except asyncio.IncompleteReadError:
                return
        patience_s = STUCK_S
        message = decode(body)
        if not isinstance(message, FromWorker):
            raise BadMessage(f"{type(message).__name__} is not from a worker")
        if not isinstance(message, Pong):
            on_message(message)


async def _write(stream: asyncio.StreamWriter, mailbox: Mailbox) -> None:
    # The pipe is gone when the worker is: the reader notices that, too.
    with suppress(ConnectionError):
        while True:
            stream.write(encode(await mailbox.get()))
            await stream.drain()


async def _ping(mailbox: Mailbox) -> None:
    while True:
        await asyncio.sleep(PING_S)
        mailbox.put(Ping())
