"""The inbox: every event once, in order of arrival, whatever it holds."""

import asyncio

import pytest

from spaces_bridge.app.records import InboxEvent
from spaces_bridge.storage.storage import Storage
from tests.storage.support import SetClock, effect, event

pytestmark = pytest.mark.peers


async def test_events_are_kept_in_order_of_arrival(storage: Storage) -> None:
    assert await storage.inbox.store([event(1, '{"a": 1}'), event(2)])
    assert await storage.inbox.store([InboxEvent("$edu", None, "not json")])
    found = await storage.inbox.pending(0, 10)
    assert [(row.event_id, row.room_id, row.body) for row in found] == [
        ("$event1", "!room", '{"a": 1}'),
        ("$event2", "!room", "{}"),
        ("$edu", None, "not json"),
    ]
    assert [row.event_id for row in await storage.inbox.pending(found[0].seq, 1)] == ["$event2"]


async def test_a_thousand_transactions_three_times_and_at_once_are_stored_once(
    storage: Storage,
) -> None:
    transactions = [[event(2 * number), event(2 * number + 1)] for number in range(1000)]
    answers: list[bool] = []
    for start in range(0, 1000, 50):
        answers += await asyncio.gather(
            *(
                storage.inbox.store(transactions[number])
                for number in range(start, start + 50)
                for _ in range(3)
            )
        )
    assert answers.count(True) == 1000
    assert answers.count(False) == 2000
    found = await storage.inbox.pending(0, 5000)
    assert sorted(row.event_id for row in found) == sorted(f"$event{n}" for n in range(2000))


async def test_a_reader_that_goes_by_seq_misses_nothing_while_others_write(
    storage: Storage,
) -> None:
    seen: list[str] = []

    async def write(writer: int) -> None:
        for number in range(25):
            await storage.inbox.store([event(writer * 100 + number)])

    async def read() -> None:
        last = 0
        while len(seen) < 200:
            for row in await storage.inbox.pending(last, 7):
                seen.append(row.event_id)
                last = row.seq

    async with asyncio.timeout(180):
        await asyncio.gather(read(), *(write(writer) for writer in range(8)))
    assert len(seen) == len(set(seen)) == 200


async def test_an_event_of_two_transactions_is_handled_once_even_after_it_is_done(
    storage: Storage,
) -> None:
    await storage.inbox.store([event(1), event(1, "again")])
    (row,) = await storage.inbox.pending(0, 10)
    await storage.inbox.done(row.seq)
    assert await storage.inbox.store([event(1), event(2)])
    assert [row.event_id for row in await storage.inbox.pending(0, 10)] == ["$event2"]


async def test_a_buried_event_is_out_of_the_way_and_kept(storage: Storage) -> None:
    await storage.inbox.store([event(1, "poison"), event(2)])
    bad, good = await storage.inbox.pending(0, 10)
    await storage.inbox.bury(bad.seq, "KeyError \x00")
    assert await storage.inbox.pending(0, 10) == [good]
    await storage.inbox.prune(2**60)
    kept = await storage.pool.fetchrow("SELECT body, state FROM inbox WHERE seq = $1", bad.seq)
    assert kept is not None
    assert (kept["body"], kept["state"]) == ("poison", "dead")


async def test_the_text_of_a_handled_event_is_not_kept(storage: Storage) -> None:
    await storage.inbox.store([event(1, "a private message")])
    (row,) = await storage.inbox.pending(0, 10)
    await storage.inbox.done(row.seq)
    assert await storage.pool.fetchval("SELECT body FROM inbox") == ""


async def test_pruning_forgets_what_is_old_and_handled_only(
    storage: Storage, clock: SetClock
) -> None:
    clock.ms = 1000
    await storage.inbox.store([event(1), event(2)])
    clock.ms = 2000
    await storage.inbox.store([event(3)])
    first, second, third = await storage.inbox.pending(0, 10)
    await storage.inbox.done(first.seq)
    await storage.inbox.done(third.seq)
    await storage.inbox.prune(2000)
    assert await storage.inbox.pending(0, 10) == [second]
    assert not await storage.inbox.store([event(3)])
    assert await storage.inbox.store([event(1), event(3)])
    assert [row.event_id for row in await storage.inbox.pending(second.seq, 10)] == ["$event1"]


async def test_ids_are_never_given_twice(storage: Storage) -> None:
    await storage.inbox.store([event(1)])
    (first,) = await storage.inbox.pending(0, 10)
    await storage.inbox.done(first.seq)
    await storage.inbox.prune(2**60)
    await storage.inbox.store([event(1)])
    (second,) = await storage.inbox.pending(0, 10)
    assert second.seq > first.seq


@pytest.mark.parametrize(
    "text",
    ["\x00", "\ud800", "\udc00\ud800", "\x1a0000", "x" * 1_000_000, "\x00\udfff" * 100_000],
    ids=["NUL", "lone", "swapped", "escape", "long", "long and bad"],
)
async def test_no_text_is_lost_and_none_stops_the_next_event(storage: Storage, text: str) -> None:
    hostile = InboxEvent("$" + text, "!" + text, text)
    assert await storage.inbox.store([hostile, event(1)])
    assert not await storage.inbox.store([hostile, event(1)])
    assert not await storage.inbox.store([])
    first, second = await storage.inbox.pending(0, 10)
    assert InboxEvent(first.event_id, first.room_id, first.body) == hostile
    assert second.event_id == "$event1"


async def test_a_transaction_of_a_hundred_big_events_is_stored(storage: Storage) -> None:
    events = [event(number, f'{{"n": {number}, "x": "{"ä" * 32_000}"}}') for number in range(100)]
    assert await storage.inbox.store(events)
    assert [row.body for row in await storage.inbox.pending(0, 1000)] == [e.body for e in events]


async def test_what_waits_and_what_was_given_up_is_counted(storage: Storage) -> None:
    await storage.inbox.store([event(1), event(2), event(3)])
    seqs = [row.seq for row in await storage.inbox.pending(0, 10)]
    await storage.inbox.done(seqs[0])
    await storage.inbox.bury(seqs[1], "odd")
    await storage.outbox.enqueue([effect("a"), effect("b"), effect("c"), effect("d")])
    await storage.outbox.complete("a", 0, None)
    await storage.outbox.bury("b", "refused")
    assert await storage.backlog() == {
        "inbox_pending": 1,
        "inbox_dead": 1,
        "outbox_pending": 2,
        "outbox_dead": 1,
    }


async def test_a_handled_event_is_opened_again_behind_all_others(storage: Storage) -> None:
    await storage.inbox.store([event(1), event(2)])
    [first, _] = await storage.inbox.pending(0, 10)
    await storage.inbox.done(first.seq)
    await storage.inbox.reopen(event(1))
    rows = await storage.inbox.pending(0, 10)
    assert [row.event_id for row in rows] == ["$event2", "$event1"]
    assert rows[1].body == "{}"
    assert not await storage.inbox.store([event(1)]), "it is still known"


async def test_an_event_that_is_opened_again_while_it_is_handled_is_handled_twice(
    storage: Storage,
) -> None:
    await storage.inbox.store([event(1)])
    [row] = await storage.inbox.pending(0, 10)
    await storage.inbox.reopen(event(1))
    await storage.inbox.done(row.seq)
    [again] = await storage.inbox.pending(0, 10)
    assert again.seq > row.seq
