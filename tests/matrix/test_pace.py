"""How fast we write."""

import asyncio

import pytest

from spaces_bridge.matrix.http import retry_after_s
from spaces_bridge.matrix.pace import FairShare, Window

pytestmark = pytest.mark.unit


class Hand:
    """A clock set by hand."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_window_lets_so_many_through_in_any_minute() -> None:
    clock = Hand()
    window = Window(3, clock)
    for clock.now in (0.0, 10.0, 20.0):
        assert window.wait_s() == 0
        window.count()
    clock.now = 30.0
    assert window.wait_s() == 30.0
    assert not window.idle
    clock.now = 61.0
    assert window.wait_s() == 0
    clock.now = 80.0
    assert window.idle


async def test_a_quiet_group_does_not_wait_behind_a_loud_one() -> None:
    loop = asyncio.get_running_loop()
    pace = FairShare(200.0, loop.time)
    served: list[str] = []

    async def write(group: str) -> None:
        await pace.turn(group)
        pace.spend()
        served.append(group)

    for _ in range(201):
        pace.spend()
    async with asyncio.timeout(20), asyncio.TaskGroup() as tasks:
        for _ in range(50):
            tasks.create_task(write("loud"))
        await asyncio.sleep(0)
        tasks.create_task(write("quiet"))
    assert len(served) == 51
    assert served.index("quiet") <= 3


async def test_a_caller_that_gave_up_does_not_block_the_others() -> None:
    loop = asyncio.get_running_loop()
    pace = FairShare(100.0, loop.time)
    for _ in range(110):
        pace.spend()
    impatient = asyncio.create_task(pace.turn("a"))
    patient = asyncio.create_task(pace.turn("a"))
    await asyncio.sleep(0)
    impatient.cancel()
    async with asyncio.timeout(10):
        await patient
    assert impatient.cancelled()


@pytest.mark.parametrize(
    ("header", "field", "seconds"),
    [
        ("3", 9000, 3.0),
        ("", 1500, 1.5),
        ("soon", 1500, 1.5),
        ("", "1500", None),
        ("", True, None),
        ("", -5, None),
        ("99999999", None, 3600.0),
        ("", None, None),
    ],
)
def test_the_header_says_when_to_come_back_before_the_field(
    header: str, field: object, seconds: float | None
) -> None:
    assert retry_after_s({"Retry-After": header}, {"retry_after_ms": field}) == seconds
