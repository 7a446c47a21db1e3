"""No task of ours ends and stays ended."""

import asyncio
import logging

import pytest

from spaces_bridge.app.errors import AdapterError
from spaces_bridge.app.supervisor import TaskSupervisor
from spaces_bridge.pacing.backoff import Backoff

pytestmark = pytest.mark.unit

NEVER_S = 3600.0
SOON = Backoff(0.001, 30.0)


class Task:
    """Fails so many times, then runs until it is cancelled or let go."""

    def __init__(self, failures: int) -> None:
        self.left = failures
        self.runs = 0
        self.works = asyncio.Event()
        self.enough = asyncio.Event()

    async def run(self) -> None:
        self.runs += 1
        if self.left:
            self.left -= 1
            raise ZeroDivisionError
        self.works.set()
        await self.enough.wait()


async def test_a_task_that_fails_runs_again_and_the_failure_is_said_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    tasks, task = TaskSupervisor(backoff=SOON, steady_s=NEVER_S), Task(failures=3)
    tasks.keep("clockwork", task.run)
    async with asyncio.timeout(60):
        await task.works.wait()
    assert task.runs == 4
    assert tasks.restarts == {"clockwork": 3}
    assert tasks.failing == ["clockwork"]
    with pytest.raises(AdapterError, match="clockwork"):
        await tasks.check()
    said = [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert [record.getMessage() for record in said] == [
        "clockwork has failed and is started again"
    ]
    assert said[0].exc_info is not None
    await tasks.stop("clockwork")
    await tasks.check()


async def test_a_task_that_ends_without_a_word_runs_again() -> None:
    tasks, task = TaskSupervisor(backoff=SOON, steady_s=NEVER_S), Task(failures=0)
    tasks.keep("clockwork", task.run, "clocks")
    async with asyncio.timeout(60):
        await task.works.wait()
        task.works.clear()
        task.enough.set()
        await task.works.wait()
    assert tasks.restarts["clocks"] >= 1
    await tasks.stop("clockwork")


async def test_work_that_is_to_be_finished_runs_until_it_succeeds_once() -> None:
    tasks, task = TaskSupervisor(backoff=SOON, steady_s=NEVER_S), Task(failures=2)
    task.enough.set()
    tasks.finish("painting", task.run)
    async with asyncio.timeout(60):
        await task.works.wait()
        while tasks.failing:  # noqa: ASYNC110
            await asyncio.sleep(0)
    assert task.runs == 3
    await tasks.check()
    await tasks.stop("painting")


async def test_a_task_that_runs_steadily_again_is_well(caplog: pytest.LogCaptureFixture) -> None:
    tasks, task = TaskSupervisor(backoff=SOON, steady_s=0.001), Task(failures=1)
    tasks.keep("clockwork", task.run)
    async with asyncio.timeout(60):
        await task.works.wait()
        while tasks.failing:  # noqa: ASYNC110
            await asyncio.sleep(0)
    await tasks.check()
    assert "clockwork works again" in caplog.text
    await tasks.stop("clockwork")


async def test_one_of_a_name_runs_and_stopping_ends_only_what_is_named() -> None:
    tasks, first, second = TaskSupervisor(), Task(failures=0), Task(failures=0)
    tasks.keep("first", first.run)
    tasks.keep("first", second.run)
    tasks.keep("second", second.run)
    async with asyncio.timeout(60):
        await first.works.wait()
        await second.works.wait()
    await tasks.stop("first", "nobody")
    tasks.keep("first", first.run)
    first.works.clear()
    async with asyncio.timeout(60):
        await first.works.wait()
    assert (first.runs, second.runs) == (2, 1)
    await tasks.stop("first", "second")
    assert tasks.restarts == {"first": 0, "second": 0}


async def test_a_task_whose_helper_was_cancelled_runs_again() -> None:
    tasks, runs, works = TaskSupervisor(backoff=SOON, steady_s=NEVER_S), [0], asyncio.Event()

    async def wait_for_a_helper() -> None:
        runs[0] += 1
        if runs[0] == 1:
            helper = asyncio.ensure_future(asyncio.Event().wait())
            helper.cancel()
            await helper
        works.set()
        await asyncio.Event().wait()

    tasks.keep("clockwork", wait_for_a_helper)
    async with asyncio.timeout(60):
        await works.wait()
    assert runs == [2]
    await tasks.stop("clockwork")
