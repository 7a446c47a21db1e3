"""A web room with real live spaces and storage; only sound and Matrix are recorded."""

import asyncio
import itertools
import json
import time
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp

from spaces_bridge.app.ban_lists import BanListService
from spaces_bridge.app.context import AppContext, AppSettings
from spaces_bridge.app.errors import AdapterError, OfferRefused
from spaces_bridge.app.ports import (
    Avatar,
    CaptionListener,
    Direction,
    MediaSession,
    Stage,
    StageListener,
)
from spaces_bridge.app.registry import Spaces, is_ghost
from spaces_bridge.app.sessions import Sessions
from spaces_bridge.app.usecases import use_cases_of
from spaces_bridge.app.verification_ports import VerificationDesk
from spaces_bridge.core import commands as cmd
from spaces_bridge.core.ids import RoomId, SpaceId, UserId, UtteranceId
from spaces_bridge.core.live_space import LiveSpace
from spaces_bridge.storage.storage import Storage, open_storage
from spaces_bridge.web.feed.hub import Hub
from spaces_bridge.web.feed.presence import SEAT_KEPT_S, CallLater
from spaces_bridge.web.http.server import Mount
from spaces_bridge.web.service import Dependencies, WebService
from spaces_bridge.web.settings import WebSettings
from spaces_bridge_demo.processes import free_port
from tests.support.frames import held
from tests.web.documented import documented

DOMAIN = "example.org"
HOST = UserId("@host:example.org")
ALICE = UserId("@alice:example.org")
BOB = UserId("@bob:example.org")

BOT = UserId("@spacesbot:example.org")
ADMIN_TOKEN = "a-token-of-the-admin-0003"

PATIENCE_S = 60.0


class WallClock:
    """The time of day."""

    def now_ms(self) -> int:
        return time.time_ns() // 1_000_000


class HandSetTimers:
    """Timers that run out when a test says that time has passed (`call_later` of a world)."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self.running: list[HandSetTimer] = []

    def call_later(self, delay_s: float, call: Callable[[], None]) -> "HandSetTimer":
        timer = HandSetTimer(self, self.now_s + delay_s, call)
        self.running.append(timer)
        return timer

    def pass_by(self, seconds: float) -> None:
        """Let time pass: what is due is called."""
        self.now_s += seconds
        for timer in [timer for timer in self.running if timer.due_s <= self.now_s]:
            timer.cancel()
            timer.call()


class HandSetTimer:
    """One of them."""

    def __init__(self, timers: HandSetTimers, due_s: float, call: Callable[[], None]) -> None:
        self._timers, self.due_s, self.call = timers, due_s, call

    def cancel(self) -> None:
        self._timers.running.remove(self)


class RecordingStage:
    """A stage that answers offers and writes down what it is told."""

    def __init__(self) -> None:
        self.sessions: dict[str, tuple[SpaceId, UserId, Direction]] = {}
        self.hung_up: list[str] = []
        self.cut: set[str] = set()
        self.volumes: Mapping[UserId, int] = {}
        self.open_microphones: set[UserId] = set()
        self.refusal = ""
        self.refusal_code = "bad_offer"
        self.pages = [b"OggS-1", b"OggS-2"]
        self.tags: list[dict[str, str]] = []
        self._numbers = itertools.count(1)

    async def before_answering(self) -> None:
        """What happens while an offer is answered; tests put something here."""

    def listen(self, listener: StageListener) -> None:
        """Nobody has anything to hear from it."""

    def open_space(self, space: SpaceId, elapsed_ms: int) -> None: ...

    def close_space(self, space: SpaceId) -> None: ...

    def set_gates(self, space: SpaceId, users: Collection[UserId]) -> None: ...

    def set_volumes(self, space: SpaceId, volumes: Mapping[UserId, int]) -> None:
        self.volumes = volumes

    def open_microphone(self, space: SpaceId, user: UserId) -> None:
        self.open_microphones.add(user)

    def close_microphone(self, space: SpaceId, user: UserId) -> None:
        self.open_microphones.discard(user)

    def end_microphone_session(self, space: SpaceId, user: UserId, spare: str = "") -> None:
        self._end(space, user, Direction.SPEAK, spare)

    def end_guests(self, space: SpaceId, domain: str) -> None:
        guests = [
            s
            for s, (at, user, _) in self.sessions.items()
            if at == space and is_ghost(user, domain)
        ]
        for session in guests:
            self.hang_up(session)

    def end_listening(self, space: SpaceId, user: UserId) -> None:
        for direction in (Direction.LISTEN, Direction.CALL, Direction.DUPLEX):
            self._end(space, user, direction)

    def _end(self, space: SpaceId, user: UserId, direction: Direction, spare: str = "") -> None:
        wanted = (space, user, direction)
        for session in [s for s, what in self.sessions.items() if what == wanted and s != spare]:
            self.hang_up(session)

    async def offer(
        self, space: SpaceId, user: UserId, direction: Direction, sdp: str
    ) -> MediaSession:
        await asyncio.sleep(0)
        await self.before_answering()
        if self.refusal:
            raise OfferRefused(self.refusal_code, self.refusal)
        session = f"session-{next(self._numbers)}"
        self.sessions[session] = (space, user, direction)
        return MediaSession(session, f"v=0\r\ns={session}\r\n")

    def hang_up(self, session: str) -> bool:
        self.hung_up.append(session)
        return self.sessions.pop(session, None) is not None

    def is_cut(self, session: str) -> bool:
        return session in self.cut

    def has_microphone(self, space: SpaceId, user: UserId) -> bool:
        return (space, user, Direction.SPEAK) in self.sessions.values()

    def listeners(self, space: SpaceId) -> int:
        return sum(what[2] is Direction.LISTEN for what in self.sessions.values())

    async def mix(self, space: SpaceId, tags: Mapping[str, str]) -> AsyncIterator[bytes]:
        self.tags.append(dict(tags))
        for page in self.pages:
            yield page

    def audio_taken(self, space: SpaceId, user: UserId, until_ms: int) -> None: ...

    def replay_audio(self, space: SpaceId, user: UserId, from_ms: int) -> None: ...


class SilentCaptioner:
    """A captioner with nothing to say."""

    def listen(self, listener: CaptionListener) -> None: ...

    def open_track(self, space: SpaceId, user: UserId, language: str) -> None: ...

    def hear(self, space: SpaceId, user: UserId, at_ms: int, pcm: bytes) -> None: ...

    def close_track(self, space: SpaceId, user: UserId) -> None: ...


class ToldIdentities:
    """Matrix servers that vouch for whom a test says: by server and token."""

    def __init__(self) -> None:
        self.holders: dict[tuple[str, str], UserId] = {}
        self.asked: list[tuple[str, str]] = []
        self.away = False

    def confirm(self, user: UserId, token: str = "token-1") -> dict[str, str]:
        """What the person's client would hand to a widget."""
        server = user.partition(":")[2]
        self.holders[server, token] = user
        return {"access_token": token, "matrix_server_name": server}

    async def before_answering(self) -> None:
        """What happens while the server is asked; tests put something here."""

    async def verify(self, server: str, token: str) -> UserId | None:
        self.asked.append((server, token))
        await self.before_answering()
        if self.away:
            raise AdapterError("the server does not answer")
        return self.holders.get((server, token))


class IdleOutboxSignal:
    """An outbox signal that nobody listens to."""

    def wake(self) -> None: ...


class Album:
    """Pictures that tests put in, and whom it was asked for."""

    def __init__(self) -> None:
        self.avatars: dict[UserId, Avatar] = {}
        self.asked: list[UserId] = []

    async def avatar(self, user: UserId) -> Avatar | None:
        self.asked.append(user)
        return self.avatars.get(user)


class Feed:
    """One page's feed, from outside."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.socket = socket

    async def send(self, **frame: object) -> None:
        await self.socket.send_str(json.dumps(frame))

    async def next(self, kind: str) -> dict[str, object]:
        """The next frame of this kind; others are passed over. All fit the tables."""
        async with asyncio.timeout(PATIENCE_S):
            while True:
                frame: dict[str, object] = await self.socket.receive_json()
                held(frame)
                if frame["type"] == kind:
                    return frame

    async def close_code(self) -> int | None:
        """How the server ended it."""
        async with asyncio.timeout(PATIENCE_S):
            while not self.socket.closed:
                await self.socket.receive()
        return self.socket.close_code


async def until_role(feed: Feed, **wanted: object) -> dict[str, object]:
    """The first role frame that says all this."""
    while True:
        role = await feed.next("role")
        if wanted.items() <= role.items():
            return role


async def guest_of(feed: Feed) -> tuple[UserId, str]:
    """The guest whose page just opened, and its session."""
    hello = await feed.next("hello")
    you = hello["you"]
    assert isinstance(you, dict)
    return UserId(you["id"]), str(hello["session"])


async def sent_away(feed: Feed, code: str, close: int = 4403) -> None:
    """The page is told why, and its connection ends."""
    await refused(feed, code)
    assert await feed.close_code() == close


async def refused(feed: Feed, code: str) -> None:
    error = await feed.next("error")
    assert error["code"] == code
    assert str(error["text"]).endswith(".")


async def until(condition: Callable[[], bool], within_s: float = PATIENCE_S) -> None:
    """Wait for something that happens in another task or process and tells nobody."""
    async with asyncio.timeout(within_s):
        while not condition():  # noqa: ASYNC110 - there is no event to wait for
            await asyncio.sleep(0.02)


async def cut_off(world: "WebWorld") -> None:
    """The server goes away for every page. They come back soon: each turn of the loop looks."""
    world.hub.stop()
    async with asyncio.timeout(PATIENCE_S):
        while world.hub.connections():  # noqa: ASYNC110 - nothing may be missed
            await asyncio.sleep(0)


class WebWorld:
    """The web room and everything it needs."""

    def __init__(
        self,
        settings: WebSettings,
        storage: Storage,
        http: aiohttp.ClientSession,
        seat_kept_s: float,
        sound: Stage | None = None,
        call_later: CallLater | None = None,
        mounts: Callable[["WebWorld"], Sequence[Mount]] = lambda _: (),
        desk: VerificationDesk | None = None,
    ) -> None:
        """`mounts` makes what else has addresses there, of all the rest."""
        self.settings = settings
        self.storage = storage
        self.http = http
        self.stage = RecordingStage()
        self.hub = Hub()
        self.album = Album()
        clock = WallClock()
        self.ban_lists = BanListService(storage.blocks, storage.policy_rules, clock)
        self.spaces = Spaces(
            AppContext(
                journal=storage.journal,
                directory=storage.directory,
                outbox=storage.outbox,
                notes=storage.notes,
                stage=sound or self.stage,
                captioner=SilentCaptioner(),
                audience=self.hub,
                outbox_signal=IdleOutboxSignal(),
                ban_lists=self.ban_lists,
                followers=storage.followers,
                clock=clock,
                settings=AppSettings(domain=DOMAIN, bot=BOT),
            )
        )
        self.ban_lists.attend(self.spaces)
        self.sessions = Sessions(storage.tokens, clock, DOMAIN)
        self.identities = ToldIdentities()
        self.listeners_only = set[UserId]()
        """Who may not host."""
        self.use_cases = use_cases_of(
            self.spaces,
            self.ban_lists,
            storage.reports,
            lambda user: "listen" if user in self.listeners_only else "host",
        )
        self.service = WebService(
            settings,
            self.hub,
            self.spaces,
            Dependencies(
                self.sessions, self.identities, self.album, self.ban_lists, storage.reports, desk
            ),
            self.use_cases,
            {"database": storage.health},
            {"database": storage.backlog},
            seat_kept_s,
            call_later,
            mounts(self),
        )
        self._numbers = itertools.count(1)

    @property
    def base(self) -> str:
        """The address of the directory, without a closing slash."""
        return self.settings.base_url

    def page(self, space: LiveSpace, path: str = "") -> str:
        return self.settings.page(space.slug) + path

    # --- what Matrix and the stage would do -----------------------------------------------------

    async def create(
        self,
        title: str = "Garden hour",
        *,
        host: UserId = HOST,
        host_name: str = "Hanna",
        private: bool = False,
        captions: bool = True,
        live: bool = True,
        scheduled_at_ms: int | None = None,
    ) -> LiveSpace:
        """A live space with a room and its host in it."""
        number = next(self._numbers)
        space, slug = Spaces.new_identity(title, f"test {number}")
        at_ms = WallClock().now_ms()
        await self.spaces.create(
            cmd.CreateSpace(
                space,
                slug,
                title,
                host,
                host_name,
                at_ms,
                private=private,
                captions=captions,
                scheduled_at_ms=scheduled_at_ms,
            )
        )
        await self.spaces.ask(space, cmd.AttachRoom(RoomId(f"!room{number}")))
        await self.joined(space, host, host_name, level=90)
        if live:
            await self.spaces.ask(space, cmd.StartSpace(host, at_ms))
        return self.view(space)

    def view(self, space: SpaceId) -> LiveSpace:
        view = self.spaces.view(space)
        assert view is not None
        return view

    async def joined(
        self, space: SpaceId, user: UserId, name: str, level: int | None = None
    ) -> None:
        await self.spaces.ask(space, cmd.ObserveMember(user, joined=True, name=name))
        await self.levels(space, {user: level})

    async def left(self, space: SpaceId, user: UserId) -> None:
        await self.spaces.ask(space, cmd.ObserveMember(user, joined=False))

    async def levels(self, space: SpaceId, changes: Mapping[UserId, int | None]) -> None:
        """What the homeserver would say after these changes."""
        now = {p.user: p.level for p in self.view(space).people.values()} | dict(changes)
        kept = {user: level for user, level in now.items() if level is not None}
        await self.spaces.ask(space, cmd.ObserveLevels(kept))

    async def seat(self, space: SpaceId, user: UserId, name: str) -> None:
        """What follows an approval: the homeserver has the level."""
        await self.joined(space, user, name, level=10)

    async def caption(
        self, space: SpaceId, speaker: UserId, text: str, start_ms: int = 1000
    ) -> None:
        utterance = UtteranceId(f"{speaker}:{start_ms}")
        await self.spaces.ask(
            space,
            cmd.CaptionUtterance(utterance, speaker, start_ms, start_ms + 900, text, "en"),
        )

    async def member(self, space: SpaceId, user: UserId, level: int | None = None) -> str:
        """Somebody in the room, and the secret of their personal link."""
        await self.joined(space, user, user[1:].partition(":")[0].title(), level)
        return await self.link(space, user)

    async def link(self, space: SpaceId, user: UserId) -> str:
        """The secret of a personal link."""
        return await self.sessions.mint(space, user, "", guest=False)

    # --- the page's side ------------------------------------------------------------------------

    @asynccontextmanager
    async def feed(
        self,
        space: LiveSpace,
        token: str | None = None,
        name: str | None = None,
        openid: object = None,
    ) -> AsyncIterator[Feed]:
        """A feed that has said who it is."""
        async with self.http.ws_connect(self.page(space, "/feed")) as connection:
            feed = Feed(connection)
            await feed.send(type="auth", token=token, name=name, openid=openid)
            yield feed


@asynccontextmanager
async def web_world(
    folder: Path,
    prefix: str = "",
    seat_kept_s: float = SEAT_KEPT_S,
    frame_ancestors: tuple[str, ...] = (),
    sound: Stage | None = None,
    admin_token: str = ADMIN_TOKEN,
    guest_chat: bool = False,
    http_listeners_max: int = 1000,
    call_later: CallLater | None = None,
    mounts: Callable[[WebWorld], Sequence[Mount]] = lambda _: (),
    desk: VerificationDesk | None = None,
) -> AsyncIterator[WebWorld]:
    """The web room, listening; with what an earlier one has left in the folder."""
    port = free_port()
    settings = WebSettings(
        port=port,
        public_url=f"http://127.0.0.1:{port}",
        path_prefix=prefix,
        frame_ancestors=frame_ancestors,
        ops_port=0,
        bot=BOT,
        admin_token=admin_token,
        guest_chat=guest_chat,
        http_listeners_max=http_listeners_max,
    )
    storage = await open_storage(f"sqlite:{folder / 'web.db'}", WallClock())
    timeout = aiohttp.ClientTimeout(total=PATIENCE_S)
    traces = [documented(prefix)]
    async with aiohttp.ClientSession(timeout=timeout, trace_configs=traces) as http:
        world = WebWorld(settings, storage, http, seat_kept_s, sound, call_later, mounts, desk)
        try:
            await world.ban_lists.load()
            await world.spaces.resume()
            await world.service.start()
            yield world
        finally:
            await world.service.stop()
            await world.spaces.stop()
            await world.ban_lists.stop()
            await storage.close()
