"""LiveKit's SDK for Python as a client of scenarios; it lives in `python_process.py`."""

import asyncio
import itertools
import json
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np

from spaces_bridge_demo.patience import PATIENCE_S
from tests.livekit.client import Events, Participant, Pcm, Refused, participants_of
from tests.livekit.places import place_of

ROOT = Path(__file__).parents[2]
LINE_BYTES = 1 << 20
LAST_WORDS_S = 10.0


class PythonClient:
    """See `client.LiveKitClient`."""

    def __init__(self, process: asyncio.subprocess.Process, folder: Path, wav: Path) -> None:
        self.events = Events(f"the Python client of {folder.name}")
        self._process = process
        self._folder = folder
        self._wav = wav
        self._numbers = itertools.count(1)
        self._asked: dict[int, asyncio.Future[Any]] = {}
        self.single_connection = True
        self._reading = asyncio.create_task(self._read())

    async def connect(self, url: str, token: str) -> None:
        """Connect."""
        await self._ask("connect", url=url, token=token, single_connection=self.single_connection)

    async def publish_microphone(self) -> str:
        """Publish what it was made with, said over and over."""
        return str(await self._ask("publish", wav=str(self._wav)))

    async def mute(self) -> None:
        """Mute."""
        await self._ask("mute", muted=True)

    async def unmute(self) -> None:
        """Unmute."""
        await self._ask("mute", muted=False)

    async def participants(self) -> Mapping[str, Participant]:
        """The others."""
        return participants_of(await self._ask("participants"))

    async def heard(self, identity: str) -> Pcm:
        """What its process wrote down."""
        place = place_of(self._folder, identity)
        data = place.read_bytes() if place.exists() else b""
        return np.frombuffer(data[: len(data) // 2 * 2], np.int16)

    async def send_text(self, topic: str, text: str) -> None:
        """Send to everybody."""
        await self._ask("send_text", topic=topic, text=text)

    async def disconnect(self) -> None:
        """Leave."""
        await self._ask("disconnect")

    async def close(self) -> None:
        """End its process."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        with suppress(TimeoutError):
            async with asyncio.timeout(LAST_WORDS_S):
                await self._process.wait()
        if self._process.returncode is None:
            self._process.kill()
            await self._process.wait()
        await self._reading

    async def _ask(self, ask: str, **arguments: object) -> Any:  # noqa: ANN401  # JSON
        number = next(self._numbers)
        answer = self._asked[number] = asyncio.get_running_loop().create_future()
        assert self._process.stdin is not None
        line = json.dumps({"id": number, "ask": ask, **arguments}) + "\n"
        self._process.stdin.write(line.encode())
        await self._process.stdin.drain()
        async with asyncio.timeout(PATIENCE_S):
            return await answer

    async def _read(self) -> None:
        assert self._process.stdout is not None
        while line := await self._process.stdout.readline():
            said = json.loads(line)
            if "kind" in said:
                self.events.note(said)
                continue
            answer = self._asked.pop(said["id"])
            if "refused" in said:
                answer.set_exception(Refused(said["refused"]))
            else:
                answer.set_result(said["answer"])
        for answer in self._asked.values():
            answer.set_exception(Refused("the client's process ended"))


@asynccontextmanager
async def python_client(
    folder: Path, wav: Path, *, single_connection: bool = True
) -> AsyncIterator[PythonClient]:
    """A client whose microphone is a 48 kHz WAV; `folder` is its own, for what it hears.

    `single_connection`: whether it asks for one peer connection for both directions (`/rtc/v1`).
    """
    folder.mkdir()  # noqa: ASYNC240 - one empty folder
    with (folder / "client.log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "tests.livekit.python_process",
            str(folder),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=log,
            cwd=ROOT,
            limit=LINE_BYTES,
        )
    client = PythonClient(process, folder, wav)
    client.single_connection = single_connection
    try:
        yield client
    finally:
        await client.close()
