"""Turns at one ceiling for everybody."""

import asyncio

import pytest

from spaces_bridge.pacing.fair_queue import FairQueue

pytestmark = pytest.mark.unit


class Hand:
    """A clock set by hand."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


async def test_a_quiet_group_does_not_wait_behind_a_loud_one() -> None:
    clock = Hand()
    pace = FairQueue(200.0, clock)
    served: list[str] = []

    async def write(group: str) -> None:
        await pace.turn(group)
        pace.spend()
        served.append(group)

    for _ in range(201):
        pace.spend()
    async with asyncio.timeout(120), asyncio.TaskGroup() as tasks:
        for _ in range(50):
            tasks.create_task(write("loud"))
        await asyncio.sleep(0)
        tasks.create_task(write("quiet"))
        await asyncio.sleep(0)
        assert served == []
        clock.now = 60.0
    assert len(served) == 51
    assert served.index("quiet") <= 1


async def test_a_caller_that_gave_up_does_not_block_the_others() -> None:
    loop = asyncio.get_running_loop()
    pace = FairQueue(100.0, loop.time)
    for _ in range(110):
        pace.spend()
    impatient = asyncio.create_task(pace.turn("a"))
    patient = asyncio.create_task(pace.turn("a"))
    await asyncio.sleep(0)
    impatient.cancel()
    async with asyncio.timeout(60):
        await patient
    assert impatient.cancelled()
