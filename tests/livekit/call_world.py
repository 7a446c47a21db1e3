"""Live spaces with calls, and LiveKit's signalling on loopback, in memory but for the sockets."""

import asyncio
import itertools
from collections import deque
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from typing import Any

import aiohttp
from aiohttp import web
from aiohttp.typedefs import Handler, Middleware
from livekit.protocol import models, rtc

from spaces_bridge.app.audiences import Audiences
from spaces_bridge.app.ban_lists import BanListService
from spaces_bridge.app.call_ports import CallAnswer, CallListener, CallOffer, CallStream
from spaces_bridge.app.context import AppSettings
from spaces_bridge.app.errors import AdapterError
from spaces_bridge.app.media_events import MediaEvents
from spaces_bridge.app.ports import Stage
from spaces_bridge.app.registry import Spaces
from spaces_bridge.app.usecases.blocking import Blocking
from spaces_bridge.app.usecases.calls import Calls
from spaces_bridge.core import commands as cmd
from spaces_bridge.core.ids import RoomId, SpaceId, UserId
from spaces_bridge.core.live_space import LiveSpace
from spaces_bridge.livekit.names import device_identity, room_name
from spaces_bridge.livekit.negotiation import audio_sections
from spaces_bridge.livekit.room_service import RoomService
from spaces_bridge.livekit.rooms import CallRooms
from spaces_bridge.livekit.signalling import Signalling
from spaces_bridge.livekit.tokens import CallGrant, TokenRefused, TokenSigner
from spaces_bridge.media.stage import WorkerStage
from spaces_bridge_demo.patience import PATIENCE_S
from tests.support.recorder import Recorder

DOMAIN = "example.org"
BOT = UserId(f"@spacesbot:{DOMAIN}")
HOST = UserId(f"@host:{DOMAIN}")
ALICE = UserId(f"@alice:{DOMAIN}")
BOB = UserId(f"@bob:{DOMAIN}")
ROOM = RoomId("!room")
SPACE = SpaceId("space0000000000a")
PREFIX = "/livekit"
SPEAKER = 50
ALICE_ID, BOB_ID = device_identity(ALICE, "DEVICE"), device_identity(BOB, "DEVICE")
BOT_ID = device_identity(BOT, "SPACESBOT")
LISTENS = "v=0\r\n" + "m=audio 9 x\r\n" * 3
SPEAKS = LISTENS + "m=audio 9 x\r\na=sends\r\n"
"""Descriptions as `PaperStage` reads them."""


class Held:
    """An answer that waits until it may go."""

    def __init__(self) -> None:
        self.reached, self.go = asyncio.Event(), asyncio.Event()


@dataclass(frozen=True, slots=True)
class SentData:
    """Data that was sent: to whom, what, and whether who is behind is passed over."""

    users: Sequence[UserId]
    packets: Sequence[bytes]
    fades: bool


class PaperStage:
    """A `CallStage` on paper: its descriptions carry nothing, and it writes all down."""

    def __init__(self) -> None:
        self.listener: CallListener | None = None
        self.streams: dict[str, tuple[CallStream, ...]] = {}
        self.users: dict[str, UserId] = {}
        self.accepted: list[str] = []
        self.used: list[str] = []
        self.data: list[SentData] = []
        self.ended: list[str] = []
        """The sessions that `end_calls` has ended."""
        self.refusal: AdapterError | None = None
        self.held: Held | None = None
        """What answers wait for."""
        self._numbers = itertools.count(1)

    def attend_calls(self, listener: CallListener) -> None:
        self.listener = listener

    async def answer_call(
        self,
        space: SpaceId,
        user: UserId,
        session: str | None,
        sdp: str,
        streams: Sequence[CallStream],
    ) -> CallAnswer:
        """Give each stream a section of those that the offer has; `a=sends` is the microphone."""
        if self.refusal is not None:
            raise self.refusal
        if self.held is not None:
            self.held.reached.set()
            await self.held.go.wait()
        session = session or f"session-{next(self._numbers)}"
        self.users[session] = user
        mids = [str(mid) for mid in range(audio_sections(sdp))]
        microphone = mids.pop() if "a=sends" in sdp else ""
        carried = tuple(streams[: len(mids)])
        self.streams[session] = carried
        sections = {mid: stream.track for mid, stream in zip(mids, carried, strict=False)}
        missing = len(streams) - len(carried)
        return CallAnswer(session, f"answer of {session}", sections, missing, microphone)

    async def offer_call(
        self, space: SpaceId, user: UserId, session: str | None, streams: Sequence[CallStream]
    ) -> CallOffer:
        if self.refusal is not None:
            raise self.refusal
        session = session or f"session-{next(self._numbers)}"
        self.users[session] = user
        self.streams[session] = tuple(streams)
        sections = {str(mid): stream.track for mid, stream in enumerate(streams)}
        return CallOffer(session, f"offer of {session}", sections)

    async def accept_call_answer(self, session: str, sdp: str) -> None:
        self.accepted.append(sdp)

    def use_microphone(self, session: str) -> None:
        self.used.append(session)

    def send_data(
        self, sessions: Collection[str], packets: Sequence[bytes], *, fades: bool
    ) -> None:
        self.data.append(SentData([self.users[each] for each in sessions], packets, fades))

    def end_calls(self, space: SpaceId, user: UserId, keep: Collection[str]) -> None:
        ended = [each for each, whose in self.users.items() if whose == user and each not in keep]
        for session in ended:
            self.streams.pop(session, None)
            self.ended.append(session)

    def refuse(self, text: str) -> None:
        """Answer nothing from now on."""
        self.refusal = AdapterError(text)

    def session_of(self, user: UserId) -> str:
        """The newest session of a person."""
        return [session for session, whose in self.users.items() if whose == user][-1]

    def connect(self, user: UserId) -> None:
        """The transport of the person's newest session comes up."""
        assert self.listener is not None
        self.listener.call_connected(self.session_of(user))


class Members:
    """A `CallMembers` that writes down who came and went."""

    def __init__(self) -> None:
        self.here: list[tuple[UserId, str]] = []
        self.went: list[tuple[UserId, str]] = []

    def connected(self, _space: SpaceId, user: UserId, device: str) -> None:
        self.here.append((user, device))

    def gone(self, _space: SpaceId, user: UserId, device: str) -> None:
        self.went.append((user, device))


class Timers:
    """Timers that run out when a test says so."""

    def __init__(self) -> None:
        self.running: list[Timer] = []

    def call_later(self, delay_s: float, call: Callable[[], None]) -> "Timer":
        timer = Timer(self, call)
        self.running.append(timer)
        return timer

    def run_out(self) -> None:
        """All of them run out now."""
        for timer in list(self.running):
            timer.cancel()
            timer.call()


class Timer:
    """One of them."""

    def __init__(self, timers: Timers, call: Callable[[], None]) -> None:
        self._timers, self.call = timers, call

    def cancel(self) -> None:
        if self in self._timers.running:
            self._timers.running.remove(self)


class RawClient:
    """A client that speaks the protocol word by word."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.socket = socket
        self.seen: list[rtc.SignalResponse] = []
        self._news: deque[models.ParticipantInfo] = deque()

    async def send(self, **message: object) -> None:
        """Send one request, of the kind that its name says."""
        await self.socket.send_bytes(rtc.SignalRequest(**message).SerializeToString())  # type: ignore[arg-type]

    async def next(self, kind: str) -> rtc.SignalResponse:
        """The next message of this kind; others are passed over."""
        async with asyncio.timeout(PATIENCE_S):
            while True:
                response = rtc.SignalResponse.FromString(await self.socket.receive_bytes())
                self.seen.append(response)
                if response.WhichOneof("message") == kind:
                    return response

    async def info_of(
        self, identity: str, holds: Callable[[models.ParticipantInfo], object]
    ) -> models.ParticipantInfo:
        """The next news of a participant that are as they should be."""
        while True:
            while not self._news:
                self._news.extend((await self.next("update")).update.participants)
            info = self._news.popleft()
            if info.identity == identity and holds(info):
                return info

    async def closed(self) -> str:
        """Until the server has closed the connection; return the reason."""
        async with asyncio.timeout(PATIENCE_S):
            while True:
                message = await self.socket.receive()
                if message.type is aiohttp.WSMsgType.CLOSE:
                    return str(message.extra)
                if message.type in {aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.CLOSING}:
                    return ""


class LiveSpaceWorld:
    """A live space with a host; its call is somebody else's."""

    def __init__(self, sound: Stage | None) -> None:
        self.recorder = Recorder()
        self.members = Members()
        self.audiences = Audiences()
        context = self.recorder.context(AppSettings(domain=DOMAIN, bot=BOT))
        stage = sound if sound is not None else context.stage
        self.spaces = Spaces(replace(context, audience=self.audiences, stage=stage))
        if sound is not None:
            sound.listen(MediaEvents(self.spaces))

    # --- the live space -----------------------------------------------------------------------

    async def begin(self) -> None:
        """A live space with a room and its host in it."""
        create = cmd.CreateSpace(SPACE, "garden-hour", "Garden hour", HOST, "Hanna", 1_000)
        await self.spaces.create(create)
        await self.spaces.ask(SPACE, cmd.AttachRoom(ROOM))
        await self.seat(HOST, "Hanna", 90)
        await self.spaces.ask(SPACE, cmd.StartSpace(HOST, 2_000))

    async def seat(self, user: UserId, name: str, level: int | None = None) -> None:
        """Somebody joins the room with this level."""
        await self.spaces.ask(SPACE, cmd.ObserveMember(user, joined=True, name=name))
        await self.levels({user: level})

    async def speak_on_page(self, user: UserId) -> None:
        """Somebody opens a microphone elsewhere than in the call."""
        await self.spaces.ask(SPACE, cmd.OpenMicrophone(user))

    async def levels(self, changes: Mapping[UserId, int | None]) -> None:
        """What the homeserver would say after these changes."""
        now = {p.user: p.level for p in self.view.people.values()} | dict(changes)
        kept = {user: level for user, level in now.items() if level is not None}
        settled = next(iter(changes), None)
        await self.spaces.ask(SPACE, cmd.ObserveLevels(kept, settled))

    @property
    def view(self) -> LiveSpace:
        view = self.spaces.view(SPACE)
        assert view is not None
        return view

    async def settled(self) -> None:
        """Until the live space has carried out all that it was told so far."""
        done = asyncio.get_running_loop().create_future()
        self.spaces.then(SPACE, lambda: done.set_result(None))
        await done

    async def until(self, condition: Callable[[], object]) -> None:
        """Wait for something that happens in another task and tells nobody."""
        async with asyncio.timeout(PATIENCE_S):
            while not condition():  # noqa: ASYNC110 - there is no event to wait for
                await asyncio.sleep(0.01)


class CallWorld(LiveSpaceWorld):
    """A live space with a host, and the signalling of its call."""

    def __init__(self, http: aiohttp.ClientSession, sound: WorkerStage | None) -> None:
        super().__init__(sound)
        self.http = http
        self.stage = PaperStage()
        self.timers = Timers()
        self.calls = Calls(self.spaces)
        calls = sound.calls if sound is not None else self.stage
        self.rooms = CallRooms(
            self.spaces,
            self.calls,
            calls,
            self.members,
            self.timers.call_later if sound is None else None,
        )
        self.audiences.add(self.rooms)
        calls.attend_calls(self.rooms)
        self.secret = "a-secret-of-forty-digits-00000000000000"
        self.signer = TokenSigner("key", self.secret)
        self.signalling = Signalling(self.rooms, self.signer, self.calls)
        ban_lists = BanListService(_NoLists(), _NoLists(), self.recorder)
        blocking = Blocking(self.spaces, ban_lists)
        self.service = RoomService(self.rooms, self.spaces, blocking, self.signer)
        self.closed_service = RoomService(self.rooms, self.spaces, blocking, None)
        self.lines: dict[str, asyncio.Transport] = {}
        """The newest connection of each client, by its identity."""
        self.port = 0

    def tracks_for(self, user: UserId) -> list[str]:
        """The tracks that a person's clients are to be sent."""
        room = self.rooms.room(SPACE)
        assert room is not None
        clients = [client for client in room.clients if client.participant.user == user]
        return [stream.track for client in clients for stream in client.streams()]

    def all_tracks(self) -> list[str]:
        """The tracks that somebody who is new would be sent."""
        room = self.rooms.room(SPACE)
        assert room is not None
        return [track.sid for info in room.infos() for track in info.tracks]

    @property
    def noting_lines(self) -> Middleware:
        """What notes the connections of those who are let in."""

        @web.middleware
        async def note(request: web.Request, handler: Handler) -> web.StreamResponse:
            _, _, bearer = request.headers.get("Authorization", "").partition(" ")
            token = request.query.get("access_token", bearer)
            with suppress(TokenRefused):
                identity = self.signer.read(token).identity
                if request.transport is not None and "validate" not in request.path:
                    self.lines[identity] = request.transport
            return await handler(request)

        return note

    def cut_off(self, identity: str) -> None:
        """A client's connection to the signalling breaks."""
        self.lines[identity].abort()

    # --- clients ------------------------------------------------------------------------------

    def token(self, user: UserId, device: str = "DEVICE", **changes: object) -> str:
        """A token as the authoriser makes them."""
        grant = CallGrant(
            room_name(ROOM), device_identity(user, device), "Name", user, SPACE, join=True
        )
        return self.signer.issue(replace(grant, **changes))  # type: ignore[arg-type]

    def url(self, path: str, scheme: str = "http") -> str:
        return f"{scheme}://127.0.0.1:{self.port}{PREFIX}{path}"

    @asynccontextmanager
    async def raw(
        self, user: UserId, device: str = "DEVICE", path: str = "/rtc/v1", **query: str
    ) -> AsyncIterator[RawClient]:
        """A client that is connected and has said nothing yet."""
        token = self.token(user, device)
        params = {"access_token": token, **query}
        async with self.http.ws_connect(self.url(path), params=params) as socket:
            yield RawClient(socket)


class _NoLists:
    """Stores of ban lists that hold nothing; the admin's removals need none."""

    async def put(self, _entry: object) -> None: ...

    async def drop(self, *_key: object) -> bool:
        return False

    async def replace(self, _room: object, _rules: object) -> None: ...

    async def all(self) -> list[Any]:
        return []


def offer(sdp: str, number: int = 1) -> rtc.SessionDescription:
    """A client's offer."""
    return rtc.SessionDescription(type="offer", sdp=sdp, id=number)


def microphone(cid: str = "cid", *, muted: bool = False) -> rtc.AddTrackRequest:
    """A client's wish to publish its microphone."""
    return rtc.AddTrackRequest(cid=cid, type=models.AUDIO, source=models.MICROPHONE, muted=muted)


@asynccontextmanager
async def call_world(sound: WorkerStage | None = None) -> AsyncIterator[CallWorld]:
    """A world with a live space in it, on a port of its own.

    `sound`: a stage that is started already, or is about to be; otherwise all is on paper.
    """
    async with aiohttp.ClientSession() as http:
        world = CallWorld(http, sound)
        app = web.Application(middlewares=[world.noting_lines])
        world.signalling.routes(app.router, PREFIX)
        world.service.routes(app.router, PREFIX)
        world.closed_service.routes(app.router, "/closed")
        runner = web.AppRunner(app, shutdown_timeout=1.0)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        world.port = int(runner.addresses[0][1])
        try:
            if sound is not None:
                await sound.start()
            await world.begin()
            yield world
        finally:
            world.rooms.stop()
            await runner.cleanup()
            await world.spaces.stop()
            if sound is not None:
                await sound.stop()
