"""Rooms of the SFU client, whatever the SDK does: its rooms, tracks and streams are fakes."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from livekit import rtc
from spaces_bridge.core.ids import SpaceId, UserId
from spaces_bridge.media.pcm_link import FRAME_BYTES
from spaces_bridge.media.sfu_client import messages, published, room, taken
from spaces_bridge.media.sfu_client.client import SfuClient
from spaces_bridge.media.sfu_client.published import PublishedSpeakers
from spaces_bridge.media.sfu_client.sound import WorkerSound
from spaces_bridge.media.sfu_client.taken import TakenTracks
from spaces_bridge_demo.patience import PATIENCE_S
from tests.support.stage import until

pytestmark = pytest.mark.unit

SPACE, ADA = SpaceId("space"), UserId("@ada:x")
LIVEKIT_ASKS_S = 3.0
"""Seconds for which a LiveKit node waits for another one (psrpc's `DefaultClientTimeout`)."""


class FakeStream:
    """A sound stream, which ends only when it is closed."""

    made: list["FakeStream"]
    closes = True

    def __init__(self, *_: object, **__: object) -> None:
        self.is_closed = False
        self._ended = asyncio.Event()
        self.made.append(self)

    def __aiter__(self) -> "FakeStream":
        return self

    async def __anext__(self) -> None:
        await self._ended.wait()
        raise StopAsyncIteration

    async def aclose(self) -> None:
        """End it, as the SDK does: not at once."""
        await asyncio.sleep(0)
        if not self.closes:
            await asyncio.Event().wait()
        self._ended.set()
        self.is_closed = True


@pytest.fixture
def streams(monkeypatch: pytest.MonkeyPatch) -> list[FakeStream]:
    """The streams that are made."""
    made = list[FakeStream]()
    monkeypatch.setattr(FakeStream, "made", made, raising=False)
    monkeypatch.setattr(rtc, "AudioStream", FakeStream)
    return made


class FakeRoom:
    """A room of the SDK that is joined at once; other participants come with `publish`."""

    made: list["FakeRoom"]

    def __init__(self) -> None:
        self.handlers: dict[str, Callable[..., None]] = {}
        self.local_participant = self._person("bot")
        self.remote_participants: dict[str, Any] = {}
        self.connection_state = rtc.ConnectionState.CONN_CONNECTED
        self.subscribed: list[bool] = []
        self.problem: Exception | None = None
        self.options: rtc.RoomOptions | None = None
        self.is_left = False
        self.made.append(self)

    def _person(self, identity: str, *publications: object) -> SimpleNamespace:
        return SimpleNamespace(
            identity=identity,
            sid=f"PA_{identity}",
            attributes={},
            permissions=SimpleNamespace(can_publish=True),
            track_publications=dict(enumerate(publications)),
        )

    def publish(self) -> None:
        """Somebody has a microphone."""
        publication = SimpleNamespace(
            sid="TR_1",
            name="microphone",
            kind=rtc.TrackKind.KIND_AUDIO,
            source=rtc.TrackSource.SOURCE_MICROPHONE,
            muted=False,
            track=None,
            set_subscribed=self.subscribed.append,
        )
        self.remote_participants["ada"] = self._person("ada", publication)

    def on(self, event: str, handler: Callable[..., None]) -> None:
        self.handlers[event] = handler

    def end(self) -> None:
        """The server ends it."""
        self.handlers["disconnected"](rtc.DisconnectReason.SERVER_SHUTDOWN)

    async def connect(self, _url: str, _token: str, options: rtc.RoomOptions) -> None:
        self.options = options

    async def disconnect(self) -> None:
        self.is_left = True
        if self.problem is not None:
            raise self.problem


class Client:
    """An SFU client, the SDK's rooms that it has made, and what it has told its relay."""

    def __init__(self, folder: Path, rooms: list[FakeRoom]) -> None:
        self.told: list[messages.FromSfuClient] = []
        self.rooms = rooms
        self.client = SfuClient(folder, self.told.append)

    async def join(self, name: str, attempt: int = 1) -> FakeRoom:
        """Join a room; return the SDK's."""
        join = messages.JoinSfuRoom(
            SPACE, name, attempt, "ws://sfu", "token", publishes=True, reports=True
        )
        self.client.obey(join)
        await until(lambda: messages.SfuRoomJoined(SPACE, name, attempt) in self.told)
        return self.rooms[-1]

    def lost(self) -> list[tuple[str, int]]:
        """The names and attempts of the rooms that are lost."""
        lost = [each for each in self.told if isinstance(each, messages.SfuRoomLost)]
        return [(each.name, each.attempt) for each in lost]

    async def loses(self, name: str) -> None:
        """Until this room is told to be lost."""
        await until(lambda: (name, 1) in self.lost())

    async def stop(self) -> None:
        """Leave all rooms."""
        await self.client.stop()


@pytest.fixture
def client(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Client:
    """A client with rooms that are fakes."""
    made = list[FakeRoom]()
    monkeypatch.setattr(FakeRoom, "made", made, raising=False)
    monkeypatch.setattr(rtc, "Room", FakeRoom)
    return Client(tmp_path, made)


@pytest.mark.parametrize("closes", [True, False])
async def test_the_streams_of_a_room_that_is_left_are_closed_within_a_bound(
    client: Client,
    streams: list[FakeStream],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    closes: bool,
) -> None:
    monkeypatch.setattr(FakeStream, "closes", closes)
    monkeypatch.setattr(taken, "CLOSE_S", 20.0 if closes else 0.01)
    fake = FakeRoom()
    fake.publish()
    sdk_room: Any = fake
    tracks = TakenTracks(sdk_room, SPACE, WorkerSound(tmp_path, lambda _: None), lambda: None)
    tracks.want({"TR_1": ADA})
    publication = fake.remote_participants["ada"].track_publications[0]
    publication.track = object()
    tracks.subscribed(publication)
    assert tracks.sids == ("TR_1",)
    await tracks.close()
    assert [each.is_closed for each in streams] == [closes]


@pytest.mark.parametrize("step", [TakenTracks, PublishedSpeakers, None])
async def test_a_room_is_told_to_be_lost_whatever_goes_wrong_at_its_end(
    client: Client, monkeypatch: pytest.MonkeyPatch, step: type | None
) -> None:
    async def fail(_: object) -> None:
        raise ValueError("a bug")

    fake = await client.join("home")
    if step is not None:
        monkeypatch.setattr(step, "close", fail)
    else:
        fake.problem = ValueError("a bug")
    fake.end()
    await client.loses("home")


async def test_a_room_is_left_before_its_parts_have_ended(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    may_end = asyncio.Event()

    async def close_late(_: object) -> None:
        await may_end.wait()

    monkeypatch.setattr(PublishedSpeakers, "close", close_late)
    fake = await client.join("home")
    client.client.obey(messages.LeaveSfuRoom(SPACE, "home"))
    await until(lambda: fake.is_left)
    may_end.set()
    await client.stop()


async def test_the_sdk_gives_a_try_up_before_livekit_looks_where_the_room_is_now(
    client: Client,
) -> None:
    fake = await client.join("home")
    assert fake.options is not None
    assert fake.options.connect_timeout is not None
    assert fake.options.connect_timeout < LIVEKIT_ASKS_S
    await client.stop()


async def test_a_message_that_cannot_be_obeyed_costs_one_room(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    await client.join("home")
    await client.join("far")

    def fail(*_: object) -> None:
        raise ValueError("a bug")

    monkeypatch.setattr(TakenTracks, "want", fail)
    client.client.obey(messages.TakeSfuTracks(SPACE, "far", {}))
    await client.loses("far")
    client.client.obey(messages.SfuPing(7))
    assert client.told[-1] == messages.SfuPong(7)
    assert client.lost() == [("far", 1)]
    monkeypatch.setattr(rtc, "Room", fail)
    client.client.obey(messages.JoinSfuRoom(SPACE, "far", 2, "ws://sfu", "", True, True))
    assert client.lost() == [("far", 1), ("far", 2)]
    await client.stop()


async def test_a_track_that_could_not_be_subscribed_to_is_tried_again(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room, "TRY_AGAIN_S", 0.01)
    fake = await client.join("home")
    fake.publish()
    client.client.obey(messages.TakeSfuTracks(SPACE, "home", {"TR_1": ADA}))
    assert fake.subscribed == [True]
    fake.handlers["track_subscription_failed"](None, "TR_1", "no codec")
    await until(lambda: fake.subscribed == [True, False, True])
    await client.stop()


async def test_a_track_of_ours_is_told_of_at_once(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room, "SNAPSHOT_EVERY_S", PATIENCE_S)
    fake = await client.join("home")
    told = len(client.told)
    fake.handlers["track_published"]()  # it has just been told of the participants
    assert len(client.told) == told
    fake.handlers["local_track_published"]()
    assert isinstance(client.told[-1], messages.SfuParticipants)
    assert len(client.told) == told + 1
    await client.stop()


class FakeSource:
    """A source of sound that keeps what it is given."""

    heard: list[bytes]

    def __init__(self, *_: object, **__: object) -> None: ...

    async def capture_frame(self, frame: rtc.AudioFrame) -> None:
        self.heard.append(bytes(frame.data))

    async def aclose(self) -> None: ...


async def test_what_was_said_while_a_track_was_being_published_is_not_said_late(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    heard, may_publish = list[bytes](), asyncio.Event()
    monkeypatch.setattr(FakeSource, "heard", heard, raising=False)
    monkeypatch.setattr(rtc, "AudioSource", FakeSource)
    monkeypatch.setattr(rtc.LocalAudioTrack, "create_audio_track", lambda *_: None)

    async def publish_track(*_: object) -> SimpleNamespace:
        await may_publish.wait()
        return SimpleNamespace(sid="TR_1")

    sdk_room: Any = SimpleNamespace(local_participant=SimpleNamespace(publish_track=publish_track))
    speakers = PublishedSpeakers(sdk_room)
    early, late = (bytes([value]) * FRAME_BYTES for value in (1, 2))
    speakers.hear(ADA, early)
    await asyncio.sleep(0)
    speakers.hear(ADA, early)
    may_publish.set()
    for _ in range(3):
        await asyncio.sleep(0)
    speakers.hear(ADA, late)
    await until(lambda: heard)
    assert heard == [late]
    await speakers.close()


@pytest.mark.parametrize("turns", range(4))
async def test_a_speaker_ends_with_the_room_whatever_is_heard_of_them_at_that_moment(
    monkeypatch: pytest.MonkeyPatch, turns: int
) -> None:
    heard = list[bytes]()
    monkeypatch.setattr(FakeSource, "heard", heard, raising=False)
    monkeypatch.setattr(rtc, "AudioSource", FakeSource)
    monkeypatch.setattr(rtc.LocalAudioTrack, "create_audio_track", lambda *_: None)
    monkeypatch.setattr(published, "LINGER_S", 0.01)

    async def publish_track(*_: object) -> SimpleNamespace:
        return SimpleNamespace(sid="TR_1")

    async def unpublish_track(_: str) -> None:
        await asyncio.Event().wait()  # as the SDK does while its connection is away

    participant = SimpleNamespace(publish_track=publish_track, unpublish_track=unpublish_track)
    sdk_room: Any = SimpleNamespace(local_participant=participant)
    speakers = PublishedSpeakers(sdk_room)
    speakers.hear(ADA, bytes(FRAME_BYTES))
    await until(lambda: speakers.count == 1)
    for _ in range(8):
        await asyncio.sleep(0)
    speakers.hear(ADA, bytes(FRAME_BYTES))
    for _ in range(turns):
        await asyncio.sleep(0)
    async with asyncio.timeout(PATIENCE_S):
        await speakers.close()
    assert speakers.count == 0
