"""When captions count as paused, and as complete again."""

import asyncio

import pytest

from spaces_bridge.captions import pauses
from spaces_bridge.captions.pauses import Pauses

pytestmark = pytest.mark.unit


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    monkeypatch.setattr(pauses, "CALM_S", 0.0)
    return []


async def calm() -> None:
    """The timer of no length at all has had its turn."""
    for _ in range(3):
        await asyncio.sleep(0)


async def test_a_pause_is_told_once_and_over_when_it_has_been_calm(told: list[bool]) -> None:
    paused = Pauses(told.append)
    paused.worker_ready()
    paused.fall_behind()
    paused.fall_behind()
    assert told == [True]
    await calm()
    assert told == [True, False]


async def test_calm_without_a_worker_is_no_end(told: list[bool]) -> None:
    paused = Pauses(told.append)
    paused.fall_behind()
    await calm()
    assert told == [True]
    paused.worker_ready()
    assert told == [True, False]


async def test_a_new_worker_that_falls_behind_at_once_is_no_end(told: list[bool]) -> None:
    paused = Pauses(told.append)
    paused.worker_gone()
    paused.fall_behind()
    paused.worker_ready()
    assert told == [True]
    await calm()
    assert told == [True, False]


async def test_after_the_stop_nothing_is_told(told: list[bool]) -> None:
    paused = Pauses(told.append)
    paused.worker_ready()
    paused.fall_behind()
    paused.stop()
    await calm()
    assert told == [True]
