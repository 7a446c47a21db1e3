"""The control process's link to one media worker."""

import asyncio
from collections.abc import Callable
from typing import Final

from spaces_bridge.media.codec import CODEC
from spaces_bridge.media.launch import Process, RunningWorker
from spaces_bridge.media.messages import (
    FromMediaWorker,
    Hello,
    MediaMessage,
    Ping,
    Pong,
    Superseded,
    Synced,
)
from spaces_bridge.wire.connection import Connection
from spaces_bridge.wire.worker_link import Pulse, WorkerLink

START_S: Final = 10.0
"""The time a worker may take until it has sent all it has."""
PULSE: Final = Pulse(every_s=0.5, most_missed=4)
"""A worker that answers nothing for two seconds is taken for dead."""


class MediaWorkerLink:
    """A media worker link is the conversation with one worker, and what it has told so far."""

    def __init__(self, process: Process, on_message: Callable[[FromMediaWorker], None]) -> None:
        self.process = process
        self.hello: Hello | None = None
        self.synced = asyncio.Event()
        self.ended = asyncio.Event()
        self.is_superseded = False
        self.connection: Connection[MediaMessage] | None = None
        self.talk: WorkerLink[FromMediaWorker] = WorkerLink(
            PULSE, ping=self._ping, on_message=on_message
        )

    async def open(self, found: RunningWorker, protocol: int) -> None:
        """Take up the conversation and wait until the worker has sent all it has.

        `protocol` is ours: a worker of another one may send messages that we do not know. Raises
        TimeoutError.
        """
        connection = Connection(
            CODEC,
            self._hear,
            lambda _: self.ended.set(),
            skip_unknown=found.greeting.protocol != protocol,
        )
        loop = asyncio.get_running_loop()
        await loop.create_unix_connection(lambda: connection, sock=found.connection)
        self.connection = connection
        async with asyncio.timeout(START_S):
            await self.synced.wait()

    def close(self) -> None:
        """End the connection to the worker."""
        if self.connection is not None:
            self.connection.abort()

    async def end(self, grace_s: float = 0.0) -> None:
        """End the worker process, which has `grace_s` to end by itself."""
        await self.process.end(grace_s)
        self.close()

    def _ping(self, number: int) -> None:
        assert self.connection is not None
        self.connection.send(Ping(number))

    def _hear(self, _connection: Connection[MediaMessage], message: MediaMessage) -> None:
        match message:
            case Hello():
                self.hello = message
            case Synced():
                self.synced.set()
            case Pong():
                self.talk.answered()
            case Superseded():
                self.is_superseded = True
                self.close()
            case _ if isinstance(message, FromMediaWorker):
                self.talk.deliver(message)
            case _:
                pass  # a message of our own, sent back
