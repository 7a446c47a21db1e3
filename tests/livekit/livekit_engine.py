"""The LiveKit engine: live spaces that the bridge steers at a real livekit-server."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from aiohttp import web

from spaces_bridge.app.ports import Draft
from spaces_bridge.app.relay_ports import RoomRelays
from spaces_bridge.app.supervisor import TaskSupervisor
from spaces_bridge.core import commands as cmd
from spaces_bridge.livekit.engine.api import LiveKitApi
from spaces_bridge.livekit.http import AuthoriserServer
from spaces_bridge.livekit.names import device_identity
from spaces_bridge.livekit.tokens import TokenSigner
from spaces_bridge.media.relays import WorkerRelays
from spaces_bridge.media.sfu_process import SfuClientProcess
from spaces_bridge.media.stage import WorkerStage
from spaces_bridge_demo.processes import free_port
from tests.livekit.call_world import BOT_ID, HOST, SPACE, SPEAKER
from tests.livekit.embedded import DEVICE, user_in, user_of
from tests.livekit.engine import Keyed, Ticket
from tests.livekit.engine_world import NAME, EngineWorld, PaperRelays
from tests.livekit.livekit_server import livekit_server
from tests.support.stage import options


class SteeredEngine:
    """See `stage_scenarios.StageEngine`: one live space; grants and removals are a host's."""

    page_falls_silent = "track_unpublished"

    def __init__(
        self, world: EngineWorld, server: Keyed, api: LiveKitApi, sound: WorkerStage | None
    ) -> None:
        self.world = world
        self.server = server
        self.api = api
        self._sound = sound

    @property
    def sound(self) -> WorkerStage:
        """The media worker's stage, if there is one."""
        assert self._sound is not None
        return self._sound

    async def room(self) -> str:
        """The call of the one live space."""
        return NAME

    async def ticket(self, room: str, name: str, *, may_publish: bool) -> Ticket:
        """A ticket of somebody who joins the room, on the stage or not."""
        user = user_of(name)
        if not self.world.view.person(user).joined:
            await self.world.seat(user, name.title(), SPEAKER if may_publish else None)
        token = self.world.tokens.issue(self.world.calls.permit(SPACE, user), DEVICE, "")
        return Ticket(token.url, token.jwt, device_identity(user, DEVICE))

    async def permit(self, room: str, identity: str, *, may_publish: bool) -> None:
        """The homeserver holds another level."""
        await self.world.levels({user_in(identity): SPEAKER if may_publish else None})

    async def remove(self, room: str, identity: str) -> None:
        """The host removes somebody."""
        await self.world.spaces.ask(SPACE, cmd.RemovePerson(HOST, user_in(identity)))

    async def people(self, room: str) -> frozenset[str]:
        """Who is in the room; the bot does not count."""
        return await self.server.people(room) - {BOT_ID}

    def draft(self, draft: Draft) -> None:
        """Words are said that are not final yet."""
        self.world.rooms.draft(SPACE, draft)


@asynccontextmanager
async def livekit_engine(
    folder: Path, relays: RoomRelays | None = None, sound: WorkerStage | None = None
) -> AsyncIterator[SteeredEngine]:
    """An engine with a server of its own, which tells by webhooks; relays may be on paper."""
    port = free_port()
    webhook = f"http://127.0.0.1:{port}/livekit/sfu_webhook"
    async with livekit_server(folder, webhook=webhook) as server:
        api = LiveKitApi(server.url, server.key, server.secret)
        world = EngineWorld(
            relays or PaperRelays(),
            api,
            api,
            sound=sound,
            url=server.url,
            key=server.key,
            secret=server.secret,
        )
        nobody: Any = None  # tokens are made by the world
        signer = TokenSigner(server.key, server.secret)
        hears = AuthoriserServer(nobody, signer, lambda _request: "", world.rooms.hint)
        app = web.Application()
        hears.routes(app.router, "/livekit")
        runner = web.AppRunner(app, shutdown_timeout=1.0)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", port).start()
        try:
            if sound is not None:
                await sound.start()
            await world.begin()
            world.tasks.keep("rooms", world.rooms.run)
            yield SteeredEngine(world, server, api, sound)
        finally:
            await world.tasks.stop("rooms")
            world.rooms.stop()
            await runner.cleanup()
            await world.spaces.stop()
            if sound is not None:
                await sound.stop()
            await api.close()


@asynccontextmanager
async def sounding_engine(folder: Path) -> AsyncIterator[SteeredEngine]:
    """An engine with a media worker, and an SFU client beside it."""
    sound = WorkerStage(options(folder / "worker"))
    tasks = TaskSupervisor()
    relays = WorkerRelays(lambda message: client.send(message), sound.room_sounds, tasks)
    client = SfuClientProcess(
        folder / "worker", on_message=relays.heard, on_lost=relays.lost, tasks=tasks
    )
    async with livekit_engine(folder, relays, sound) as engine:
        client.start()
        try:
            yield engine
        finally:
            await client.stop()
            relays.stop()
