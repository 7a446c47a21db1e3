"""The control process's link to one worker, whatever carries it."""

import asyncio
import itertools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

_MessageT = TypeVar("_MessageT")


class WorkerNotRunning(OSError):
    """The worker is not running: none listens where it was looked for."""


class WorkerUnresponsive(TimeoutError):
    """The worker is unresponsive: its process is there and does not answer."""

    def __init__(self, pid: int) -> None:
        super().__init__(f"process {pid} does not answer")
        self.pid = pid


@dataclass(frozen=True, slots=True)
class Pulse:
    """A pulse says how often a worker is pinged and how many pings in a row it may miss."""

    every_s: float
    most_missed: int
    most_missed_at_first: int | None = None
    """The same before a worker's first sign of life, if it may have much to load."""


class WorkerLink(Generic[_MessageT]):
    """A worker link hands a worker's messages on and watches that the worker answers.

    Messages that come before the control process is ready for them wait in the link.
    """

    def __init__(
        self,
        pulse: Pulse,
        *,
        ping: Callable[[int], object],
        on_message: Callable[[_MessageT], None],
    ) -> None:
        """`ping` sends the ping of a number without waiting; `on_message` takes a message."""
        self._pulse = pulse
        self._ping, self._on_message = ping, on_message
        at_first = pulse.most_missed_at_first
        self._most_missed = pulse.most_missed if at_first is None else at_first
        self._missed = 0
        self._is_ready = False
        self._early: list[_MessageT] = []

    def deliver(self, message: _MessageT) -> None:
        """Hand a message on, at once or as soon as `ready` was called."""
        if self._is_ready:
            self._on_message(message)
        else:
            self._early.append(message)

    def ready(self) -> None:
        """Hand on the messages that came early, and from now on each as it comes."""
        self._is_ready = True
        for message in self._early:
            self._on_message(message)
        self._early.clear()

    def answered(self) -> None:
        """Note a sign of life of the worker."""
        self._missed, self._most_missed = 0, self._pulse.most_missed

    async def until_unresponsive(self) -> None:
        """Ping the worker until it has missed too many pings."""
        for number in itertools.count(1):
            if self._missed >= self._most_missed:
                return
            self._missed += 1
            self._ping(number)
            await asyncio.sleep(self._pulse.every_s)
