"""The Matrix adapter as one service: built from its parts, started and stopped together."""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from functools import partial

from spaces_bridge.app.ban_lists import BanListService
from spaces_bridge.app.call_ports import CallMembers
from spaces_bridge.app.errors import AdapterError
from spaces_bridge.app.plain_call_ports import PlainCallStage
from spaces_bridge.app.ports import (
    Audience,
    Followers,
    Inbox,
    Pictures,
    Reports,
    RoomSnapshot,
    Tokens,
)
from spaces_bridge.app.records import InboxEvent
from spaces_bridge.app.registry import Spaces
from spaces_bridge.app.remote_ports import RemoteMembers
from spaces_bridge.app.sessions import Sessions
from spaces_bridge.app.supervisor import TaskSupervisor, Work
from spaces_bridge.app.usecases import UseCases
from spaces_bridge.core.ids import RoomId, UserId
from spaces_bridge.matrix.appservice.call_api import ProxiedCalls
from spaces_bridge.matrix.appservice.consumer import InboxConsumer
from spaces_bridge.matrix.appservice.lookback import LookBack
from spaces_bridge.matrix.appservice.server import AppserviceServer
from spaces_bridge.matrix.appservice.transactions import parse_event
from spaces_bridge.matrix.assembly import MatrixContext, assemble
from spaces_bridge.matrix.cards.directory import keep_open
from spaces_bridge.matrix.client.errors import RequestRefused
from spaces_bridge.matrix.client.http import HomeserverApi, Json
from spaces_bridge.matrix.client.matrix_client import MatrixClient
from spaces_bridge.matrix.client.pace import RoomBudgets
from spaces_bridge.matrix.client.reach import Reach
from spaces_bridge.matrix.client.watch import HomeserverWatch
from spaces_bridge.matrix.outbox.budgets import LaneBudgets
from spaces_bridge.matrix.outbox.dispatcher import OutboxDispatcher
from spaces_bridge.matrix.plain_calls.service import PlainCalls
from spaces_bridge.matrix.plain_calls.silent import NoPlainCalls
from spaces_bridge.matrix.rooms.encryption import RoomEncryption
from spaces_bridge.matrix.settings import MatrixSettings
from spaces_bridge.matrix.upkeep import CounterWatch, Pruning
from spaces_bridge.pacing.fair_queue import FairQueue

log = logging.getLogger(__name__)

DIRECTORY_PAUSE_S = 5.0
"""The pause between two tries to open the directory."""


class MatrixService:
    """The service for everything towards the homeserver.

    Implements `OutboxSignal`, `RoomReader`, `RoomSecrecy` and `Health`. `start` returns while the
    homeserver is still away: work goes on as soon as the homeserver answers.
    """

    def __init__(
        self,
        settings: MatrixSettings,
        spaces: Spaces,
        sessions: Sessions,
        inbox: Inbox,
        tokens: Tokens,
        use_cases: UseCases,
        ban_lists: BanListService,
        followers: Followers,
        reports: Reports,
        tasks: TaskSupervisor | None = None,
        plain_stage: PlainCallStage | None = None,
    ) -> None:
        """`plain_stage` carries the sound of plain calls; None: nobody can call."""
        outbox, clock = spaces.context.outbox, spaces.context.clock
        now_s = asyncio.get_running_loop().time
        self._settings = settings
        self._tasks = tasks or TaskSupervisor()
        reach = Reach()
        pace = FairQueue(settings.events_per_second, now_s)
        budgets = RoomBudgets(settings.room_events_per_minute, now_s)

        def written(room: str) -> None:
            pace.spend()
            budgets.note(room)

        self._api = HomeserverApi(settings.homeserver, settings.as_token, reach, written)
        bot = self._bot = self._client_of(settings.bot)
        self._encryption = RoomEncryption(bot)
        self._watch = HomeserverWatch(
            self._api,
            bot,
            reach,
            settings.appservice_id,
            self._homeserver_is_back,
            self._homeserver_is_away,
        )
        allowed = LaneBudgets(settings, spaces, budgets)
        self._parts = assemble(
            MatrixContext(
                settings,
                spaces,
                sessions,
                use_cases,
                ban_lists,
                followers,
                reports,
                bot,
                self._client_of,
                pace,
                self.wake,
                now_s,
                allowed.is_full,
                budgets.wait_s,
                plain_stage or NoPlainCalls(),
            )
        )
        self._dispatcher = OutboxDispatcher(
            outbox, clock, self._parts.handlers, pace, allowed.per_minute, allowed.room_wait_s
        )
        event_dispatcher = self._parts.event_dispatcher
        self._consumer = InboxConsumer(
            inbox, event_dispatcher.receive, event_dispatcher.is_pressing
        )
        self._server = AppserviceServer(
            settings.hs_token,
            inbox,
            self._hint,
            self._consumer.wake,
            self._knows_user,
            self._is_ready,
        )
        self._look_back = LookBack(
            bot,
            inbox,
            spaces.context.notes,
            clock,
            lambda: [space.room for space in spaces.open() if space.room is not None],
            self._consumer.wake,
        )
        self._counters = CounterWatch(spaces, outbox, self.wake)
        self._pruning = Pruning(inbox, outbox, spaces.context.notes, tokens, clock)

    @property
    def port(self) -> int:
        """The port on which the appservice listens."""
        return self._server.port

    @property
    def pictures(self) -> Pictures:
        """People's avatars."""
        return self._parts.avatars

    @property
    def call_members(self) -> CallMembers:
        """The port to people's memberships in the calls of rooms."""
        return self._parts.connections

    @property
    def call_reactions(self) -> Audience:
        """The audience that has live spaces' reactions shown in their calls."""
        return self._parts.call_reactions

    @property
    def remote_members(self) -> RemoteMembers:
        """The memberships of devices that publish at other servers' SFUs."""
        return self._parts.remote_members

    @property
    def plain_calls(self) -> PlainCalls:
        """The plain calls: an audience of live spaces, and the listener of their stage."""
        return self._parts.plain_calls

    async def openid_token(self) -> Json:
        """Return an OpenID token of the bot's, for authorisers. Raises AdapterError."""
        path = ["user", self._settings.bot, "openid", "request_token"]
        answer: Json = await self._bot.call("POST", path, {})
        return answer

    def serve_calls(self, proxied: ProxiedCalls) -> None:
        """Answer what the homeserver hands on about calls (MSC4512); once, before the start."""
        self._server.serve_calls(proxied, self._settings.domain)

    async def start(self) -> None:
        """Listen, then start the background tasks. Raises OSError: the port is taken.

        Calls of an earlier run are gone on with before anything new is heard: StorageError.
        """
        await self._api.start()
        await self._parts.plain_calls.start()
        await self._server.start(self._settings.hostname, self._settings.port)
        for name, work in self._endless().items():
            self._tasks.keep(name, work)
        for name, work in self._once().items():
            self._tasks.finish(name, work)

    def _endless(self) -> Mapping[str, Work]:
        registered = self._once_registered
        return {
            "homeserver watch": self._watch.run,
            "outbox": partial(registered, self._dispatcher.run),
            "inbox": partial(registered, self._consumer.run),
            "policy lists": partial(registered, self._parts.lists.run),
            "what was missed": partial(registered, self._look_back.run),
            "card counters": self._counters.run,
            "prune": self._pruning.run,
            "call members": self._parts.connections.run,
            "reactions in calls": self._parts.call_reactions.run,
        }

    def _once(self) -> Mapping[str, Work]:
        registered = self._once_registered
        return {
            "pictures and directory": partial(registered, self._open_up),
            "chat of before": partial(registered, self._parts.chat.look_back),
        }

    async def stop(self) -> None:
        """Take no more transactions, then stop all tasks; inbox and outbox keep the rest."""
        await self._server.stop()
        await self._tasks.stop(*self._endless(), *self._once())
        await self._parts.plain_calls.stop()
        await self._parts.avatars.stop()
        await self._api.stop()

    def wake(self) -> None:
        """Tell the outbox dispatcher that there is something new in the outbox."""
        self._dispatcher.wake()

    async def read_room(self, room: RoomId) -> RoomSnapshot:
        """Return the room as the homeserver holds it now. Raises AdapterError."""
        try:
            return await self._parts.observer.read_room(room)
        except RequestRefused:
            await self._parts.evictions.look(room)
            raise

    async def is_encrypted(self, room: RoomId) -> bool:
        """Return whether the room is encrypted (`RoomSecrecy`). Raises AdapterError."""
        return await self._encryption.is_encrypted(room)

    async def check(self) -> None:
        """Check the connection. Raises AdapterError, with a sentence, while there is none."""
        if self._watch.last_error:
            raise AdapterError(self._watch.last_error)

    async def _once_registered(self, work: Work) -> None:
        await self._watch.registered()
        await work()

    async def _open_up(self) -> None:
        await self._parts.uploads.portray_bot()
        await keep_open(self._parts.directory, DIRECTORY_PAUSE_S)

    def _client_of(self, user: UserId) -> MatrixClient:
        return MatrixClient(self._api, user)

    def _homeserver_is_back(self) -> None:
        self._dispatcher.outage_over()
        self._consumer.outage_over()
        self._parts.lists.refresh()
        self._look_back.homeserver_back()

    def _homeserver_is_away(self) -> None:
        self._look_back.homeserver_away()

    def _hint(self, events: Sequence[InboxEvent]) -> None:
        """Hand events on before they are stored: shutting a gate waits for no database."""
        for arriving in events:
            event = parse_event(arriving.body)
            if event is not None:
                self._parts.event_dispatcher.hint(event)

    def _knows_user(self, user: str) -> bool:
        return user == self._settings.bot

    async def _is_ready(self) -> bool:
        return not self._watch.last_error and not self._tasks.failing
