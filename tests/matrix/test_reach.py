"""Whether the homeserver is there: how silence, loss and return are told apart."""

import asyncio

import pytest

from spaces_bridge.matrix.client.reach import Reach

pytestmark = pytest.mark.unit

FOR_EVER_S = 1e6


async def settle() -> None:
    """Let whatever can go on go on."""
    for _ in range(5):
        await asyncio.sleep(0)


async def test_silence_ends_the_waiting_and_is_no_loss() -> None:
    reach = Reach()
    await reach.until_lost_or_silent(0.0)
    assert not reach.lost


async def test_answers_are_no_silence_and_a_loss_ends_the_waiting() -> None:
    reach = Reach()
    waiting = asyncio.create_task(reach.until_lost_or_silent(FOR_EVER_S))
    for _ in range(3):
        await settle()
        reach.note_found()
    await settle()
    assert not waiting.done()
    reach.note_lost()
    await waiting
    assert reach.lost
    await reach.until_lost_or_silent(FOR_EVER_S)


async def test_only_what_was_asked_before_is_given_up() -> None:
    reach, now = Reach(), asyncio.get_running_loop().time
    ends: list[str] = []

    async def ask(name: str, answered: asyncio.Event) -> None:
        try:
            async with reach.waiting(FOR_EVER_S):
                await answered.wait()
            ends.append(f"{name} answered")
        except TimeoutError:
            ends.append(f"{name} given up")

    never, later = asyncio.Event(), asyncio.Event()
    early = asyncio.create_task(ask("early", never))
    await settle()
    back_at = now()
    late = asyncio.create_task(ask("late", later))
    await settle()
    reach.give_up_waiting(back_at)
    reach.give_up_waiting(back_at)
    await early
    later.set()
    await late
    reach.give_up_waiting(now() + 1)
    assert ends == ["early given up", "late answered"]
