"""The process of a media node: a worker and an SFU client, kept alive, and the bridge's link."""

import asyncio
import logging
import os
import secrets
import signal
from pathlib import Path
from typing import Final

from spaces_bridge.app.errors import AdapterError
from spaces_bridge.app.supervisor import TaskSupervisor
from spaces_bridge.media.launch import sole_bridge
from spaces_bridge.media.nodes.carrier import Carrier
from spaces_bridge.media.nodes.dialer import Dialer
from spaces_bridge.media.nodes.options import NodeOptions
from spaces_bridge.media.supervisor import Supervisor
from spaces_bridge.startup import ExitCode, StartUpError

log = logging.getLogger(__name__)

IDENTITY_FILE: Final = "node.id"
"""In the runtime directory: the secret by which the bridge knows this machine again."""
TASK: Final = "link to the bridge"


async def run(options: NodeOptions) -> int:
    """Run a node until SIGTERM or SIGINT; returns the exit code. Raises StartUpError."""
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    with sole_bridge(options.media):
        tasks = TaskSupervisor()
        carrier = Carrier()
        supervisor = Supervisor(
            options.media, on_message=carrier.heard, on_attached=carrier.attached, tasks=tasks
        )
        carrier.attend(supervisor)
        dialer = Dialer(options, _identity(options.media.runtime_dir), carrier)
        try:
            await supervisor.start()
        except AdapterError as error:
            raise StartUpError(ExitCode.LISTENER, str(error)) from error
        log.info("the media node is up, on port %d", supervisor.port)
        tasks.keep(TASK, dialer.run)
        await stopping.wait()
        log.info("the media node stops")
        await dialer.leave()
        await tasks.stop(TASK)
        await supervisor.stop()
    return ExitCode.OK


def _identity(directory: Path) -> str:
    """Return this machine's secret, made at the first start. Raises StartUpError."""
    path = directory / IDENTITY_FILE
    try:
        if not path.exists():
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(handle, "w") as file:
                file.write(secrets.token_urlsafe(32))
        return path.read_text("ascii").strip()
    except (OSError, ValueError) as error:
        raise StartUpError(
            ExitCode.CONFIG_INVALID,
            f"{path} cannot be read or written ({error}): choose another --runtime-dir, or delete "
            "the file.",
        ) from error
