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
from spaces_bridge.media.nodes.agent import NodeAgent
from spaces_bridge.media.nodes.dialer import Dialer
from spaces_bridge.media.nodes.options import NodeOptions
from spaces_bridge.media.sfu_client.messages import ToSfuClient
from spaces_bridge.media.sfu_process import INSTALL, SfuClientProcess, is_sdk_installed
from spaces_bridge.media.supervisor import Supervisor
from spaces_bridge.startup import ExitCode, StartUpError

log = logging.getLogger(__name__)

IDENTITY_FILE: Final = "node.id"
"""In the runtime directory: the secret by which the bridge knows this machine again."""
TASK: Final = "link to the bridge"


async def run(options: NodeOptions) -> int:
    """Run a node until SIGTERM or SIGINT; returns the exit code. Raises StartUpError."""
    if not is_sdk_installed():
        raise StartUpError(
            ExitCode.CONFIG_INVALID,
            f"A media node needs LiveKit's SDK. Install it with {INSTALL}.",
        )
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    with sole_bridge(options.media):
        node = MediaNode(options)
        try:
            await node.start()
            await stopping.wait()
        finally:
            log.info("the media node stops")
            await node.stop()
    return ExitCode.OK


class MediaNode:
    """A media node: what runs on this machine, and the link to the bridge."""

    def __init__(self, options: NodeOptions) -> None:
        """Raises StartUpError."""
        media, self._tasks = options.media, TaskSupervisor()
        self._agent = NodeAgent(self._send)
        self._client = SfuClientProcess(
            media.runtime_dir,
            on_message=self._agent.sfu_heard,
            on_lost=self._agent.sfu_lost,
            tasks=self._tasks,
        )
        self._supervisor = Supervisor(
            media,
            on_message=self._agent.heard,
            on_attached=self._agent.attached,
            tasks=self._tasks,
        )
        self._agent.attend(self._supervisor)
        self._dialer = Dialer(options, _identity(media.runtime_dir), self._agent)

    async def start(self) -> None:
        """Start the worker and its SFU client, and dial the bridge. Raises StartUpError."""
        try:
            await self._supervisor.start()
        except AdapterError as error:
            raise StartUpError(ExitCode.LISTENER, str(error)) from error
        log.info("the media node is up, on port %d", self._supervisor.port)
        self._client.start()
        self._tasks.keep(TASK, self._dialer.run)

    async def stop(self) -> None:
        """Tell the bridge, and end the sound."""
        await self._dialer.leave()
        await self._tasks.stop(TASK)
        await self._client.stop()
        await self._supervisor.stop()

    def _send(self, message: ToSfuClient) -> None:
        self._client.send(message)


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
