"""The outbox by example; `test_outbox_model.py` tries it with every sequence."""

import asyncio
from collections.abc import Sequence

import pytest

from spaces_bridge.app.errors import StorageError
from spaces_bridge.core.ids import SpaceId
from spaces_bridge.storage.storage import Storage
from tests.storage.support import SetClock, effect, stored, summary

pytestmark = pytest.mark.peers


async def keys(storage: Storage, after_id: int = 0) -> list[str]:
    """What is pending, in order."""
    return [row.effect.key for row in await storage.outbox.pending(after_id, 1000)]


async def fill(storage: Storage, names: Sequence[str], *, collapse: bool = False) -> None:
    """Enqueue each of them."""
    await storage.outbox.enqueue([effect(name, collapse=collapse) for name in names])


async def test_tasks_are_kept_in_order_and_once(storage: Storage) -> None:
    await fill(storage, "cab")
    await fill(storage, "bd")
    assert await keys(storage) == ["c", "a", "b", "d"]
    rows = await storage.outbox.pending(0, 2)
    assert [(row.attempts, row.generation) for row in rows] == [(0, 0), (0, 0)]
    assert await keys(storage, rows[1].id) == ["b", "d"]


async def test_a_done_task_keeps_its_result_and_is_not_done_again(storage: Storage) -> None:
    await fill(storage, "a")
    assert await storage.outbox.recall("a") is None
    assert await storage.outbox.complete("a", 0, "$sent")
    assert await storage.outbox.complete("a", 0, "$other")
    await fill(storage, "a")
    assert await keys(storage) == []
    assert await storage.outbox.recall("a") == "$sent"
    assert await storage.outbox.recall("unknown") is None


async def test_the_words_of_a_done_task_are_not_kept(storage: Storage) -> None:
    await storage.outbox.enqueue([effect("a", text="what was said"), effect("b", text="more")])
    await storage.outbox.absorb("a", {"text": "what was said, more"}, ["b"])
    await storage.outbox.complete("a", 0, None)
    bodies = await storage.pool.fetch("SELECT body FROM outbox")
    assert {row["body"] for row in bodies} == {"{}"}


async def test_a_postponed_task_counts_its_attempts_and_keeps_its_place(storage: Storage) -> None:
    await fill(storage, "ab")
    await storage.outbox.postpone("a", 5000, "429 \x00")
    await storage.outbox.postpone("a", 9000, "429")
    first, second = await storage.outbox.pending(0, 10)
    assert (first.effect.key, first.effect.due_at_ms, first.attempts) == ("a", 9000, 2)
    assert (second.effect.key, second.attempts) == ("b", 0)


async def test_a_buried_task_is_out_of_the_way_and_kept(storage: Storage) -> None:
    await storage.outbox.enqueue([effect("a", text="the words"), effect("b")])
    await storage.outbox.bury("a", "403 \ud800")
    await fill(storage, "a")
    await storage.outbox.prune(2**60)
    assert await keys(storage) == ["b"]
    kept = await storage.pool.fetchrow("SELECT state, body FROM outbox WHERE key = 'a'")
    assert kept is not None
    assert (kept["state"], kept["body"]) == ("dead", '{"text":"the words"}')


async def test_a_collapse_task_made_meanwhile_is_done_once_more(storage: Storage) -> None:
    await storage.outbox.enqueue([effect("card", collapse=True, n=1)])
    (row,) = await storage.outbox.pending(0, 10)
    await storage.outbox.postpone("card", 77, "429")
    await storage.outbox.enqueue([effect("card", collapse=True, n=2)])
    await storage.outbox.enqueue([effect("card", collapse=True, n=3)])
    assert not await storage.outbox.complete("card", row.generation, None)
    (row,) = await storage.outbox.pending(0, 10)
    assert (row.effect.body, row.effect.due_at_ms, row.attempts) == ({"n": 3}, 77, 0)
    assert await storage.outbox.complete("card", row.generation, "$event")
    assert await keys(storage) == []
    assert await storage.outbox.recall("card") is None


async def test_a_late_answer_to_an_old_task_does_not_take_the_new_one_away(
    storage: Storage,
) -> None:
    await fill(storage, ["card"], collapse=True)
    (old,) = await storage.outbox.pending(0, 10)
    assert await storage.outbox.complete("card", old.generation, None)
    await fill(storage, ["other", "card"], collapse=True)
    assert not await storage.outbox.complete("card", old.generation, None)
    assert await keys(storage, old.id) == ["other", "card"]


async def test_a_collapse_task_that_was_buried_can_be_made_again(storage: Storage) -> None:
    await fill(storage, ["card"], collapse=True)
    (old,) = await storage.outbox.pending(0, 10)
    await storage.outbox.bury("card", "403")
    await fill(storage, ["card"], collapse=True)
    assert await keys(storage, old.id) == ["card"]


async def test_no_collapse_task_is_lost_in_a_race_with_its_completion(storage: Storage) -> None:
    await fill(storage, ["card"], collapse=True)
    (row,) = await storage.outbox.pending(0, 10)
    for number in range(100):
        task = storage.outbox.enqueue([effect("card", collapse=True, n=number)])
        done = storage.outbox.complete("card", row.generation, None)
        await (asyncio.gather(task, done) if number % 2 else asyncio.gather(done, task))
        (row,) = await storage.outbox.pending(0, 10)
        assert row.effect.body == {"n": number}


async def test_a_reader_that_goes_by_id_misses_nothing_while_spaces_write(
    storage: Storage,
) -> None:
    seen: list[str] = []

    async def write(number: int) -> None:
        # A long transaction gets its ids long before it commits.
        tasks = 60 if number == 0 else 1
        space = SpaceId(f"space{number}")
        for seq in range(20):
            effects = [effect(f"{space}/{seq}/{task}") for task in range(tasks)]
            await storage.journal.append(space, [stored(seq)], effects, summary(space))

    async def read() -> None:
        last = 0
        while len(seen) < 20 * 67:
            for row in await storage.outbox.pending(last, 200):
                seen.append(row.effect.key)
                last = row.id

    async with asyncio.timeout(180):
        await asyncio.gather(read(), *(write(number) for number in range(8)))
    assert len(seen) == len(set(seen)) == 20 * 67


async def test_absorbed_tasks_lead_to_the_result_of_their_absorber(storage: Storage) -> None:
    await fill(storage, "abcd")
    await storage.outbox.absorb("a", {"text": "a b"}, ["b"])
    await storage.outbox.absorb("d", {"text": "a b c d"}, ["a", "c"])
    (row,) = await storage.outbox.pending(0, 10)
    assert (row.effect.key, row.effect.body) == ("d", {"text": "a b c d"})
    assert await storage.outbox.recall("b") is None
    await storage.outbox.complete("d", row.generation, "$merged")
    assert [await storage.outbox.recall(key) for key in "abcd"] == ["$merged"] * 4
    await fill(storage, "abc")
    assert await keys(storage) == []


async def test_absorbing_may_be_repeated(storage: Storage) -> None:
    await fill(storage, "ab")
    for _ in range(2):
        await storage.outbox.absorb("a", {"text": "both"}, ["b"])
    (row,) = await storage.outbox.pending(0, 10)
    assert row.effect.body == {"text": "both"}


@pytest.mark.parametrize(
    ("key", "absorbed"), [("done", ["a"]), ("a", ["b", "done"]), ("a", ["a"])]
)
async def test_what_is_done_is_neither_absorbed_nor_absorbs(
    storage: Storage, key: str, absorbed: list[str]
) -> None:
    await fill(storage, ["a", "b", "done"])
    await storage.outbox.complete("done", 0, "$sent")
    with pytest.raises(StorageError, match="not merged"):
        await storage.outbox.absorb(key, {"text": "twice"}, absorbed)
    assert [(row.effect.key, row.effect.body) for row in await storage.outbox.pending(0, 10)] == [
        ("a", {}),
        ("b", {}),
    ]
    assert await storage.outbox.recall("done") == "$sent"


async def test_pruning_forgets_what_was_done_before(storage: Storage, clock: SetClock) -> None:
    await fill(storage, ["old", "new", "pending"])
    await fill(storage, ["card"], collapse=True)
    clock.ms = 1000
    await storage.outbox.complete("old", 0, "$old")
    await storage.outbox.complete("card", 0, None)
    clock.ms = 2000
    await storage.outbox.complete("new", 0, "$new")
    await storage.outbox.prune(2000)
    assert await storage.outbox.recall("old") is None
    assert await storage.outbox.recall("new") == "$new"
    assert await keys(storage) == ["pending"]
