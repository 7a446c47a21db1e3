"""Requests to the media worker that it replies to, each with a number of its own."""

import asyncio
import itertools
from collections.abc import Callable
from typing import Final, Generic, TypeVar

from spaces_bridge.app.errors import AdapterError

ANSWER_S: Final = 5.0
"""Seconds in which the worker has to reply."""

Reply = TypeVar("Reply")


class Requests(Generic[Reply]):
    """Requests that wait for their reply."""

    def __init__(self, numbers: "itertools.count[int] | None" = None) -> None:
        self._numbers = numbers or itertools.count(1)
        self._waiting: dict[int, asyncio.Future[Reply]] = {}

    async def ask(self, send: Callable[[int], None]) -> Reply:
        """Send a request, given its number, and return the reply.

        Raises OfferRefused if the worker refuses, AdapterError if it does not reply.
        """
        number = next(self._numbers)
        replied: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        self._waiting[number] = replied
        send(number)
        try:
            return await asyncio.wait_for(replied, ANSWER_S)
        except TimeoutError as problem:
            raise AdapterError("The sound does not answer. Try again in a moment.") from problem
        finally:
            del self._waiting[number]

    def settle(self, number: int, outcome: Reply | Exception) -> None:
        """Take the reply, or the refusal, to a request; nothing if nobody waits for it."""
        replied = self._waiting.get(number)
        if replied is None or replied.done():
            return
        if isinstance(outcome, Exception):
            replied.set_exception(outcome)
        else:
            replied.set_result(outcome)

    def give_up(self) -> None:
        """Fail all: the worker they were sent to is gone."""
        for replied in self._waiting.values():
            if not replied.done():
                replied.set_exception(AdapterError("The sound was restarted. Try again."))
