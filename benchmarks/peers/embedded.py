"""The embedded engine as a server of its own: authoriser, signalling and media worker.

There is one live space with everybody in it who is asked for; no homeserver and no pages are
beside it. `python -m benchmarks.peers.embedded` answers JSON lines (see `lines`).
"""

import asyncio
import contextlib
import logging
import tempfile
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiohttp import web

from benchmarks.peers.lines import Answering, answer, answering, questions
from spaces_bridge.app.ports import Direction
from spaces_bridge.app.supervisor import TaskSupervisor
from spaces_bridge.core.ids import UserId
from spaces_bridge.livekit.issuer import CallTokens
from spaces_bridge.livekit.service import CallDependencies, LiveKitService
from spaces_bridge.media.stage import WorkerStage
from tests.livekit.authorised import ToldEvents, ToldSecrecy
from tests.livekit.call_world import DOMAIN, ROOM, SPACE, SPEAKER, CallWorld, call_world
from tests.support.notes import MemoryNotes
from tests.support.stage import options

NETWORK = "X-Network"
"""The header by which a request says which network it comes from."""


@dataclass(frozen=True, slots=True)
class Embedded:
    """The engine, running: where clients find it, and how to ask its process."""

    url: str
    authoriser: str
    worker: int
    process: Answering

    @property
    def pids(self) -> tuple[int, int]:
        """The processes whose CPU time counts: the worker, and the one that has the signalling."""
        return self.worker, self.process.pid

    async def seat(self, name: str, *, speaks: bool = False) -> None:
        """Have somebody join the room, with the floor or without."""
        await self.process.ask({"seat": name, "speaks": speaks})

    async def token(self, name: str, device: str) -> str:
        """Return the token of a device of somebody who has joined the room."""
        return str((await self.process.ask({"token": name, "device": device}))["token"])

    async def listen(self, offer: str) -> str:
        """Return the answer to the offer of somebody who listens on the page."""
        return str((await self.process.ask({"listen": offer}))["answer"])

    async def numbers(self) -> Mapping[str, Any]:
        """Return the numbers for the metrics, of the worker and of calls, and log lines."""
        return await self.process.ask({"numbers": True})


@contextlib.asynccontextmanager
async def embedded() -> AsyncIterator[Embedded]:
    """Run it in a process of its own, which is gone afterwards."""
    async with answering("-m", "benchmarks.peers.embedded") as process:
        places = await process.ask({"where": True})
        try:
            yield Embedded(places["url"], places["authoriser"], places["worker"], process)
        finally:
            await process.end()  # it ends the worker


class _Lines(logging.Handler):
    """The lines that an admin would read."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())


class _Identities:
    """Homeservers by whose word everybody is who their token says."""

    async def verify(self, server: str, token: str) -> UserId | None:
        return UserId(token.removeprefix("openid-of-").partition(" ")[0])


async def _serve(folder: Path) -> None:
    lines, sound = _Lines(), WorkerStage(options(folder))
    logging.getLogger().addHandler(lines)
    logging.getLogger("spaces_bridge").setLevel(logging.INFO)
    async with call_world(sound) as world:
        service = _service(world)
        app = web.Application()
        service.routes(app.router, "")
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        authoriser = f"http://127.0.0.1:{runner.addresses[0][1]}/livekit"
        try:
            async for question in questions():
                answer(**await _reply(question, world, sound, service, lines, authoriser))
        finally:
            await runner.cleanup()


def _service(world: CallWorld) -> LiveKitService:
    needs = CallDependencies(
        calls=world.calls,
        identities=_Identities(),
        secrecy=ToldSecrecy(),
        presence=world.rooms,
        events=ToldEvents(),
        notes=MemoryNotes(),
        tasks=TaskSupervisor(),
        address_of=lambda request: request.headers.get(NETWORK, "one"),
        domain=DOMAIN,
        numbers=(world.rooms.numbers, world.signalling.numbers),
    )
    return LiveKitService(CallTokens(world.url("", "ws"), world.signer), world.signer, needs)


async def _reply(
    question: Mapping[str, Any],
    world: CallWorld,
    sound: WorkerStage,
    service: LiveKitService,
    lines: _Lines,
    authoriser: str,
) -> Mapping[str, object]:
    if "where" in question:
        return {
            "url": world.url("", "ws"),
            "authoriser": authoriser,
            "worker": sound.worker_pid,
        }
    if "seat" in question:
        level = SPEAKER if question["speaks"] else None
        await world.seat(_user(question["seat"]), question["seat"], level)
        return {}
    if "token" in question:
        return {"token": world.token(_user(question["token"]), question["device"])}
    if "listen" in question:
        ear, offer = UserId(f"@ear:{DOMAIN}"), question["listen"]
        return {"answer": (await sound.offer(SPACE, ear, Direction.LISTEN, offer)).answer}
    return {"media": sound.metrics(), "calls": await service.numbers(), "log": lines.lines}


def _user(name: str) -> UserId:
    return UserId(f"@{name}:{DOMAIN}")


def openid_request(name: str, device: str) -> Mapping[str, object]:
    """Return the body with which a client asks the authoriser (`/sfu/get`)."""
    user = _user(name)
    token = {"access_token": f"openid-of-{user} {device}", "matrix_server_name": DOMAIN}
    return {"room": ROOM, "openid_token": token, "device_id": device}


async def _main() -> None:
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        await _serve(Path(folder))


if __name__ == "__main__":
    asyncio.run(_main())
