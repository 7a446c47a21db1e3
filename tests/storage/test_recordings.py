"""A database of before there were kinds is opened, replayed as it was, and goes on.

The recordings in tests/recordings were written by commit 95c9226, the last one whose rows held the
names of classes.
"""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import groupby
from typing import Any

import pytest
from mautrix.util.async_db import Database as Pool

from spaces_bridge.app import codec, kinds
from spaces_bridge.app import tasks as task_types
from spaces_bridge.app.context import AppContext, AppSettings
from spaces_bridge.app.lanes import Lane, lane_of
from spaces_bridge.app.notes.kinds import ALL
from spaces_bridge.app.notes.record import Key
from spaces_bridge.app.records import OutboxRow
from spaces_bridge.app.registry import Spaces
from spaces_bridge.core import commands as cmd
from spaces_bridge.core import events as ev
from spaces_bridge.core.errors import Rejected
from spaces_bridge.core.ids import SpaceId, UserId
from spaces_bridge.core.live_space import LiveSpace, Phase
from spaces_bridge.matrix.client.errors import RequestRefused
from spaces_bridge.matrix.outbox.dispatcher import OutboxDispatcher
from spaces_bridge.pacing.fair_queue import FairQueue
from spaces_bridge.storage.old_note_forms import converted
from spaces_bridge.storage.storage import Storage, open_storage
from tests.matrix.support import eventually
from tests.storage.support import SetClock
from tests.support.recorder import Recorder
from tests.support.recordings import FOLDER, plain, read

pytestmark = pytest.mark.peers

RECORDED: Mapping[str, Any] = read("expected.json")
NAMES: Mapping[str, Mapping[str, str]] = read("names.json")
YOUNGER: Mapping[str, Any] = {"volumes": {}}
"""Fields of a live space that came after the recordings, as they are without anything said."""
EVENING_MS = 1_790_001_000_000
ADA, DAN = UserId("@ada:example.org"), UserId("@dan:example.org")


@pytest.fixture
def clock() -> SetClock:
    return SetClock(EVENING_MS)


@pytest.fixture
async def recorded_url(request: pytest.FixtureRequest, url: str) -> str:
    """A database as the old version left it."""
    if url.startswith("sqlite:"):
        with sqlite3.connect(url.removeprefix("sqlite:")) as connection:
            connection.executescript((FOLDER / "sqlite.sql").read_text())
        connection.close()
        return url
    pool = Pool.create(url)
    await pool.start()
    try:
        await pool.execute((FOLDER / "postgres.sql").read_text())
    finally:
        await pool.stop()
    return url


@pytest.fixture
async def storage(recorded_url: str, clock: SetClock) -> AsyncIterator[Storage]:
    """That database, opened by this version."""
    opened = await open_storage(recorded_url, clock)
    yield opened
    await opened.close()


def spaces_of(storage: Storage, clock: SetClock) -> Spaces:
    """The live spaces of the database, with nobody beside it."""
    stores = (storage.journal, storage.directory, storage.outbox, storage.notes)
    rest, settings = Recorder(), AppSettings(domain="example.org")
    return Spaces(
        AppContext(*stores, rest, rest, rest, rest, rest, storage.followers, clock, settings)
    )


def space_in(phase: Phase) -> SpaceId:
    """The one recorded live space in that phase."""
    [found] = [s for s, told in RECORDED["spaces"].items() if told["state"]["phase"] == phase]
    return SpaceId(found)


async def pending(storage: Storage) -> list[OutboxRow]:
    return await storage.outbox.pending(0, 1_000)


async def test_every_live_space_is_replayed_as_it_was(storage: Storage, clock: SetClock) -> None:
    spaces = spaces_of(storage, clock)
    await spaces.resume()
    assert [str(space.space) for space in spaces.open()] == RECORDED["open"]
    for space, told in RECORDED["spaces"].items():
        assert plain(await spaces.find(SpaceId(space))) == {**told["state"], **YOUNGER}
    for space in RECORDED["open"]:
        assert spaces.next_seq(SpaceId(space)) == RECORDED["spaces"][space]["next_seq"]
    await spaces.stop()


async def test_every_event_has_a_kind_and_is_else_as_it_was(storage: Storage) -> None:
    for space, lines in RECORDED["journal"].items():
        rows = await storage.journal.replay(SpaceId(space))
        assert [[r.seq, r.at_ms, r.kind, r.body, r.source] for r in rows] == [
            [seq, at_ms, NAMES["events"][kind], body, source]
            for seq, at_ms, kind, body, source in lines
        ]
        for row in rows:
            assert type(codec.event_from(row)) is kinds.EVENTS[row.kind]


async def test_every_pending_task_waits_as_it_did(storage: Storage) -> None:
    rows = await pending(storage)
    told = RECORDED["pending"]
    for row, before in zip(rows, told, strict=True):
        effect = row.effect
        assert (row.id, row.attempts, row.generation, effect.key, effect.due_at_ms) == tuple(
            before[name] for name in ("id", "attempts", "generation", "key", "due_at_ms")
        )
        assert (effect.kind, effect.body) == (NAMES["tasks"][before["kind"]], before["body"])
        task = codec.task_from(effect)
        assert effect.queue == str(lane_of(task))
        assert Lane.read(effect.queue) == lane_of(task)
    assert lanes((row.effect.queue, row.effect.key) for row in rows) == lanes(
        (_old_lane(before), before["key"]) for before in told
    )


def _old_lane(before: Mapping[str, str]) -> str:
    """The lane as the old dispatcher took it: the questions about hands were by themselves."""
    prompts = "|prompts" if before["kind"] == "PromptModerator" else ""
    return before["queue"] + prompts


def lanes(keys: Iterator[tuple[str, str]]) -> list[list[str]]:
    """The keys of each lane, in order, however the lanes are called."""
    held = sorted(enumerate(keys), key=lambda numbered: (numbered[1][0], numbered[0]))
    by_lane = groupby(held, key=lambda numbered: numbered[1][0])
    return sorted([key for _, (_, key) in each] for _, each in by_lane)


class Worker:
    """Carries out whatever it is given, and remembers the keys in that order."""

    def __init__(self) -> None:
        self.done: list[str] = []

    async def run(self, wanted: task_types.OutboxTask, key: str) -> str | None:
        self.done.append(key)
        return "$sent"

    async def refused(self, wanted: task_types.OutboxTask, refusal: RequestRefused) -> None:
        raise AssertionError(f"refused: {wanted}") from refusal


async def test_every_pending_task_is_carried_out_once_and_in_its_order(
    storage: Storage, clock: SetClock
) -> None:
    worker = Worker()
    pace = FairQueue(10_000, asyncio.get_running_loop().time)
    dispatcher = OutboxDispatcher(storage.outbox, clock, worker, pace, lambda _: None)

    async def nothing_left() -> bool:
        return not await pending(storage)

    working = asyncio.create_task(dispatcher.run())
    try:
        await eventually(nothing_left, "the outbox did not get empty")
    finally:
        working.cancel()
        await asyncio.gather(working, return_exceptions=True)
    merged = await storage.pool.fetch("SELECT key FROM outbox WHERE absorbed_by IS NOT NULL")
    absorbed = {row["key"] for row in merged}
    for keys in lanes((_old_lane(before), before["key"]) for before in RECORDED["pending"]):
        assert [key for key in worker.done if key in keys] == [
            k for k in keys if k not in absorbed
        ]


async def test_what_is_over_is_over(storage: Storage) -> None:
    rows = await storage.pool.fetch("SELECT * FROM outbox WHERE state <> 'pending' ORDER BY id")
    for row, told in zip(rows, RECORDED["over"], strict=True):
        for name in ("key", "state", "result", "error"):
            assert row[name] == told[name]
        assert row["kind"] == NAMES["tasks"][told["kind"]]
    dead = [row for row in rows if row["state"] == "dead"]
    assert dead
    absorbed = [row["key"] for row in rows if row["absorbed_by"] is not None]
    assert absorbed
    assert await storage.outbox.recall(f"room:{space_in(Phase.LIVE)}") == "!live:example.org"


async def test_nothing_beside_is_lost(storage: Storage) -> None:
    told = RECORDED
    listed = await storage.directory.listing(["scheduled", "live", "ended"], 9)
    assert [plain(summary) for summary in listed] == told["listing"]
    assert await storage.followers.of(ADA, None, 9) == told["followers"]
    assert await storage.followers.is_silent(UserId("@hal:example.org"), ADA)
    assert await storage.followers.is_silent(UserId("@eve:elsewhere.example"), ADA)
    blocks = sorted(await storage.blocks.all(), key=lambda block: block.target)
    assert [plain(block) for block in blocks] == told["blocks"]
    assert [plain(rule) for rule in await storage.policy_rules.all()] == told["policy_rules"]
    assert [plain(report) for report in await storage.reports.listing(9)] == told["reports"]
    token = await storage.tokens.find("Gwen".ljust(64, "x"))
    assert token is not None
    assert (token.space, token.guest) == (space_in(Phase.LIVE), True)
    [heard] = await storage.inbox.pending(0, 9)
    assert heard.event_id == "$old"


NEWER = {"calls_wanted", "delegated_leaves", "plain_calls_on"}
"""Kinds of notes that came after notes were records."""


async def test_every_note_became_a_record(storage: Storage) -> None:
    records = {record.kind: record for record in ALL}
    seen = set[str]()
    for name, value in RECORDED["notes"].items():
        became = converted(name, value)
        if became is None:
            continue
        note = await storage.notes.get(Key(records[became.kind], tuple(became.key)))
        assert note is not None, name
        assert plain(note) == became.body
        seen.add(became.kind)
    assert seen == records.keys() - NEWER


async def test_the_live_space_goes_on_and_nothing_is_doubled(
    storage: Storage, clock: SetClock
) -> None:
    live = space_in(Phase.LIVE)
    before, rows_before = await storage.journal.replay(live), await pending(storage)
    spaces = spaces_of(storage, clock)
    await spaces.resume()
    # what was heard before the upgrade, and is heard again
    again = cmd.RequestToSpeak(UserId("@ben:example.org"), EVENING_MS)
    assert await spaces.ask(live, again, "$hand-ben") == []
    # what comes after it
    approved = await spaces.ask(live, cmd.ApproveSpeaker(ADA, DAN), "$approve")
    assert [type(event) for event in approved] == [ev.SpeakerApproved]
    await spaces.ask(live, cmd.ObserveLevels({ADA: 90, DAN: 10, _BEN: 60}, settled=DAN))
    after = await storage.journal.replay(live)
    assert after[: len(before)] == before
    assert after[len(before)].kind == "speaker.approved"
    assert [row.seq for row in after] == list(range(1, len(after) + 1))
    await _only_added(storage, rows_before)
    now = _view(spaces, live)
    assert now.may_speak(DAN)
    await spaces.stop()
    restored = await spaces_of(storage, clock).find(live)
    assert restored == now


_BEN = UserId("@ben:example.org")


async def _only_added(storage: Storage, before: Sequence[OutboxRow]) -> None:
    """What was pending is so still, once; a card that was to be renewed is so once more."""
    after = await pending(storage)
    kept = after[: len(before)]
    assert [row.id for row in kept] == [row.id for row in before]
    for then, now in zip(before, kept, strict=True):
        assert now == replace(then, generation=now.generation, effect=now.effect)
        assert (now.effect.kind, now.effect.queue) == (then.effect.kind, then.effect.queue)
    keys = [row.effect.key for row in after]
    assert len(keys) == len(set(keys))
    assert {row.effect.kind for row in after[len(before) :]} >= {"level.write", "floor.offer"}


def _view(spaces: Spaces, space: SpaceId) -> LiveSpace:
    view = spaces.view(space)
    assert view is not None
    return view


async def test_the_scheduled_one_starts_and_the_ended_one_stays_ended(
    storage: Storage, clock: SetClock
) -> None:
    spaces = spaces_of(storage, clock)
    await spaces.resume()
    await spaces.ask(space_in(Phase.LIVE), cmd.EndSpace(ADA, EVENING_MS))
    started = await spaces.ask(space_in(Phase.SCHEDULED), cmd.StartSpace(ADA, EVENING_MS))
    assert [type(event) for event in started] == [ev.SpaceStarted]
    with pytest.raises(Rejected, match="ended"):
        await spaces.ask(space_in(Phase.ENDED), cmd.Retitle(ADA, "Again"))
    await spaces.stop()
