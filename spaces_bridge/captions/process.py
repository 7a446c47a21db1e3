"""One run of the caption worker, from its start to its end."""

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Final, TypeAlias

from spaces_bridge.captions.mailbox import Mailbox
from spaces_bridge.captions.messages import (
    CODEC,
    CaptionsMessage,
    CaptionsPing,
    CaptionsPong,
    FromCaptionWorker,
)
from spaces_bridge.wire.messages import BadMessage
from spaces_bridge.wire.piped_worker import PipedWorker
from spaces_bridge.wire.worker_link import Pulse
from spaces_bridge.wire.worker_process import worker_environment

COMMAND: Final = (sys.executable, "-m", "spaces_bridge.captions.worker")
PULSE: Final = Pulse(every_s=10.0, most_missed=6, most_missed_at_first=30)
"""A worker that answers nothing for a minute is stuck, and killed. While it loads its model it
does not answer, and has five minutes."""

OnMessage: TypeAlias = Callable[[FromCaptionWorker], None]

_OWN: Final = {"OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1", "ORT_DISABLE_TELEMETRY": "1"}
"""The worker's own variables: one thread, no network; without the last, onnxruntime tells its
makers of each start and keeps a device's id and a queue in the home directory."""


def worker_variables(of_control: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of a caption worker, given that of its control process."""
    return worker_environment(of_control, **_OWN)


async def run_worker(
    mailbox: Mailbox, on_message: OnMessage, command: Sequence[str] = COMMAND
) -> int:
    """Run a worker until it ends; return its exit status. Cancelling ends the worker.

    Messages go to it from `mailbox` and come from it through `on_message`.
    """

    def heard(message: CaptionsMessage) -> None:
        if not isinstance(message, FromCaptionWorker):
            raise BadMessage(f"{type(message).__name__} is not from a worker")
        on_message(message)

    worker: PipedWorker[CaptionsMessage] = PipedWorker(
        "caption worker",
        command,
        worker_variables(os.environ),
        CODEC,
        PULSE,
        ping=lambda _: mailbox.put(CaptionsPing()),
        is_pong=lambda message: isinstance(message, CaptionsPong),
    )
    return await worker.run(mailbox.get, heard)
