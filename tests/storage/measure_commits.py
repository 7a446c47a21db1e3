"""How long a durable commit takes: `python -m tests.storage.measure_commits [ROUNDS]`.

Prints one JSON object per line. PostgreSQL runs with fsync on, as in production.
"""

import asyncio
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable

from spaces_bridge.storage.storage import Storage
from tests.storage.support import SPACE, effect, event, opened, stored, summary
from tests.support.postgres import PrivatePostgres

Step = Callable[[int], Awaitable[object]]

ONE_KB = "x" * 1000


def steps(storage: Storage) -> dict[str, Step]:
    """What is measured, by name; each call is one commit."""
    outbox = storage.outbox
    return {
        "journal.append 1 event 1 effect": lambda n: storage.journal.append(
            SPACE, [stored(n)], [effect(f"j{n}", text=ONE_KB)], summary()
        ),
        "inbox.store 1 event": lambda n: storage.inbox.store([event(n, ONE_KB)]),
        "inbox.store 100 events": lambda n: storage.inbox.store(
            [event(10**6 + n * 100 + one, ONE_KB) for one in range(100)]
        ),
        "outbox.complete": lambda n: outbox.complete(f"j{n}", 0, "$result"),
        "outbox.enqueue collapse": lambda _: outbox.enqueue([effect("card", collapse=True)]),
    }


async def measure(engine: str, url: str, rounds: int) -> None:
    """Time every step one after the other, and then many writers at once."""
    async with opened(url) as storage:
        for name, step in steps(storage).items():
            taken_ms = []
            for number in range(rounds):
                begun = time.perf_counter()
                await step(number)
                taken_ms.append((time.perf_counter() - begun) * 1000)
            cuts = statistics.quantiles(taken_ms, n=20)
            _say(engine=engine, step=name, p50_ms=round(cuts[9], 2), p95_ms=round(cuts[18], 2))
        begun = time.perf_counter()
        await asyncio.gather(*(storage.inbox.store([event(10**9 + n)]) for n in range(rounds)))
        per_second = rounds / (time.perf_counter() - begun)
        _say(engine=engine, step="inbox.store, all at once", per_second=round(per_second))


def _say(**figures: object) -> None:
    sys.stdout.write(json.dumps(figures) + "\n")


def main() -> None:
    """Measure both databases."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 300
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(measure("sqlite", f"sqlite:{folder}/spaces.db", rounds))
    with PrivatePostgres(fsync=True) as server:
        asyncio.run(measure("postgres", server.url(server.create_database()), rounds))


if __name__ == "__main__":
    main()
