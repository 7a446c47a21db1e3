"""Who carries out which wish."""

from collections.abc import Sequence
from typing import Any, Protocol

from spaces_bridge.app import tasks as wish
from spaces_bridge.matrix.client.errors import RequestRefused


class TaskHandler(Protocol):
    """Carries out some kinds of wishes. `run` raises Refused, Away, NotYetError, StorageError.

    `run` gets only wishes of `kinds`; its result is what `Outbox.recall` says later.
    `refused` hears of those the homeserver refused for good.
    """

    @property
    def kinds(self) -> tuple[type[wish.OutboxTask], ...]: ...

    async def run(self, wanted: Any, key: str) -> str | None: ...  # noqa: ANN401 - one of kinds

    async def refused(self, wanted: Any, refusal: RequestRefused) -> None: ...  # noqa: ANN401


class TaskRouter:
    """Hands each wish to the one who carries it out."""

    def __init__(self, doers: Sequence[TaskHandler]) -> None:
        """Raises ValueError: two of them want to carry out the same kind."""
        self._by_kind: dict[type[wish.OutboxTask], TaskHandler] = {}
        for doer in doers:
            for kind in doer.kinds:
                if kind in self._by_kind:
                    raise ValueError(f"{kind.__name__} has two doers")
                self._by_kind[kind] = doer

    @property
    def kinds(self) -> frozenset[type[wish.OutboxTask]]:
        """All that somebody carries out."""
        return frozenset(self._by_kind)

    async def run(self, wanted: wish.OutboxTask, key: str) -> str | None:
        return await self._of(wanted).run(wanted, key)

    async def refused(self, wanted: wish.OutboxTask, refusal: RequestRefused) -> None:
        doer = self._by_kind.get(type(wanted))
        if doer is not None:
            await doer.refused(wanted, refusal)

    def _of(self, wanted: wish.OutboxTask) -> TaskHandler:
        try:
            return self._by_kind[type(wanted)]
        except KeyError:
            name = type(wanted).__name__
            raise RequestRefused(501, "M_UNRECOGNIZED", f"nobody carries out {name}") from None
