"""WebDriver BiDi, by which a browser is driven over a WebSocket: commands, answers, its log."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import aiohttp

Answer = Mapping[str, Any]


class Bidi:
    """A session with a browser."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse, patience_s: float) -> None:
        """`patience_s`: how long a command may take."""
        self.log: list[str] = []
        """Warnings and errors in the browser's log."""
        self._socket = socket
        self._patience_s = patience_s
        self._numbers = itertools.count(1)
        self._answers: dict[int, asyncio.Future[Answer]] = {}

    async def command(self, method: str, **params: object) -> Answer:
        """Raises RuntimeError with the browser's own words, ConnectionError when it has gone."""
        number = next(self._numbers)
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._answers[number] = answer
        await self._socket.send_json({"id": number, "method": method, "params": params})
        async with asyncio.timeout(self._patience_s):
            return await answer

    async def read(self) -> None:
        """Take in what the browser says, until it goes."""
        async for message in self._socket:
            told = message.json()
            if told["type"] == "event":
                self._note(told["params"])
            else:
                self._answered(told)
        for answer in self._answers.values():
            if not answer.done():
                answer.set_exception(ConnectionError("the browser has gone"))

    def _answered(self, told: Answer) -> None:
        answer = self._answers.pop(told["id"])
        if answer.done():
            return  # nobody waits any more
        if told["type"] == "success":
            answer.set_result(told["result"])
        else:
            answer.set_exception(RuntimeError(f"{told['error']}: {told['message']}"))

    def _note(self, entry: Answer) -> None:
        if entry["level"] in ("warn", "error"):
            frames = entry.get("stackTrace", {}).get("callFrames", [])
            where = [f"{frame['url']}:{frame['lineNumber']}" for frame in frames]
            self.log.append(" ".join([f"{entry['level']}: {entry['text']}", *where]))


@asynccontextmanager
async def session(address: str, patience_s: float) -> AsyncIterator[Bidi]:
    """A session with the browser that takes commands at this `ws:` address; its end ends it."""
    async with aiohttp.ClientSession() as http:
        socket = await http.ws_connect(f"{address}/session", max_msg_size=1 << 26)
        bidi = Bidi(socket, patience_s)
        reader = asyncio.create_task(bidi.read())
        try:
            await bidi.command("session.new", capabilities={})
            await bidi.command("session.subscribe", events=["log.entryAdded"])
            yield bidi
            await bidi.command("browser.close")
        finally:
            await socket.close()
            reader.cancel()
            await asyncio.gather(reader, return_exceptions=True)
