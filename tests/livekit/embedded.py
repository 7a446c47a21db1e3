"""The engine that is embedded in the bridge: live spaces, LiveKit's signalling, a media worker."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from spaces_bridge.app.ports import Draft
from spaces_bridge.core import commands as cmd
from spaces_bridge.core.ids import UserId
from spaces_bridge.livekit.names import device_identity, room_name
from spaces_bridge.media.stage import WorkerStage
from tests.livekit.call_world import (
    BOT_ID,
    DOMAIN,
    HOST,
    ROOM,
    SPACE,
    SPEAKER,
    CallWorld,
    call_world,
)
from tests.livekit.client import Events, LiveKitClient, Participant, Pcm
from tests.livekit.engine import Ticket
from tests.support.stage import options

DEVICE = "DEVICE"


class EmbeddedEngine:
    """See `stage_scenarios.StageEngine`: one live space; grants and removals are a host's."""

    page_falls_silent = "track_muted"

    def __init__(self, world: CallWorld, sound: WorkerStage) -> None:
        self.world = world
        self.sound = sound

    async def room(self) -> str:
        """The call of the one live space."""
        return room_name(ROOM)

    async def ticket(self, room: str, name: str, *, may_publish: bool) -> Ticket:
        """A ticket of somebody who joins the room, on the stage or not."""
        assert room == room_name(ROOM)
        user = user_of(name)
        if not self.world.view.person(user).joined:
            await self.world.seat(user, name.title(), SPEAKER if may_publish else None)
        identity = device_identity(user, DEVICE)
        return Ticket(self.world.url("", "ws"), self.world.token(user, DEVICE), identity)

    async def permit(self, room: str, identity: str, *, may_publish: bool) -> None:
        """The homeserver holds another level."""
        await self.world.levels({user_in(identity): SPEAKER if may_publish else None})

    async def remove(self, room: str, identity: str) -> None:
        """The host removes somebody."""
        await self.world.spaces.ask(SPACE, cmd.RemovePerson(HOST, user_in(identity)))

    async def people(self, room: str) -> frozenset[str]:
        """Who has joined the call; the bot is always there."""
        call = self.world.rooms.room(SPACE)
        infos = call.infos() if call is not None else []
        return frozenset(info.identity for info in infos) - {BOT_ID}

    def draft(self, draft: Draft) -> None:
        """Words are said that are not final yet."""
        self.world.rooms.draft(SPACE, draft)


def user_of(name: str) -> UserId:
    """The Matrix id of somebody called so."""
    return UserId(f"@{name}:{DOMAIN}")


def user_in(identity: str) -> UserId:
    """The Matrix id in an identity of the older form."""
    return UserId(identity.rpartition(":")[0])


class WithoutBot:
    """A client that does not count the bot among the others."""

    def __init__(self, client: LiveKitClient) -> None:
        self._client = client

    @property
    def events(self) -> Events:
        return self._client.events

    async def connect(self, url: str, token: str) -> None:
        await self._client.connect(url, token)

    async def publish_microphone(self) -> str:
        return await self._client.publish_microphone()

    async def mute(self) -> None:
        await self._client.mute()

    async def unmute(self) -> None:
        await self._client.unmute()

    async def participants(self) -> Mapping[str, Participant]:
        found = await self._client.participants()
        return {identity: who for identity, who in found.items() if identity != BOT_ID}

    async def heard(self, identity: str) -> Pcm:
        return await self._client.heard(identity)

    async def send_text(self, topic: str, text: str) -> None:
        await self._client.send_text(topic, text)

    async def disconnect(self) -> None:
        await self._client.disconnect()


@asynccontextmanager
async def embedded_engine(folder: Path) -> AsyncIterator[EmbeddedEngine]:
    """An engine with a media worker of its own."""
    sound = WorkerStage(options(folder))
    async with call_world(sound) as world:
        yield EmbeddedEngine(world, sound)
