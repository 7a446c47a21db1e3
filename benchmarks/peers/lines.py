"""JSON lines to a server in a process of its own, which answers each line with one."""

import asyncio
import contextlib
import json
import os
import sys
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent.parent
_LINE_LIMIT = 1 << 20


class Answering:
    """The asking side of a server that answers JSON lines."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._lock = asyncio.Lock()  # one question at a time

    @property
    def pid(self) -> int:
        """Return the server's process id, whose CPU time counts."""
        return self._process.pid

    async def ask(self, question: Mapping[str, object], timeout_s: float = 60.0) -> dict[str, Any]:
        """Return the server's answer. Raises TimeoutError, and ConnectionError when it is gone."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        async with self._lock, asyncio.timeout(timeout_s):
            self._process.stdin.write(json.dumps(question).encode() + b"\n")
            line = await self._process.stdout.readline()
        if not line:
            raise ConnectionError("the server ended; what it said is above")
        answer: dict[str, Any] = json.loads(line)
        return answer

    async def end(self, timeout_s: float = 10.0) -> None:
        """Ask no more, and wait until the server has cleared up. Raises TimeoutError."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        async with asyncio.timeout(timeout_s):
            await self._process.wait()


@contextlib.asynccontextmanager
async def answering(*argv: str, tree: Path = ROOT) -> AsyncIterator[Answering]:
    """Start `python ARGV` with the packages of a work tree, and kill it at the block's end."""
    places = os.pathsep.join(map(str, (tree, tree / "demo")))
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *argv,
        cwd=tree,
        env=os.environ | {"PYTHONPATH": places},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=_LINE_LIMIT,
    )
    try:
        yield Answering(process)
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def questions() -> AsyncIterator[dict[str, Any]]:
    """Yield the questions on the answering side, until the asker is gone."""
    while line := await asyncio.to_thread(sys.stdin.readline):
        yield json.loads(line)


def answer(**values: object) -> None:
    """Answer the last question."""
    print(json.dumps(values), flush=True)
