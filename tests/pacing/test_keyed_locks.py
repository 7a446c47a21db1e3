"""Locks by key: one at a time, others undisturbed, and nothing left behind."""

import asyncio

import pytest

from spaces_bridge.pacing.keyed_locks import KeyedLocks

pytestmark = pytest.mark.unit


async def test_one_at_a_time_for_each_key_in_the_order_they_came() -> None:
    locks, done = KeyedLocks(), list[str]()
    begun, go = asyncio.Event(), asyncio.Event()

    async def work(key: str, name: str) -> None:
        async with locks.holding(key):
            done.append(f"{name} begins")
            if key == "slow":
                begun.set()
                await go.wait()
            done.append(f"{name} ends")

    slow = [asyncio.create_task(work("slow", name)) for name in ("first", "second", "third")]
    await begun.wait()
    await work("quick", "other")
    assert done == ["first begins", "other begins", "other ends"]
    go.set()
    await asyncio.gather(*slow)
    assert done[3:] == [
        *("first ends", "second begins", "second ends"),
        *("third begins", "third ends"),
    ]
    assert len(locks) == 0


async def test_who_gives_up_or_fails_leaves_nothing_behind_and_lets_the_next_in() -> None:
    locks = KeyedLocks()
    async with locks.holding("key"):
        waiting = asyncio.create_task(locks.holding("key").__aenter__())
        later = asyncio.create_task(locks.holding("key").__aenter__())
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert len(locks) == 1
        assert not later.done()
        later.cancel()
    with pytest.raises(ZeroDivisionError):
        async with locks.holding("key"):
            raise ZeroDivisionError
    async with locks.holding("key"):
        assert len(locks) == 1
    with pytest.raises(asyncio.CancelledError):
        await later
    assert len(locks) == 0
