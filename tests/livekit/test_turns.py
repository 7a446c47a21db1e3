"""Turns: so many at once, a line that is not too long, and no memory of who is gone."""

import asyncio

import pytest

from spaces_bridge.livekit.turns import NoTurn, Turns

pytestmark = pytest.mark.unit


async def test_so_many_at_once_and_the_next_when_one_is_done() -> None:
    turns, go, full = Turns(at_once=2, waiting=5, within_s=60), asyncio.Event(), asyncio.Event()
    inside: list[int] = []

    async def take(number: int) -> None:
        async with turns.one("server"):
            inside.append(number)
            if len(inside) == 2:
                full.set()
            await go.wait()

    async with asyncio.TaskGroup() as group:
        for number in range(4):
            group.create_task(take(number))
        await full.wait()
        assert inside == [0, 1]
        async with turns.one("another"):
            assert len(turns) == 2
        go.set()
    assert inside == [0, 1, 2, 3]
    assert len(turns) == 0


async def test_a_line_that_is_too_long_takes_nobody_more() -> None:
    turns = Turns(at_once=1, waiting=0, within_s=60)
    async with turns.one("server"):
        with pytest.raises(NoTurn):
            async with turns.one("server"):
                pytest.fail("there was no turn")
    async with turns.one("server"):
        pass


async def test_who_waits_too_long_goes_away() -> None:
    turns = Turns(at_once=1, waiting=5, within_s=0)
    async with turns.one("server"):
        with pytest.raises(NoTurn):
            async with turns.one("server"):
                pytest.fail("there was no turn")
    assert len(turns) == 0


async def test_a_failure_gives_the_turn_back() -> None:
    turns = Turns(at_once=1, waiting=0, within_s=0)
    with pytest.raises(ValueError, match="mine"):
        async with turns.one("server"):
            raise ValueError("mine")
    async with turns.one("server"):
        pass
