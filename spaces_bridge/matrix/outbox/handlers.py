"""The port of task handlers, and the router that gives each outbox task to its own."""

from collections.abc import Sequence
from typing import Any, Protocol

from spaces_bridge.app import tasks
from spaces_bridge.matrix.client.errors import RequestRefused


class TaskHandler(Protocol):
    """A task handler carries out outbox tasks of some kinds.

    `run` gets only tasks of `kinds`; its result is what `Outbox.recall` returns later. It raises
    RequestRefused, Away, NotYetError, StorageError. `refused` is called with a task that the
    homeserver refused for good.
    """

    @property
    def kinds(self) -> tuple[type[tasks.OutboxTask], ...]: ...

    async def run(self, wanted: Any, key: str) -> str | None: ...  # noqa: ANN401 - one of kinds

    async def refused(self, wanted: Any, refusal: RequestRefused) -> None: ...  # noqa: ANN401


class TaskRouter:
    """The router that hands each outbox task to the task handler of its kind."""

    def __init__(self, handlers: Sequence[TaskHandler]) -> None:
        """The constructor raises ValueError: two handlers have the same kind."""
        self._by_kind: dict[type[tasks.OutboxTask], TaskHandler] = {}
        for handler in handlers:
            for kind in handler.kinds:
                if kind in self._by_kind:
                    raise ValueError(f"{kind.__name__} has two handlers")
                self._by_kind[kind] = handler

    @property
    def kinds(self) -> frozenset[type[tasks.OutboxTask]]:
        """All kinds of outbox tasks that have a handler."""
        return frozenset(self._by_kind)

    async def run(self, wanted: tasks.OutboxTask, key: str) -> str | None:
        return await self._of(wanted).run(wanted, key)

    async def refused(self, wanted: tasks.OutboxTask, refusal: RequestRefused) -> None:
        handler = self._by_kind.get(type(wanted))
        if handler is not None:
            await handler.refused(wanted, refusal)

    def _of(self, wanted: tasks.OutboxTask) -> TaskHandler:
        try:
            return self._by_kind[type(wanted)]
        except KeyError:
            name = type(wanted).__name__
            raise RequestRefused(501, "M_UNRECOGNIZED", f"nobody carries out {name}") from None
