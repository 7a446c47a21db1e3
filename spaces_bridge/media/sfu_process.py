"""The SFU client as a process beside a media worker: started, watched, and started again.

What it is to do is its relay's (`relays.py`); here is only what needs a process of this machine.
"""

import asyncio
import importlib.util
import logging
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from spaces_bridge.app.supervisor import TaskSupervisor
from spaces_bridge.media.sfu_client.codec import CODEC
from spaces_bridge.media.sfu_client.messages import (
    FromSfuClient,
    SfuClientReady,
    SfuMessage,
    SfuPing,
    SfuPong,
    ToSfuClient,
)
from spaces_bridge.pacing.backoff import Backoff
from spaces_bridge.wire.messages import BadMessage
from spaces_bridge.wire.piped_worker import PipedWorker
from spaces_bridge.wire.worker_link import Pulse
from spaces_bridge.wire.worker_process import worker_environment

log = logging.getLogger(__name__)

TASK: Final = "SFU client"
COMMAND: Final = (sys.executable, "-m", "spaces_bridge.media.sfu_client")
PULSE: Final = Pulse(every_s=1.0, most_missed=5, most_missed_at_first=30)
"""A client that answers nothing for five seconds is stuck, and killed. First it has a library to
load."""
CLIENT_BACKOFF: Final = Backoff(0.2, 10.0, factor=3.0)
_STEADY_S: Final = 30.0
"""After a client that lived so long, the back-off starts from the beginning."""
_GRACE_S: Final = 4.0
"""The time to leave all rooms: an SFU shows who just vanished for a while."""
_MOST_WAITING: Final = 10_000
"""Messages that wait for a client; one that takes none for so long is about to be killed."""


INSTALL: Final = "`.venv/bin/pip install --require-hashes -r requirements/livekit.txt`"
"""What installs the SDK, where the bridge was installed as docs/admin.md says."""


def is_sdk_installed() -> bool:
    """Return whether LiveKit's SDK is there, which only the extra `livekit` installs."""
    try:
        return importlib.util.find_spec("livekit.rtc") is not None
    except ModuleNotFoundError:
        return False


class SfuClientProcess:
    """An SFU client process is kept alive; callbacks come from the loop, and must not wait."""

    def __init__(
        self,
        runtime_dir: Path,
        *,
        on_message: Callable[[FromSfuClient], None],
        on_lost: Callable[[], None],
        tasks: TaskSupervisor | None = None,
        command: Sequence[str] = COMMAND,
    ) -> None:
        """`runtime_dir` is its media worker's; `on_lost` is called after each end of a process."""
        self._command = (*command, str(runtime_dir.absolute()))
        self._on_message, self._on_lost = on_message, on_lost
        self._tasks = tasks or TaskSupervisor()
        self._waiting: asyncio.Queue[ToSfuClient] | None = None
        self.pid: int | None = None
        """The process id; None while there is no client that is ready."""
        self.restarts = 0
        """The number of times a client had to be replaced."""

    def start(self) -> None:
        """Start the client, and start it again whenever it ends."""
        self._tasks.keep(TASK, self._supervise)

    async def stop(self) -> None:
        """End the client, which leaves its rooms."""
        await self._tasks.stop(TASK)
        self.pid = self._waiting = None

    def send(self, message: ToSfuClient) -> None:
        """Send to the client without waiting; without one nothing is sent."""
        if self._waiting is not None and self._waiting.qsize() < _MOST_WAITING:
            self._waiting.put_nowait(message)

    async def _supervise(self) -> None:
        loop = asyncio.get_running_loop()
        failures = 0
        while True:
            started = loop.time()
            status = await self._run_once()
            was_ready, self.pid, self._waiting = self.pid is not None, None, None
            self.restarts += 1
            log.error("the SFU client ended (status %s) and is started again", status)
            if was_ready:
                self._on_lost()
            failures = 0 if loop.time() - started > _STEADY_S else failures + 1
            await asyncio.sleep(CLIENT_BACKOFF.wait_s(failures))

    async def _run_once(self) -> int | None:
        """Run one client; return its exit status, or None if it could not be started."""
        waiting: asyncio.Queue[ToSfuClient] = asyncio.Queue()
        self._waiting = waiting
        worker: PipedWorker[SfuMessage] = PipedWorker(
            "SFU client",
            self._command,
            worker_environment(os.environ),
            CODEC,
            PULSE,
            ping=lambda number: self.send(SfuPing(number)),
            is_pong=lambda message: isinstance(message, SfuPong),
            grace_s=_GRACE_S,
        )
        try:
            return await worker.run(waiting.get, self._heard)
        except OSError:
            log.exception("the SFU client cannot be started")
            return None

    def _heard(self, message: SfuMessage) -> None:
        if not isinstance(message, FromSfuClient):
            raise BadMessage("it is not from a client")
        if isinstance(message, SfuClientReady):
            self.pid = message.pid
        self._on_message(message)
