"""A media worker that believes to be as loaded as a test says, and is as idle as it is.

    python -m tests.support.loaded_worker OPTIONS

It is the real one in all else. Each tick passes for a second of the load in `load.json`, beside
its control socket.
"""

import asyncio
import json
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from spaces_bridge.media.worker.options import WorkerOptions
from spaces_bridge.media.worker.overload import WorkerLoad
from spaces_bridge.media.worker.process import Worker

MODULE = "tests.support.loaded_worker"
_FILE = "load.json"


def tell_load(runtime_dir: Path, load: WorkerLoad) -> None:
    """Have the worker of this directory believe in this load from now on."""
    new = runtime_dir / "load.new"
    new.write_text(json.dumps(asdict(load)))
    new.replace(runtime_dir / _FILE)


class ToldLoad:
    """A `MeasuresLoad` that measures nothing."""

    def __init__(self, runtime_dir: Path) -> None:
        self._path = runtime_dir / _FILE

    def ticked(self, late_s: float) -> None:
        """Whatever it was."""

    def second(
        self, now: float, cpu_s: float, skipped: int, listeners: Callable[[], int]
    ) -> WorkerLoad | None:
        """Return what the file says, if there is one."""
        return WorkerLoad(**json.loads(self._path.read_text())) if self._path.exists() else None


async def main() -> None:
    """Run until told to end."""
    options = WorkerOptions.from_json(sys.argv[1])
    await Worker(options, meter=ToldLoad(Path(options.path).parent)).run()


if __name__ == "__main__":
    asyncio.run(main())
