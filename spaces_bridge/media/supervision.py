"""What a stage needs of the supervisor of its media worker, which may run on another machine."""

from collections.abc import Callable, Mapping
from typing import Protocol, TypeAlias

from spaces_bridge.media.messages import FromMediaWorker, Hello, Record, ToMediaWorker

OnMessage: TypeAlias = Callable[[FromMediaWorker], None]
"""Called with each message of the worker that the supervisor does not deal with itself."""

OnAttached: TypeAlias = Callable[[Hello, Mapping[str, Record]], None]
"""Called when a worker is attached: what it has, and the records to go on with if it is new."""


class Supervision(Protocol):
    """The supervision of one media worker, as `WorkerStage` needs it."""

    @property
    def port(self) -> int:
        """The worker's public port. Raises AdapterError where it is not known."""
        ...

    @property
    def pid(self) -> int | None:
        """The id of the worker's process on this machine; None while there is none."""
        ...

    @property
    def is_attached(self) -> bool:
        """Whether the worker can be reached now."""
        ...

    @property
    def restarts(self) -> int:
        """The number of times a worker had to be replaced."""
        ...

    async def attached(self, timeout: float) -> None:
        """Wait until a worker is attached. Raises AdapterError after `timeout` seconds."""
        ...

    async def start(self) -> None:
        """Find or start the worker. Raises StartUpError, AdapterError."""
        ...

    async def stop(self) -> None:
        """End what was started here."""
        ...

    def send(self, message: ToMediaWorker) -> None:
        """Send to the worker; without one nothing is sent, and `OnAttached` makes up for it."""
        ...

    def forget(self, peer: str) -> None:
        """Drop the record of this peer, so that no worker goes on with it."""
        ...


Supervise: TypeAlias = Callable[[OnMessage, OnAttached], Supervision]
"""Makes the supervision of a worker."""
