"""The outbox behaves as a list of tasks in memory would, whatever is asked of it in any order."""

import asyncio
from collections.abc import Coroutine, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count
from typing import TypeVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from spaces_bridge.app.errors import StorageError
from spaces_bridge.app.records import OutboxEntry
from spaces_bridge.storage.storage import Storage, open_storage
from tests.storage.support import SetClock, effect

pytestmark = pytest.mark.peers

_T = TypeVar("_T")

KEYS = st.sampled_from(["a", "b", "c", "d\x00"])
CARDS = st.sampled_from(["card1", "card2"])
ANY_KEY = st.one_of(KEYS, CARDS)
BODIES = st.dictionaries(st.sampled_from(["x", "y"]), st.integers(0, 9), max_size=2)
TASKS = st.one_of(
    st.builds(lambda key, body, due: effect(key, due_at_ms=due, **body), KEYS, BODIES, st.just(3)),
    st.builds(lambda key, body: effect(key, collapse=True, **body), CARDS, BODIES),
)


@dataclass
class ModelTask:
    """One task of the model; `place` is its position in the order of all."""

    effect: OutboxEntry
    place: int
    attempts: int = 0
    generation: int = 0
    state: str = "pending"
    result: str | None = None
    absorbed_by: str | None = None
    finished_at_ms: int = 0


@dataclass
class Model:
    """What the outbox promises, without a database."""

    tasks: dict[str, ModelTask] = field(default_factory=dict)
    places: Iterator[int] = field(default_factory=count)

    def enqueue(self, wanted: OutboxEntry) -> None:
        known = self.tasks.get(wanted.key)
        if known is None:
            self.tasks[wanted.key] = ModelTask(wanted, next(self.places))
        elif wanted.collapse and known.state == "pending":
            known.effect = _with(known.effect, body=wanted.body)
            known.generation += 1
        elif wanted.collapse:
            again = ModelTask(wanted, next(self.places), generation=known.generation + 1)
            self.tasks[wanted.key] = again

    def pending(self) -> list[ModelTask]:
        waiting = [task for task in self.tasks.values() if task.state == "pending"]
        return sorted(waiting, key=lambda task: task.place)

    def complete(self, key: str, generation: int, result: str, now: int) -> bool:
        task = self.tasks.get(key)
        if task is None or task.state in {"done", "idle"}:
            return True
        if task.effect.collapse and task.generation != generation:
            task.attempts = 0 if task.state == "pending" else task.attempts
            return task.state != "pending"
        task.finished_at_ms = now
        task.state = "idle" if task.effect.collapse else "done"
        task.result = None if task.effect.collapse else result
        return True

    def absorb(self, key: str, body: dict[str, int], absorbed: list[str], now: int) -> bool:
        """False: refused."""
        into = self.tasks.get(key)
        gone = [self.tasks.get(name) for name in absorbed]
        if into is None or into.state != "pending" or key in absorbed:
            return False
        for task in gone:
            if task is None or (task.state != "pending" and task.absorbed_by != key):
                return False
        for task in gone:
            if task is not None:
                task.state, task.absorbed_by, task.finished_at_ms = "done", key, now
        into.effect = _with(into.effect, body=body)
        return True

    def recall(self, key: str) -> str | None:
        task = self.tasks.get(key)
        while task is not None and task.absorbed_by is not None:
            task = self.tasks.get(task.absorbed_by)
        return task.result if task else None

    def prune(self, before_ms: int) -> None:
        for key, task in list(self.tasks.items()):
            if task.state in {"done", "idle"} and task.finished_at_ms < before_ms:
                del self.tasks[key]


class OutboxAgainstModel(RuleBasedStateMachine):
    """Does everything to both, and compares."""

    def __init__(self, runner: asyncio.Runner, storage: Storage, clock: SetClock) -> None:
        super().__init__()
        self.runner = runner
        self.storage = storage
        self.outbox = storage.outbox
        self.clock = clock
        self.model = Model()

    def run(self, work: Coroutine[object, object, _T]) -> _T:
        return self.runner.run(work)

    @initialize()
    def empty(self) -> None:
        self.run(self.storage.pool.execute("DELETE FROM outbox"))
        self.clock.ms = 1000

    @rule(tasks=st.lists(TASKS, max_size=4))
    def enqueue(self, tasks: list[OutboxEntry]) -> None:
        self.run(self.outbox.enqueue(tasks))
        for task in tasks:
            self.model.enqueue(task)

    @rule(key=ANY_KEY, late=st.booleans(), result=st.sampled_from(["$1", "$2"]))
    def complete(self, key: str, late: bool, result: str) -> None:
        known = self.model.tasks.get(key)
        generation = (known.generation if known else 0) - late
        answer = self.run(self.outbox.complete(key, generation, result))
        assert answer == self.model.complete(key, generation, result, self.clock.ms)

    @rule(key=ANY_KEY, due=st.integers(0, 9))
    def postpone(self, key: str, due: int) -> None:
        self.run(self.outbox.postpone(key, due, "later"))
        task = self.model.tasks.get(key)
        if task and task.state == "pending":
            task.attempts += 1
            task.effect = _with(task.effect, due_at_ms=due)

    @rule(key=ANY_KEY)
    def bury(self, key: str) -> None:
        self.run(self.outbox.bury(key, "no"))
        task = self.model.tasks.get(key)
        if task and task.state == "pending":
            task.state = "dead"

    @rule(key=KEYS, body=BODIES, absorbed=st.lists(KEYS, max_size=3, unique=True))
    def absorb(self, key: str, body: dict[str, int], absorbed: list[str]) -> None:
        done = False
        with suppress(StorageError):
            self.run(self.outbox.absorb(key, body, absorbed))
            done = True
        assert done == self.model.absorb(key, body, absorbed, self.clock.ms)

    @rule(back_ms=st.integers(0, 50))
    def prune(self, back_ms: int) -> None:
        self.run(self.outbox.prune(self.clock.ms - back_ms))
        self.model.prune(self.clock.ms - back_ms)

    @rule()
    def time_goes_by(self) -> None:
        self.clock.ms += 20

    @rule(skip=st.integers(0, 3), limit=st.integers(1, 3))
    def read_from_the_middle(self, skip: int, limit: int) -> None:
        everything = self.run(self.outbox.pending(0, 100))
        after = everything[skip - 1].id if 0 < skip <= len(everything) else 0
        part = self.run(self.outbox.pending(after, limit))
        start = skip if after else 0
        assert part == everything[start : start + limit]

    @invariant()
    def the_same_is_pending_in_the_same_order(self) -> None:
        rows = self.run(self.outbox.pending(0, 100))
        assert [(row.effect, row.attempts, row.generation) for row in rows] == [
            (task.effect, task.attempts, task.generation) for task in self.model.pending()
        ]

    @invariant()
    def the_same_is_recalled(self) -> None:
        for key in self.model.tasks:
            assert self.run(self.outbox.recall(key)) == self.model.recall(key)


def _with(task: OutboxEntry, **changes: object) -> OutboxEntry:
    values = {name: getattr(task, name) for name in OutboxEntry.__slots__}
    return OutboxEntry(**{**values, **changes})


def test_the_outbox_behaves_like_a_list_in_memory(url: str) -> None:
    clock = SetClock()
    with asyncio.Runner() as runner:
        storage = runner.run(open_storage(url, clock))

        class Bound(OutboxAgainstModel):
            def __init__(self) -> None:
                super().__init__(runner, storage, clock)

        try:
            run_state_machine_as_test(
                Bound,
                settings=settings(
                    max_examples=40,
                    stateful_step_count=30,
                    deadline=None,
                    suppress_health_check=list(HealthCheck),
                ),
            )
        finally:
            runner.run(storage.close())
