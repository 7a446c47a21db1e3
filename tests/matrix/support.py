"""A bridge without sound: real storage, real live spaces, the real Matrix side."""

import asyncio
import json
import re
import secrets
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

from spaces_bridge.app.audiences import Audiences
from spaces_bridge.app.ban_lists import BanListService
from spaces_bridge.app.context import AppContext, AppSettings
from spaces_bridge.app.errors import AdapterError
from spaces_bridge.app.notes.rooms import Shown, ShownComplete, ShownMessage
from spaces_bridge.app.ports import NoteStore, Outbox
from spaces_bridge.app.registry import Spaces
from spaces_bridge.app.sessions import Sessions
from spaces_bridge.app.supervisor import TaskSupervisor
from spaces_bridge.app.timekeeper import Timekeeper
from spaces_bridge.app.usecases import use_cases_of
from spaces_bridge.core import commands as cmd
from spaces_bridge.core.ids import RoomId, SpaceId, UserId
from spaces_bridge.core.live_space import LiveSpace
from spaces_bridge.matrix import MatrixService, MatrixSettings
from spaces_bridge.matrix.appservice.call_api import ProxiedCalls
from spaces_bridge.matrix.crypto.assembly import open_own_keys
from spaces_bridge.storage.storage import Storage, open_storage
from spaces_bridge_demo.homeserver import Homeserver
from spaces_bridge_demo.matrix_user import MatrixUser
from spaces_bridge_demo.processes import free_port
from tests.support.recorder import Recorder

Standing = Literal["listen", "host", "admin"]
PATIENCE_S = 90.0
PAGES = "https://spaces.example.org"
BOT = "@spacesbot:localhost"


class SystemClock:
    """The time of day."""

    def now_ms(self) -> int:
        return time.time_ns() // 1_000_000


class LateOutboxSignal:
    """Wakes the outbox dispatcher once there is one."""

    def __init__(self) -> None:
        self.on_wake: Callable[[], None] = lambda: None

    def wake(self) -> None:
        self.on_wake()


class LiveSetup:
    """A homeserver that knows the bridge; bridges come and go on the same port.

    `homeserver`: one of another kind, not started yet; its domain is the set-up's.
    """

    def __init__(self, directory: Path, homeserver: Homeserver | None = None) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self.directory = directory
        self.port = free_port()
        self.as_token = secrets.token_hex(16)
        self.hs_token = secrets.token_hex(16)
        self.homeserver = homeserver or Homeserver(directory / "synapse")
        registration = directory / "registration.yaml"
        registration.write_text(json.dumps(self._registration()))
        self.homeserver.add_registration(registration)

    def _registration(self) -> dict[str, object]:
        domain = re.escape(self.homeserver.domain)
        users = [f"^@spaces_.+:{domain}$", f"^@spacesbot:{domain}$"]
        return {
            "id": "spaces",
            "url": f"http://127.0.0.1:{self.port}",
            "as_token": self.as_token,
            "hs_token": self.hs_token,
            "sender_localpart": "spaces_sender",
            "rate_limited": False,
            "io.element.msc4190": True,
            "receive_ephemeral": True,
            "namespaces": {
                "users": [{"exclusive": True, "regex": regex} for regex in users],
                "aliases": [{"exclusive": True, "regex": f"^#spaces(_.+)?:{domain}$"}],
                "rooms": [],
            },
        }

    def settings(self, **changes: object) -> MatrixSettings:
        values: dict[str, object] = {
            "homeserver": self.homeserver.url,
            "domain": self.homeserver.domain,
            "as_token": self.as_token,
            "hs_token": self.hs_token,
            "page_base": PAGES,
            "port": self.port,
            "events_per_second": 1000.0,
            "room_events_per_minute": 1000,
        }
        return MatrixSettings(**{**values, **changes})  # type: ignore[arg-type]  # a test's choice


class Bridge:
    """One run of the bridge; `async with`. The same `database` again is a restart.

    `database`: a file for SQLite, or the URL of a database.
    """

    def __init__(
        self,
        settings: MatrixSettings,
        database: Path | str,
        *,
        permission: Standing = "host",
        host_grace_ms: int = 300_000,
        min_followers: int = 0,
        desk_of: Callable[[Spaces, MatrixService], ProxiedCalls] | None = None,
        encryption: bool = True,
    ) -> None:
        """`desk_of` makes what answers the API of calls that the homeserver hands on."""
        self.settings = settings
        self._desk_of = desk_of
        self._encryption = encryption
        self.sound = Recorder()
        self._database = f"sqlite:{database}" if isinstance(database, Path) else database
        self._permission = permission
        self._host_grace_ms = host_grace_ms
        self._min_followers = min_followers
        self.storage: Storage
        self.spaces: Spaces
        self.ban_lists: BanListService
        self.matrix: MatrixService
        self.tasks: TaskSupervisor
        self._timekeeper: Timekeeper

    async def __aenter__(self) -> Self:
        clock, signal = SystemClock(), LateOutboxSignal()
        self.storage = await open_storage(self._database, clock)
        self.ban_lists = BanListService(self.storage.blocks, self.storage.policy_rules, clock)
        await self.ban_lists.load()
        audience = Audiences(self.sound)
        context = AppContext(
            journal=self.storage.journal,
            directory=self.storage.directory,
            outbox=self.storage.outbox,
            notes=self.storage.notes,
            stage=self.sound,
            captioner=self.sound,
            audience=audience,
            outbox_signal=signal,
            ban_lists=self.ban_lists,
            followers=self.storage.followers,
            clock=clock,
            settings=AppSettings(
                domain=self.settings.domain,
                bot=self.settings.bot,
                min_followers=self._min_followers,
                reaction_ttl_ms=500,
                host_grace_ms=self._host_grace_ms,
            ),
        )
        self.tasks = TaskSupervisor()
        self.spaces = Spaces(context, self.tasks)
        self.ban_lists.attend(self.spaces)
        sessions = Sessions(self.storage.tokens, clock, self.settings.domain)
        own_keys = (
            await open_own_keys(
                self.storage.crypto,
                self.settings.bot,
                self.settings.as_token,
                "everybody",
                clock,
            )
            if self._encryption
            else None
        )
        self.matrix = MatrixService(
            self.settings,
            self.spaces,
            sessions,
            self.storage.inbox,
            self.storage.tokens,
            use_cases_of(
                self.spaces, self.ban_lists, self.storage.reports, lambda _: self._permission
            ),
            ban_lists=self.ban_lists,
            followers=self.storage.followers,
            reports=self.storage.reports,
            crypto_store=self.storage.crypto,
            tasks=self.tasks,
            own_keys=own_keys,
        )
        audience.add(self.matrix.call_reactions)
        if self._desk_of is not None:
            self.matrix.serve_calls(self._desk_of(self.spaces, self.matrix))
        signal.on_wake = self.matrix.wake
        self._timekeeper = Timekeeper(self.spaces, self.tasks)
        await self.spaces.resume()
        await self.matrix.start()
        self._timekeeper.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._timekeeper.stop()
        await self.matrix.stop()
        await self.spaces.stop()
        await self.storage.close()

    @property
    def notes(self) -> NoteStore:
        return self.storage.notes

    @property
    def outbox(self) -> Outbox:
        return self.storage.outbox

    async def connected(self) -> None:
        """The homeserver answered the ping."""

        async def ready() -> bool:
            return await self.matrix_ready()

        await eventually(ready, "the ping was not answered")

    async def matrix_ready(self) -> bool:
        """Whether the Matrix side says it is connected."""
        try:
            await self.matrix.check()
        except AdapterError:
            return False
        return True

    async def create(self, host: MatrixUser, title: str, *, private: bool = False) -> LiveSpace:
        """A live space made by the app, with its room; the host is in it."""
        identity, slug = self.spaces.new_identity(title, secrets.token_hex(8))
        name = host.id[1:].partition(":")[0].capitalize()
        at_ms = SystemClock().now_ms()
        command = cmd.CreateSpace(
            identity, slug, title, UserId(host.id), name, at_ms, private=private
        )
        await self.spaces.create(command)
        await self.until(identity, lambda s: s.room is not None, "no room was made")
        await host.join(self.settings.alias(slug))
        return await self.joined(identity, host)

    async def live(
        self, host: MatrixUser, title: str, others: Sequence[MatrixUser] = ()
    ) -> LiveSpace:
        """A live space that has started, with everybody in it and its card sent."""
        space = await self.create(host, title)
        await self.spaces.ask(space.space, cmd.StartSpace(UserId(host.id), SystemClock().now_ms()))
        for person in others:
            await person.join(self.settings.alias(space.slug))
            await self.joined(space.space, person)
        await self.card(space.space)
        return self.view(space.space)

    async def joined(self, space: SpaceId, person: MatrixUser) -> LiveSpace:
        """The live space has seen the person come in."""
        return await self.until(
            space, lambda s: s.person(UserId(person.id)).joined, f"{person.id} was not seen"
        )

    async def until(
        self, space: SpaceId, true: Callable[[LiveSpace], bool], what: str
    ) -> LiveSpace:
        """The live space once something is true of it."""

        async def check() -> bool:
            view = self.spaces.view(space)
            return view is not None and true(view)

        await eventually(check, what)
        return self.view(space)

    def view(self, space: SpaceId) -> LiveSpace:
        """The live space now."""
        view = self.spaces.view(space)
        if view is None:
            raise AssertionError(f"live space {space} is not open")
        return view

    async def card(self, space: SpaceId) -> str:
        """The card's event id, once it is sent, pinned and seeded."""

        async def dressed() -> bool:
            return await self.notes.get(ShownComplete.key(Shown.CARD, space)) is not None

        await eventually(dressed, "no card")
        found = await self.notes.get(ShownMessage.key(Shown.CARD, space))
        if found is None:
            raise AssertionError("a dressed card without an event")
        return found.event

    async def drained(self, timeout: float = PATIENCE_S) -> None:
        """Nothing is left to be done, towards Matrix or from it."""

        async def done() -> bool:
            return not await self.outbox.pending(0, 1) and not await self.storage.inbox.pending(
                0, 1
            )

        await eventually(done, "the outbox or the inbox did not get empty", timeout)


async def eventually(true: Callable[[], object], what: str, timeout: float = PATIENCE_S) -> None:
    """Wait until an async check is true."""
    deadline = asyncio.get_running_loop().time() + timeout
    while True:
        result = true()
        if asyncio.iscoroutine(result):
            result = await result
        if result:
            return
        if asyncio.get_running_loop().time() > deadline:
            raise AssertionError(f"{what} within {timeout:g} s")
        await asyncio.sleep(0.02)


def room_of(space: LiveSpace) -> RoomId:
    """The room it must have by now."""
    if space.room is None:
        raise AssertionError("the live space has no room yet")
    return space.room
