"""Waiting for events outside: a wait is armed before the action, awaited after it."""

import asyncio
from collections.abc import Callable, Generator, Mapping
from typing import Any

Event = Mapping[str, Any]
"""A JSON object: a Matrix event, or a frame of the live feed."""
Wanted = Callable[[Event], bool]


class Expected:
    """An expected event: armed when made, awaited later."""

    def __init__(self, wanted: Wanted, what: str, timeout: float) -> None:
        self._wanted = wanted
        self._what = what
        self._timeout = timeout
        self._found: asyncio.Future[Event] = asyncio.get_running_loop().create_future()

    def offer(self, event: Event) -> None:
        """Check whether this event is the expected one."""
        if not self._found.done() and self._wanted(event):
            self._found.set_result(event)

    @property
    def done(self) -> bool:
        """Return whether the event came, or nobody waits any more."""
        return self._found.done()

    def __await__(self) -> Generator[Any, None, Event]:
        return self._wait().__await__()

    async def _wait(self) -> Event:
        try:
            return await asyncio.wait_for(self._found, self._timeout)
        except TimeoutError:
            raise TimeoutError(f"{self._what} did not come within {self._timeout:g} s") from None


class Watch:
    """A watch: all events that came, oldest first, and the expected ones."""

    def __init__(self) -> None:
        self.seen: list[Event] = []
        self._expected: list[Expected] = []

    def note(self, event: Event) -> None:
        """Note an event that came."""
        self.seen.append(event)
        for expected in self._expected:
            expected.offer(event)
        self._expected = [expected for expected in self._expected if not expected.done]

    def next(self, wanted: Wanted, what: str, timeout: float) -> Expected:
        """Return the first wanted event from now on."""
        expected = Expected(wanted, what, timeout)
        self._expected.append(expected)
        return expected
