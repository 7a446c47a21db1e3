"""Relays with a real livekit-server: what is said in a room is heard on the page, and back."""

import os
import signal
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest

from spaces_bridge.app.relay_ports import (
    RelayedParticipant,
    RelayedRoom,
    RelayedTrack,
    RoomText,
)
from spaces_bridge.app.supervisor import TaskSupervisor
from spaces_bridge.core.ids import SpaceId, UserId
from spaces_bridge.media.relays import WorkerRelays
from spaces_bridge.media.sfu_process import SfuClientProcess
from spaces_bridge.media.stage import WorkerStage
from spaces_bridge.pacing.backoff import Backoff
from spaces_bridge_demo.expected import Expected
from tests.livekit.client import LiveKitClient
from tests.livekit.clients import Made
from tests.livekit.engine import Keyed
from tests.livekit.listening import hears_tone, length
from tests.livekit.livekit_server import livekit_server
from tests.livekit.scenarios import HIGH, LOW
from tests.support.sound import tone
from tests.support.stage import (
    HOST,
    SPACE,
    Noted,
    falls_silent,
    hears,
    listening,
    options,
    speaking,
    until,
)

pytestmark = [pytest.mark.peers, pytest.mark.needs("livekit-server")]

BOT = "@bot:x:SPACESBOT"
ADA = UserId("@ada:x")
PEOPLE = "io.spacesbridge.user"


class Relay:
    """A stage with its relay and SFU client, in one room of a LiveKit server."""

    def __init__(self, folder: Path, server: Keyed, room: str, node: str = "") -> None:
        self.server, self.room, self.node = server, room, node
        self.tasks = TaskSupervisor()
        self.stage = WorkerStage(options(folder), tasks=self.tasks)
        self.noted = Noted()
        self.stage.listen(self.noted)
        self.relays = WorkerRelays(
            lambda message: self.client.send(message),
            self.stage.room_sounds,
            self.tasks,
            node=node,
            backoff=Backoff(0.1, 0.5),
        )
        self.client = SfuClientProcess(
            folder, on_message=self.relays.heard, on_lost=self.relays.lost, tasks=self.tasks
        )
        self.relays.attend_relays(self, self)
        self.people: Sequence[RelayedParticipant] = ()
        self.snapshots = 0
        self.lost: list[str] = []
        self.replaced: list[str] = []
        self.tokens = 0

    async def token(self, space: SpaceId, room: RelayedRoom, node: str) -> str:
        self.tokens += 1
        video = {"room": self.room, "roomJoin": True, "canSubscribe": True, "canPublishData": True}
        grants = {"canPublish": True} if not node else {"canPublish": False, "hidden": True}
        identity = f"{BOT}:{node}" if node else BOT
        return self.server.signed({"sub": identity, "video": video | grants})

    def room_changed(
        self, space: SpaceId, name: str, participants: Sequence[RelayedParticipant]
    ) -> None:
        self.people = participants
        self.snapshots += 1

    def room_lost(self, space: SpaceId, name: str, reason: str) -> None:
        self.people = ()
        self.lost.append(reason)

    def track_replaced(self, space: SpaceId, name: str, sid: str) -> None:
        self.replaced.append(sid)

    @property
    def known(self) -> Mapping[str, RelayedParticipant]:
        """The participants by identity, as they were told last."""
        return {each.identity: each for each in self.people}

    def tracks_of(self, identity: str) -> Sequence[RelayedTrack]:
        """The tracks of a participant; none while they, or the relay, are not there."""
        return self.known[identity].tracks if identity in self.known else ()

    def take(self, **tracks: UserId) -> None:
        """Take exactly these tracks."""
        self.relays.take_tracks(SPACE, "home", tracks)

    def join(self) -> None:
        """Join the room."""
        self.relays.join_room(SPACE, RelayedRoom("home", self.server.url, not self.node))


@asynccontextmanager
async def relayed(folder: Path, server: Keyed, room: str, node: str = "") -> AsyncIterator[Relay]:
    """A relay that is in the room, and its live space."""
    folder.mkdir()  # noqa: ASYNC240 - one empty folder
    relay = Relay(folder, server, room, node)
    try:
        await relay.stage.start()
        relay.client.start()
        relay.stage.open_space(SPACE, 0)
        relay.join()
        if not node:
            await until(lambda: BOT in relay.known)
        yield relay
    finally:
        relay.relays.stop()
        await relay.client.stop()
        await relay.stage.stop()


@pytest.fixture
async def relay(tmp_path: Path, server: Keyed) -> AsyncIterator[Relay]:
    """The home worker's relay in a room of its own."""
    async with relayed(tmp_path / "home", server, await server.room()) as home:
        yield home


async def enter(
    relay: Relay, client: LiveKitClient, name: str, *, may_publish: bool = True
) -> None:
    """Have a client join the relay's room, with an attribute as our tokens have."""
    video = {"room": relay.room, "roomJoin": True, "canPublish": may_publish, "canSubscribe": True}
    claims = {"sub": name, "video": video, "attributes": {PEOPLE: ADA}}
    await client.connect(relay.server.url, relay.server.signed(claims))


async def test_a_microphone_in_a_room_is_heard_on_the_page_through_the_gate_only(
    relay: Relay, made: Made
) -> None:
    client = await made("python", HIGH)
    await enter(relay, client, "ada")
    await until(lambda: "ada" in relay.known)
    assert relay.known["ada"].attributes == {PEOPLE: ADA}
    assert relay.known["ada"].may_publish
    sid = await client.publish_microphone()
    await until(lambda: [each.sid for each in relay.tracks_of("ada")] == [sid])
    async with listening(relay.stage) as ear:
        relay.take(**{sid: ADA})
        await until(lambda: relay.stage.has_microphone(SPACE, ADA))
        await until(lambda: relay.stage.metrics().get("gate_refused", 0) > 50)
        assert not ear.pcm().any()
        relay.stage.open_microphone(SPACE, ADA)
        await hears(ear, HIGH)
        await until(lambda: relay.noted.told and relay.noted.told[-1].get(ADA, 0) > 0)
        relay.stage.close_microphone(SPACE, ADA)
        await falls_silent(ear)
        relay.stage.open_microphone(SPACE, ADA)
        await hears(ear, HIGH)
        relay.take()
        await falls_silent(ear)
        assert not relay.stage.has_microphone(SPACE, ADA)
        relay.take(**{sid: ADA})
        await hears(ear, HIGH)


async def test_mute_unpublish_and_leave_are_told_and_heard(relay: Relay, made: Made) -> None:
    client = await made("python", HIGH)
    await enter(relay, client, "ada")
    sid = await client.publish_microphone()
    await until(lambda: relay.tracks_of("ada"))
    relay.stage.open_microphone(SPACE, ADA)
    relay.take(**{sid: ADA})
    async with listening(relay.stage) as ear:
        await hears(ear, HIGH)
        await client.mute()
        await until(lambda: [each.is_muted for each in relay.tracks_of("ada")] == [True])
        await falls_silent(ear)
        await client.unmute()
        await until(lambda: [each.is_muted for each in relay.tracks_of("ada")] == [False])
        await hears(ear, HIGH)
        await client.disconnect()
        await until(lambda: "ada" not in relay.known)
        await falls_silent(ear)
        await until(lambda: not relay.stage.has_microphone(SPACE, ADA))


async def test_who_speaks_on_the_page_is_heard_in_the_room_while_on_air(
    relay: Relay, made: Made
) -> None:
    client = await made("python", HIGH)
    await enter(relay, client, "ben", may_publish=False)
    async with speaking(relay.stage, HOST) as host:
        host.say(tone(LOW, 120))
        relay.stage.open_microphone(SPACE, HOST)
        await hears_tone(client, BOT, LOW)
        await until(lambda: [each.name for each in relay.tracks_of(BOT)] == [HOST])
        seen = (await client.participants())[BOT].tracks
        assert [each.sid for each in seen] == [each.sid for each in relay.tracks_of(BOT)]
        unpublished = client.events.next("track_unpublished", identity=BOT)
        relay.stage.close_microphone(SPACE, HOST)
        await unpublished
        await until(lambda: not relay.tracks_of(BOT))


async def test_another_workers_relay_is_hidden_and_takes_what_the_home_one_publishes(
    relay: Relay, tmp_path: Path, server: Keyed, made: Made
) -> None:
    client = await made("python", HIGH)
    await enter(relay, client, "ada")
    sid = await client.publish_microphone()
    async with AsyncExitStack() as stack:
        north = await stack.enter_async_context(
            relayed(tmp_path / "north", server, relay.room, "north")
        )
        host = await stack.enter_async_context(speaking(relay.stage, HOST))
        host.say(tone(LOW, 120))
        relay.stage.open_microphone(SPACE, HOST)
        await until(lambda: relay.tracks_of(BOT))
        of_bot = relay.tracks_of(BOT)[0].sid
        for each in (relay, north):  # to both alike: the home one leaves its own out
            each.take(**{sid: ADA, of_bot: HOST})
            each.stage.set_gates(SPACE, [ADA, HOST])
        far = await stack.enter_async_context(listening(north.stage))
        near = await stack.enter_async_context(listening(relay.stage))
        for ear in (far, near):
            await hears(ear, HIGH)
            await hears(ear, LOW)
        assert (await client.participants()).keys() == {BOT}
        assert north.snapshots == 0


async def test_the_newest_microphone_of_a_person_is_heard(relay: Relay, made: Made) -> None:
    client = await made("python", HIGH)
    await enter(relay, client, "ada")
    sid = await client.publish_microphone()
    relay.stage.open_microphone(SPACE, ADA)
    relay.take(**{sid: ADA})
    async with listening(relay.stage) as ear:
        await hears(ear, HIGH)
        async with speaking(relay.stage, ADA) as page:
            page.say(tone(LOW, 120))
            await hears(ear, LOW)
            await until(lambda: relay.replaced == [sid])
            relay.take(**{sid: ADA})  # nothing new
            relay.take()
            relay.take(**{sid: ADA})
            await hears(ear, HIGH)
            await until(lambda: page.state == "closed")
        assert relay.noted.lost == []


@pytest.mark.slow
async def test_sound_is_back_after_the_death_of_client_and_worker(
    relay: Relay, made: Made
) -> None:
    client = await made("python", HIGH)
    await enter(relay, client, "ada")
    sid = await client.publish_microphone()
    relay.stage.set_gates(SPACE, [ADA, HOST])
    relay.take(**{sid: ADA})
    async with listening(relay.stage) as ear, speaking(relay.stage, HOST) as host:
        host.say(tone(LOW, 300))
        await hears(ear, HIGH)
        await hears_tone(client, BOT, LOW)
        for pid in (relay.client.pid, relay.stage.worker_pid):
            assert pid is not None
            since = await length(client, BOT)
            os.kill(pid, signal.SIGKILL)
            await _replaced(relay, pid)
            await hears(ear, LOW)
            await hears(ear, HIGH)
            await hears_tone(client, BOT, LOW, since)
        assert relay.lost[0] == "the SFU client ended"
        assert relay.client.restarts


async def _replaced(relay: Relay, dead: int) -> None:
    await until(lambda: dead not in (relay.client.pid, relay.stage.worker_pid))


@pytest.mark.slow
async def test_a_room_is_joined_again_after_its_removal(relay: Relay, made: Made) -> None:
    client = await made("python", HIGH)
    await enter(relay, client, "ada")
    sid = await client.publish_microphone()
    relay.stage.open_microphone(SPACE, ADA)
    relay.take(**{sid: ADA})
    async with listening(relay.stage) as ear:
        await hears(ear, HIGH)
        tokens = relay.tokens
        await relay.server.remove(relay.room, BOT)
        await until(lambda: relay.lost)
        await until(lambda: relay.tokens > tokens and BOT in relay.known)
        await hears(ear, HIGH)


async def test_a_text_comes_as_a_text_stream(relay: Relay, made: Made) -> None:
    client = await made("python", HIGH)
    await enter(relay, client, "ada", may_publish=False)
    await _reads(relay, client)
    for sender in ("", "ada"):
        text = client.events.next("text", topic="lk.transcription")
        relay.relays.send_text(
            SPACE, "home", RoomText("lk.transcription", f"Grüße {sender}", {"lang": "de"}, sender)
        )
        said = await text
        assert said["text"] == f"Grüße {sender}"
        assert said["attributes"]["lang"] == "de"
        # the server lets only participants of the kind "agent" speak for others
        assert said["sender"] == BOT


async def _reads(relay: Relay, client: LiveKitClient) -> None:
    """Texts reach a client, from the moment at which its data channel is open."""

    def has_read() -> bool:
        relay.relays.send_text(SPACE, "home", RoomText("lk.chat", "Is anybody there?"))
        return any(event["kind"] == "text" for event in client.events.seen)

    await until(has_read)


async def test_leaving_and_stopping_leave_nothing_behind(
    tmp_path: Path, server: Keyed, made: Made
) -> None:
    client = await made("python", HIGH)
    async with relayed(tmp_path / "home", server, await server.room()) as home:
        await enter(home, client, "ada")
        pid = home.client.pid
        assert pid is not None
        left, back = _left(client), client.events.next("joined", identity=BOT)
        home.relays.leave_room(SPACE, "home")
        await left
        home.join()
        await back
        left = _left(client)
    await left
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def _left(client: LiveKitClient) -> Expected:
    """The bot says that it leaves; else the server would miss it later, for another reason."""
    return client.events.next("left", identity=BOT, reason="CLIENT_INITIATED")


@pytest.mark.slow
async def test_sound_is_back_after_the_servers_restart(tmp_path: Path, made: Made) -> None:
    async with AsyncExitStack() as stack:
        first = AsyncExitStack()
        server = await first.enter_async_context(livekit_server(tmp_path))
        home = await stack.enter_async_context(relayed(tmp_path / "home", server, "room"))
        await first.aclose()
        await stack.enter_async_context(livekit_server(tmp_path, server))
        await until(lambda: home.lost and BOT in home.known)
        client = await made("python", HIGH)
        await enter(home, client, "ada")
        sid = await client.publish_microphone()
        home.stage.open_microphone(SPACE, ADA)
        home.take(**{sid: ADA})
        async with listening(home.stage) as ear:
            await hears(ear, HIGH)
            seen = home.snapshots
            await client.mute()
            await until(lambda: home.snapshots > seen)
        assert home.lost[0] == "the connection was lost"
