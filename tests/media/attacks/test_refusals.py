"""Floods in the log: one line in a while, ever rarer, with what was refused."""

import logging

import pytest

from spaces_bridge.media.worker.edge.refusals import LATE_S, SOON_S, Refusals
from tests.support.edge import Clock, edge_world

pytestmark = pytest.mark.unit


def told_in(seconds: int, caplog: pytest.LogCaptureFixture) -> list[str]:
    """The lines of a flood of so many seconds."""
    caplog.set_level(logging.INFO, logger="spaces_bridge")
    refusals = Refusals(0.0)
    for second in range(seconds + 1):
        refusals.note("stranger")
        refusals.tell(float(second))
    return caplog.messages


def test_ten_minutes_of_a_flood_are_few_lines(caplog: pytest.LogCaptureFixture) -> None:
    lines = told_in(600, caplog)
    assert 2 <= len(lines) <= 4
    assert lines[0].startswith("dropped 62 refused packets: {'stranger': 62}")


def test_a_flood_without_end_is_told_each_hour(caplog: pytest.LogCaptureFixture) -> None:
    first = len(told_in(10 * int(LATE_S), caplog))
    caplog.clear()
    assert len(told_in(20 * int(LATE_S), caplog)) - first in (9, 10)


def test_after_a_quiet_time_the_next_is_told_as_soon_as_the_first(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO, logger="spaces_bridge")
    refusals = Refusals(0.0)
    for at in range(600):
        refusals.note("stranger")
        refusals.tell(float(at))
    for later in (600.0 + LATE_S, 601.0 + 2 * LATE_S):
        refusals.tell(later)
    before = len(caplog.messages)
    for at in range(int(SOON_S) * 3):
        refusals.note("stranger")
        refusals.tell(602.0 + 2 * LATE_S + at)
    assert len(caplog.messages) - before == 2


@pytest.mark.peers
async def test_an_edge_tells_what_it_refused(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="spaces_bridge")
    clock = Clock()
    async with edge_world(clock=clock) as world:
        world.edge._refuse("stranger")
        clock.now += SOON_S + 1
        await world.until(lambda: "stranger" in caplog.text)
        assert world.refused("stranger") == 1
