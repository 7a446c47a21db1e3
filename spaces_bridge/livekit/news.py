"""The news of a call's participants, gathered for a moment: many changes cost one message."""

import asyncio
from collections.abc import Callable
from typing import Protocol

from livekit.protocol import models

from spaces_bridge.livekit.limits import NEWS_S


class Described(Protocol):
    """A participant that can be described to clients."""

    @property
    def sid(self) -> str:
        """LiveKit's id of the participant."""
        ...

    def info(self) -> models.ParticipantInfo:
        """Return LiveKit's description as the participant is now."""
        ...


class CallNews:
    """The participants who have changed since the clients were last told."""

    def __init__(self, due: Callable[[], None]) -> None:
        """`due` is called a moment after the first of several changes."""
        self._due = due
        self._changed: dict[str, Described] = {}
        self._timer: asyncio.TimerHandle | None = None

    def gather(self, *changed: Described) -> None:
        """Take note of participants who have changed; none: something else has."""
        for participant in changed:
            self._changed[participant.sid] = participant
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(NEWS_S, self._run_out)

    def take(self) -> list[models.ParticipantInfo]:
        """Return descriptions of those who have changed; they count as told."""
        changed, self._changed = self._changed, {}
        return [participant.info() for participant in changed.values()]

    def stop(self) -> None:
        """Forget all: there is nobody to be told."""
        self._changed.clear()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _run_out(self) -> None:
        self._timer = None
        self._due()
