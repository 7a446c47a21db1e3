"""Writes to a database as fast as it can until it is killed; run by `test_crash.py`.

Each round is one transaction of the journal (three lines, two tasks, the summary), one of the
inbox (two events), and one of the reports (a report and its task). A round is said on standard
output only after all were stored.
"""

import asyncio
import sys
from dataclasses import replace

from spaces_bridge.app.records import Report
from spaces_bridge.storage.storage import open_storage
from tests.storage.support import HOST, SPACE, SetClock, effect, event, stored, summary

LINES = 3
TASKS = 2
EVENTS = 2


async def write_for_ever(url: str) -> None:
    """Go on where the one before was killed."""
    storage = await open_storage(url, SetClock())
    first = len(await storage.journal.replay(SPACE)) // LINES
    known = await storage.directory.by_slug(summary().slug)
    if known is not None and known.started_at_ms != first - 1:
        raise AssertionError("the summary does not belong to the journal")
    number = first
    while True:
        await storage.journal.append(
            SPACE,
            [stored(number * LINES + line, round=number) for line in range(LINES)],
            [effect(f"{number}/{task}") for task in range(TASKS)],
            replace(summary(), started_at_ms=number),
        )
        await storage.inbox.store([event(number * EVENTS + one) for one in range(EVENTS)])
        report = Report(0, SPACE, HOST, HOST, f"round {number}", "", number)
        await storage.reports.file(report, f"page:{number}", lambda n: effect(f"report:{n}"))
        sys.stdout.write(f"{number}\n")
        sys.stdout.flush()
        number += 1


if __name__ == "__main__":
    asyncio.run(write_for_ever(sys.argv[1]))
