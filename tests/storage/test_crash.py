"""kill -9 at any moment: what was acknowledged is there, and nothing is there by half."""

import asyncio
import os
import random
import sys
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path

import pytest

from tests.storage.crash_writer import EVENTS, LINES, TASKS
from tests.storage.support import SPACE, event, opened, summary
from tests.support.postgres import PrivatePostgres

pytestmark = pytest.mark.peers

ROOT = Path(__file__).parents[2]
KILLS = 6


def seeded() -> random.Random:
    """Chance that can be repeated: SPACES_TEST_SEED takes the printed number."""
    seed = int(os.environ.get("SPACES_TEST_SEED") or random.SystemRandom().randrange(2**32))
    sys.stdout.write(f"SPACES_TEST_SEED={seed}\n")
    return random.Random(seed)


async def write_and_be_killed(
    url: str, delay_s: float, kill: Callable[[asyncio.subprocess.Process], Awaitable[None]]
) -> int:
    """Run a writer, let it be killed a while after its first round; the last round it said."""
    writer = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.storage.crash_writer", url),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    if writer.stdout is None or writer.stderr is None:
        raise AssertionError("a pipe was asked for")
    try:
        async with asyncio.timeout(180):
            said = [await writer.stdout.readline()]
            if not said[0]:
                raise AssertionError((await writer.stderr.read()).decode())
            await asyncio.sleep(delay_s)
            await kill(writer)
            said += (await writer.stdout.read()).splitlines(keepends=True)
            await writer.communicate()
    finally:
        with suppress(ProcessLookupError):
            writer.kill()
        await writer.wait()
    return max(int(line) for line in said if line.endswith(b"\n"))


async def check(url: str, acknowledged: int) -> int:
    """Whole rounds, all acknowledged ones among them; returns how many there are."""
    async with opened(url) as storage:
        lines = await storage.journal.replay(SPACE)
        rounds = len(lines) // LINES
        assert [line.seq for line in lines] == list(range(rounds * LINES))
        assert rounds > acknowledged
        tasks = [row.effect.key for row in await storage.outbox.pending(0, 10**6)]
        of_rounds = [f"{n}/{task}" for n in range(rounds) for task in range(TASKS)]
        assert [key for key in tasks if not key.startswith("report:")] == of_rounds
        reports = await storage.reports.listing(10**6)
        assert {f"report:{report.id}" for report in reports} == {*tasks} - {*of_rounds}
        assert f"round {acknowledged}" in {report.reason for report in reports}
        known = await storage.directory.by_slug(summary().slug)
        assert known is not None
        assert known.started_at_ms == rounds - 1
        events = [row.event_id for row in await storage.inbox.pending(0, 10**6)]
        stored = len(events) // EVENTS
        assert stored in {rounds - 1, rounds}
        assert stored > acknowledged
        assert events == [f"$event{number}" for number in range(stored * EVENTS)]
        # What the homeserver repeats is known; what was cut off is stored now.
        for number in range(rounds):
            again = [event(number * EVENTS + one) for one in range(EVENTS)]
            assert await storage.inbox.store(again) is (number >= stored)
        return rounds


async def kill_the_bridge(writer: asyncio.subprocess.Process) -> None:
    writer.kill()


async def test_a_killed_bridge_leaves_whole_transactions(url: str) -> None:
    chance = seeded()
    rounds = 0
    for _ in range(KILLS):
        delay_s = chance.uniform(0, 0.15)
        acknowledged = await write_and_be_killed(url, delay_s, kill_the_bridge)
        assert acknowledged >= rounds
        rounds = await check(url, acknowledged)


async def test_a_killed_server_keeps_what_was_acknowledged() -> None:
    chance = seeded()
    with PrivatePostgres(fsync=True) as server:
        database = server.create_database()

        async def kill_the_server(_: asyncio.subprocess.Process) -> None:
            await asyncio.to_thread(server.kill)

        for _ in range(3):
            delay_s = chance.uniform(0, 0.3)
            acknowledged = await write_and_be_killed(
                server.url(database), delay_s, kill_the_server
            )
            await asyncio.to_thread(server.start)
            await check(server.url(database), acknowledged)


async def test_a_file_cut_off_in_the_middle_of_a_commit_opens_at_the_last_whole_one(
    sqlite_url: str,
) -> None:
    """What a power cut leaves: a write-ahead log with half a transaction at its end."""
    acknowledged = await write_and_be_killed(sqlite_url, 0.05, kill_the_bridge)
    log = Path(sqlite_url.removeprefix("sqlite:") + "-wal")
    whole = await asyncio.to_thread(log.read_bytes)
    await asyncio.to_thread(log.write_bytes, whole[: len(whole) - 2000])
    async with opened(sqlite_url) as storage:
        lines = await storage.journal.replay(SPACE)
        assert len(lines) % LINES == 0
        assert len(lines) // LINES >= acknowledged
