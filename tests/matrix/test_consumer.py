"""Reading the inbox while some of what it holds cannot be handled."""

import asyncio
import itertools
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any

import pytest

from spaces_bridge.app.records import InboxRow
from spaces_bridge.matrix.appservice import consumer as consumer_module
from spaces_bridge.matrix.appservice.consumer import HELD_MAX, InboxConsumer
from spaces_bridge.matrix.client.errors import Away
from spaces_bridge.pacing.backoff import Backoff
from tests.matrix.support import eventually

pytestmark = pytest.mark.unit


class MemoryInbox:
    """Rows in a list."""

    def __init__(self) -> None:
        self.rows: dict[int, InboxRow] = {}
        self.buried: list[str] = []
        self._seqs = itertools.count(1)

    def add(self, event: str, room: str, **more: object) -> None:
        seq = next(self._seqs)
        body = json.dumps({"event_id": event, "room_id": room, **more})
        self.rows[seq] = InboxRow(seq, event, room, body)

    async def pending(self, after_seq: int, limit: int) -> list[InboxRow]:
        await asyncio.sleep(0)
        return [self.rows[seq] for seq in sorted(self.rows) if seq > after_seq][:limit]

    async def done(self, seq: int) -> None:
        del self.rows[seq]

    async def bury(self, seq: int, error: str) -> None:
        self.buried.append(self.rows.pop(seq).event_id)


class Reader:
    """Handles events; those of the bad room fail as told."""

    def __init__(self) -> None:
        self.handled: list[str] = []
        self.failure: Away | None = None
        self.at_once = 0
        self.most_at_once = 0
        self.gate = asyncio.Event()
        self.gate.set()

    async def receive(self, event: Mapping[str, Any]) -> None:
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        await asyncio.sleep(0)
        if not is_pressing(event):
            await self.gate.wait()
        self.at_once -= 1
        if event["room_id"] == "!bad" and self.failure is not None:
            raise self.failure
        self.handled.append(event["event_id"])


def is_pressing(event: Mapping[str, Any]) -> bool:
    return event.get("body") == "lock"


def tap(key: str) -> dict[str, object]:
    relation = {"rel_type": "m.annotation", "event_id": "$card", "key": key}
    return {"type": "m.reaction", "content": {"m.relates_to": relation}}


@asynccontextmanager
async def reading(inbox: MemoryInbox, reader: Reader) -> AsyncIterator[InboxConsumer]:
    held: Any = inbox
    made = InboxConsumer(held, reader.receive, is_pressing)
    running = asyncio.create_task(made.run())
    try:
        yield made
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def test_a_stuck_room_keeps_no_other_room_from_being_read() -> None:
    inbox, reader = MemoryInbox(), Reader()
    reader.failure = Away("gone", unreached=True)
    for number in range(HELD_MAX + 200):
        inbox.add(f"$bad{number}", "!bad")
    inbox.add("$good", "!good")
    async with reading(inbox, reader) as running:
        await eventually(lambda: reader.handled == ["$good"], "the other room was not read")
        inbox.add("$later", "!bad")
        running.wake()
        reader.failure = None
        running.outage_over()
        await eventually(lambda: not inbox.rows, "the room was not caught up with")
    caught_up = [event for event in reader.handled if event != "$good"]
    assert caught_up == [*(f"$bad{n}" for n in range(HELD_MAX + 200)), "$later"]


async def test_an_event_the_homeserver_breaks_on_is_buried_while_others_work(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(consumer_module, "AWAY_BACKOFF", Backoff(0.001, 0.001))
    inbox, reader = MemoryInbox(), Reader()
    reader.failure = Away("500 M_UNKNOWN", broken=True)
    inbox.add("$works", "!good")
    inbox.add("$breaks", "!bad")
    async with reading(inbox, reader):
        await eventually(lambda: not inbox.rows, "it is tried for ever")
    assert inbox.buried == ["$breaks"]
    assert reader.handled == ["$works"]


@pytest.mark.parametrize(
    ("failure", "works"),
    [(Away("500 M_UNKNOWN", broken=True), False), (Away("gone", unreached=True), True)],
)
async def test_what_fails_with_everything_else_or_for_want_of_an_answer_is_kept(
    monkeypatch: pytest.MonkeyPatch, failure: Away, works: bool
) -> None:
    tries: list[int] = []

    def no_rest(failures: int) -> float:
        tries.append(failures)
        return 0.001

    monkeypatch.setattr(consumer_module, "AWAY_BACKOFF", SimpleNamespace(wait_s=no_rest))
    inbox, reader = MemoryInbox(), Reader()
    reader.failure = failure
    if works:
        inbox.add("$works", "!good")
    inbox.add("$kept", "!bad")
    async with reading(inbox, reader):
        await eventually(lambda: len(tries) > 40, "not tried often")
    assert inbox.buried == []
    assert [row.event_id for row in inbox.rows.values()] == ["$kept"]


@pytest.mark.parametrize("mob", [30, 1500])
async def test_what_presses_passes_a_mob_and_is_handled_once(mob: int) -> None:
    inbox, reader = MemoryInbox(), Reader()
    reader.gate.clear()
    for number in range(mob):
        inbox.add(f"$noise{number}", "!room")
    inbox.add("$lock", "!room", body="lock")
    async with reading(inbox, reader):
        await eventually(lambda: reader.handled == ["$lock"], "it waits behind the mob")
        reader.gate.set()
        await eventually(lambda: not inbox.rows, "the mob was not heard")
    assert reader.handled == ["$lock", *(f"$noise{n}" for n in range(mob))]


async def test_where_few_wait_what_presses_stays_in_order() -> None:
    inbox, reader = MemoryInbox(), Reader()
    inbox.add("$hand", "!room")
    inbox.add("$lock", "!room", body="lock")
    async with reading(inbox, reader):
        await eventually(lambda: not inbox.rows, "not all was handled")
    assert reader.handled == ["$hand", "$lock"]


async def test_applause_is_handled_together_and_hands_one_after_the_other() -> None:
    inbox, reader = MemoryInbox(), Reader()
    for number in range(10):
        inbox.add(f"$clap{number}", "!room", **tap("👏"))
    async with reading(inbox, reader) as running:
        await eventually(lambda: not inbox.rows, "not all was handled")
        assert reader.most_at_once == 10
        reader.most_at_once = 0
        for number in range(10):
            inbox.add(f"$hand{number}", "!room", **tap("✋🏽"))
        running.wake()
        await eventually(lambda: not inbox.rows, "not all hands were handled")
    assert reader.most_at_once == 1
    assert reader.handled[10:] == [f"$hand{number}" for number in range(10)]
