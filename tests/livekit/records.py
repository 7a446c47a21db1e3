"""Write down how official clients and a real livekit-server talk with each other.

`python -m tests.livekit.records FOLDER`: one file for each scenario and pair of clients, see
`recorded.py`. No test: an engine of one's own is written after what is in them.
"""

import asyncio
import sys
import tempfile
from pathlib import Path

from tests.livekit import scenarios
from tests.livekit.clients import clients
from tests.livekit.livekit_server import livekit_server
from tests.livekit.recorded import recorded

PAIRS = (("python", "page"), ("page", "python"), ("python of two", "page of two"))


async def record(scenario: scenarios.Scenario, one: str, other: str, file: Path) -> None:
    """Play a scenario, and write it down."""
    with tempfile.TemporaryDirectory(prefix="spaces-") as name:
        folder = Path(name)
        async with (
            livekit_server(folder) as engine,
            recorded(engine, file) as heard,
            clients(folder) as make,
        ):
            speaker = await make(one, scenarios.HIGH)
            await scenario(heard, speaker, await make(other, scenarios.LOW))


async def _main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)  # noqa: ASYNC240 - before anything runs
    for scenario in (scenarios.both_are_heard, *scenarios.MORE):
        for one, other in PAIRS:
            pair = f"{one}-{other}".replace(" ", "-")
            await record(scenario, one, other, folder / f"{scenario.__name__}.{pair}.jsonl")


if __name__ == "__main__":
    asyncio.run(_main(Path(sys.argv[1])))
