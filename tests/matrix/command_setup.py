"""Commands without a homeserver: the real conversation and live spaces, the rest in memory."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from itertools import count
from types import TracebackType
from typing import Any, Self

from spaces_bridge.app.ban_lists import BanListService
from spaces_bridge.app.context import AppSettings
from spaces_bridge.app.records import Block, OutboxEntry, PolicyRule, Report
from spaces_bridge.app.registry import Spaces
from spaces_bridge.app.usecases import use_cases_of
from spaces_bridge.core import commands as cmd
from spaces_bridge.core.ids import EventId, RoomId, SpaceId, UserId
from spaces_bridge.core.live_space import LiveSpace
from spaces_bridge.matrix.client.errors import RequestRefused
from spaces_bridge.matrix.client.matrix_client import StateEvent
from spaces_bridge.matrix.commands.archive import Archive
from spaces_bridge.matrix.commands.context import CommandContext
from spaces_bridge.matrix.commands.dispatcher import CommandDispatcher
from spaces_bridge.matrix.events.translate import Message
from spaces_bridge.matrix.settings import MatrixSettings
from tests.support.recorder import Recorder
from tests.support.spaces import BEN, CREATE, EVE, ROOM

MIA = UserId("@mia:example.org")
PAGES = "https://pages"
DM = RoomId("!dm")
COMMUNITY = RoomId("!community")
SETTINGS = MatrixSettings("http://hs", "example.org", "as", "hs", PAGES)


class Lists:
    """Block lists, policy rules and reports."""

    def __init__(self, notebook: Recorder) -> None:
        self._notebook = notebook
        self.blocks: dict[tuple[UserId, str], Block] = {}
        self.reports: dict[str, Report] = {}

    async def put(self, block: Block) -> None:
        self.blocks[block.host, block.target] = block

    async def drop(self, host: UserId, target: str) -> bool:
        return self.blocks.pop((host, target), None) is not None

    async def all(self) -> list[Block]:
        return list(self.blocks.values())

    async def file(
        self, report: Report, source: str, then: Callable[[int], OutboxEntry] | None = None
    ) -> int:
        self.reports.setdefault(source, report)
        number = list(self.reports).index(source) + 1
        if then is not None:
            await self._notebook.enqueue([then(number)])
        return number

    async def is_filed(self, source: str) -> bool:
        return source in self.reports

    async def filed_by(self, reporter: UserId, since_ms: int) -> int:
        return sum(r.reporter == reporter and r.at_ms > since_ms for r in self.reports.values())

    async def reporters_in(self, space: SpaceId, since_ms: int) -> list[UserId]:
        recent = [r for r in self.reports.values() if r.at_ms > since_ms]
        return [report.reporter for report in recent if report.space == space]

    async def find(self, report: int) -> Report | None:
        return list(self.reports.values())[report - 1]

    async def listing(self, limit: int) -> list[Report]:
        return list(self.reports.values())[:limit]


class Rules:
    """Policy lists, empty at first."""

    def __init__(self) -> None:
        self.rules: list[PolicyRule] = []

    async def put(self, rule: PolicyRule) -> None:
        self.rules.append(rule)

    async def all(self) -> list[PolicyRule]:
        return self.rules


class CommandSetup:
    """Ada hosts; Ben and Mia Maier (of here) and Eve (of elsewhere) are in the room."""

    def __init__(
        self,
        *,
        permission: str = "host",
        min_followers: int = 0,
        settings: MatrixSettings = SETTINGS,
    ) -> None:
        self.notebook = Recorder()
        self.lists = Lists(self.notebook)
        self.zones: dict[UserId, str] = {}
        self._events = count(1)
        any_: Any = self
        rules: Any = Rules()
        self.ban_lists = BanListService(self.lists, rules, self.notebook)
        chosen = AppSettings(domain=SETTINGS.domain, bot=SETTINGS.bot, min_followers=min_followers)
        world = replace(self.notebook.context(chosen), ban_lists=self.ban_lists)
        self.spaces = Spaces(world)
        self.ban_lists.attend(self.spaces)
        archive = Archive(self.notebook, self.notebook)
        allowed: Any = permission
        self.use_cases = use_cases_of(self.spaces, self.ban_lists, self.lists, lambda _: allowed)
        context = CommandContext(
            any_,
            self.spaces,
            archive,
            self.notebook.notes,
            settings,
            self.notebook,
            self.use_cases,
        )
        self.conversation = CommandDispatcher(context, any_)
        self.space = SpaceId("")
        self.answered: list[str] = []
        """The kinds of the tasks that answered."""
        self.threads: list[Any] = []
        """The threads that those are in."""
        self.past: dict[EventId, StateEvent] = {}
        """What was said before."""
        self.strangers: set[UserId] = set()
        """Who has no direct room with the bot."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.ban_lists.stop()
        await self.spaces.stop()

    # --- the homeserver

    async def is_direct(self, room: RoomId) -> bool:
        return room == DM

    async def have_met(self, user: UserId) -> bool:
        return user not in self.strangers

    async def display_name(self, user: UserId) -> str | None:
        return user[1:].partition(":")[0].capitalize()

    async def time_zone(self, user: UserId) -> str | None:
        return self.zones.get(user)

    async def event(self, room: RoomId, event: EventId) -> StateEvent:
        try:
            return self.past[event]
        except KeyError:
            raise RequestRefused(404, "M_NOT_FOUND", "no such event") from None

    # --- what happens

    async def plan(self, **changes: Any) -> LiveSpace:  # noqa: ANN401 - fields of CreateSpace
        """A live space that has not started, with everybody in its room."""
        wanted = replace(CREATE, at_ms=self.notebook.now, **changes)
        room = ROOM if wanted.space == CREATE.space else RoomId(f"!{wanted.space}")
        self.space = wanted.space
        await self.spaces.create(wanted)
        names = {wanted.by: "Ada", BEN: "Ben", MIA: "Mia Maier", EVE: "Eve"}
        await self.does(cmd.AttachRoom(room), cmd.ObserveRoom({wanted.by: 90}, names))
        return self.view

    async def open(self, **changes: Any) -> LiveSpace:  # noqa: ANN401 - fields of CreateSpace
        """One that is live."""
        space = await self.plan(**changes)
        await self.does(cmd.StartSpace(space.host, self.notebook.now))
        return self.view

    async def does(self, *commands: cmd.Command) -> None:
        for command in commands:
            await self.spaces.ask(self.space, command)

    async def gives(self, user: UserId, level: int | None) -> None:
        """The homeserver holds this level now."""
        known = {p.user: p.level for p in self.view.people.values()} | {user: level}
        levels = {u: held for u, held in known.items() if held is not None}
        await self.does(cmd.ObserveLevels(levels, settled=user))

    async def settled(self) -> None:
        """Everything the live space was told is done."""
        done = asyncio.Event()
        self.spaces.then(self.space, done.set)
        await done.wait()

    async def say(
        self,
        who: UserId,
        text: str,
        room: RoomId = ROOM,
        *,
        event: str = "",
        pills: tuple[tuple[str, UserId], ...] = (),
        thread: EventId | None = None,
        rewords: EventId | None = None,
    ) -> str:
        """Say it; the answer, beginning with ❌ when refused, empty when there is none."""
        event = event or f"$said{next(self._events)}"
        await self.conversation.hear(
            Message(room, EventId(event), who, text, pills, thread, rewords)
        )
        reply = self.notebook.effects.pop(f"reply:{event}", None)
        if reply is None:
            return ""
        self.threads.append(reply.body.get("thread"))
        sign = "" if reply.body.get("ok", True) else "❌ "
        self.answered.append(reply.kind)
        return sign + str(reply.body["text"])

    @property
    def view(self) -> LiveSpace:
        found = self.spaces.view(self.space)
        if found is None:
            raise AssertionError("no live space")
        return found
