"""Live spaces on the LiveKit engine; relays and the server are on paper unless they are given."""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager

from spaces_bridge.app.errors import AdapterError
from spaces_bridge.app.ports import Stage
from spaces_bridge.app.relay_attendants import OWN_ROOM
from spaces_bridge.app.relay_ports import (
    RelayedParticipant,
    RelayedRoom,
    RelayedTrack,
    RelayListener,
    RelayTokens,
    RoomRelays,
    RoomText,
)
from spaces_bridge.app.supervisor import TaskSupervisor
from spaces_bridge.app.usecases.calls import Calls
from spaces_bridge.core.ids import SpaceId, UserId
from spaces_bridge.livekit.engine.credentials import Credentials
from spaces_bridge.livekit.engine.issuing import EngineTokens, HomeTokens, bot_identity
from spaces_bridge.livekit.engine.operations import RoomControl
from spaces_bridge.livekit.engine.room import RoomNeeds
from spaces_bridge.livekit.engine.rooms import EngineRooms, RoomLists
from spaces_bridge.livekit.names import device_identity, room_name
from tests.livekit.call_world import BOT, ROOM, SPACE, LiveSpaceWorld

NAME = room_name(ROOM)
"""LiveKit's name of the live space's room."""


class PaperRelays:
    """A `RoomRelays` that writes down what is wanted; what they see, a test says."""

    def __init__(self) -> None:
        self.listener: RelayListener | None = None
        self.joined: dict[str, RelayedRoom] = {}
        self.taken: Mapping[str, UserId] = {}
        self.said: list[RoomText] = []

    def attend_relays(self, listener: RelayListener, tokens: RelayTokens) -> None:
        self.listener = listener

    def join_room(self, space: SpaceId, room: RelayedRoom) -> None:
        self.joined[room.name] = room

    def leave_room(self, space: SpaceId, name: str) -> None:
        del self.joined[name]

    def take_tracks(self, space: SpaceId, name: str, tracks: Mapping[str, UserId]) -> None:
        self.taken = tracks

    def send_text(self, space: SpaceId, name: str, text: RoomText) -> None:
        self.said.append(text)

    def see(self, *participants: RelayedParticipant) -> None:
        """The home relay sees these people, all of them."""
        assert self.listener is not None
        self.listener.room_changed(SPACE, OWN_ROOM, participants)


class PaperServer:
    """A LiveKit server on paper (`RoomControl`, `RoomLists`): it writes down what it is asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[object, ...]] = []
        self.done: list[tuple[object, ...]] = []
        self.listed: Sequence[RelayedParticipant] = ()
        self.is_away = False
        self.may_go = asyncio.Event()
        """What operations on people wait for."""
        self.may_go.set()

    async def make(self, room: str) -> None:
        self._ask("make", room)

    async def probe(self, room: str) -> None:
        self._ask("probe", room)

    async def delete(self, room: str) -> None:
        self._ask("delete", room)

    async def permit(self, room: str, identity: str, *, may_publish: bool) -> None:
        self._ask("permit", identity, may_publish)
        await self.may_go.wait()

    async def mute(self, room: str, identity: str, sid: str) -> None:
        self._ask("mute", identity, sid)

    async def remove(self, room: str, identity: str) -> None:
        self._ask("remove", identity)
        await self.may_go.wait()

    async def unsubscribe(self, room: str, identity: str, sid: str) -> None:
        self._ask("unsubscribe", identity, sid)

    async def people(self, room: str) -> Sequence[RelayedParticipant]:
        self._ask("people", room)
        return self.listed

    def _ask(self, *what: object) -> None:
        self.asked.append(what)
        if self.is_away:
            raise AdapterError("the server is away")
        self.done.append(what)

    def operations(self) -> set[tuple[object, ...]]:
        """What it was asked to do to people; they are forgotten here."""
        kinds = {"permit", "mute", "remove", "unsubscribe"}
        found = {asked for asked in self.asked if asked[0] in kinds}
        self.asked = [asked for asked in self.asked if asked[0] not in kinds]
        return found


class EngineWorld(LiveSpaceWorld):
    """A live space whose call is a room at LiveKit."""

    def __init__(
        self,
        relays: RoomRelays,
        control: RoomControl,
        lists: RoomLists,
        *,
        sound: Stage | None = None,
        url: str = "ws://livekit",
        key: str = "key",
        secret: str = "a-secret-of-forty-digits-00000000000000",
    ) -> None:
        super().__init__(sound)
        self.tasks = TaskSupervisor()
        self.now = 0.0
        self.calls = Calls(self.spaces, mute_ends_publishing=True)
        self.credentials = Credentials(secret)
        self.tokens = EngineTokens(url, key, secret, self.credentials)
        self.rooms = EngineRooms(
            RoomNeeds(
                self.spaces, self.calls, control, relays, self.credentials, BOT, url, self.members
            ),
            lists,
            (lambda: self.now) if sound is None else time.monotonic,
        )
        home = HomeTokens(self.spaces, key, secret, self.credentials, BOT)
        relays.attend_relays(self.rooms, home)
        self.audiences.add(self.rooms)

    def participant(
        self,
        user: UserId,
        *tracks: RelayedTrack,
        device: str = "DEVICE",
        may_publish: bool = True,
    ) -> RelayedParticipant:
        """Somebody whom the bridge has let in, as relays see them."""
        identity = bot_identity(BOT) if user == BOT else device_identity(user, device)
        attributes = self.credentials.attributes(SPACE, user, identity)
        return RelayedParticipant(identity, f"PA_{identity}", attributes, may_publish, tracks)


def track(sid: str = "TR_1", *, muted: bool = False, name: str = "") -> RelayedTrack:
    """A microphone track."""
    return RelayedTrack(sid, name, muted)


@asynccontextmanager
async def paper_world() -> AsyncIterator[tuple[EngineWorld, PaperRelays, PaperServer]]:
    """A world with a live space in it, whose relays and server are on paper."""
    relays, server = PaperRelays(), PaperServer()
    world = EngineWorld(relays, server, server)
    await world.begin()
    try:
        yield world, relays, server
    finally:
        await world.tasks.stop("rooms")
        world.rooms.stop()
        await world.spaces.stop()
