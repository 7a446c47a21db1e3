"""The Matrix adapter as one service: built from its parts, started and stopped together."""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from spaces_bridge.app.ban_lists import BanListService
from spaces_bridge.app.call_ports import CallMembers
from spaces_bridge.app.crypto_ports import CryptoStore
from spaces_bridge.app.errors import AdapterError
from spaces_bridge.app.plain_call_ports import PlainCallStage
from spaces_bridge.app.ports import (
    Audience,
    Clock,
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
from spaces_bridge.app.tasks import TellUser
from spaces_bridge.app.usecases import UseCases
from spaces_bridge.app.verification_ports import VerificationDesk
from spaces_bridge.core.ids import RoomId, UserId
from spaces_bridge.matrix.appservice.call_api import ProxiedCalls
from spaces_bridge.matrix.appservice.consumer import InboxConsumer
from spaces_bridge.matrix.appservice.lookback import LookBack
from spaces_bridge.matrix.appservice.server import AppserviceServer
from spaces_bridge.matrix.appservice.transactions import parse_event
from spaces_bridge.matrix.assembly import MatrixContext, assemble
from spaces_bridge.matrix.cards.directory import keep_open
from spaces_bridge.matrix.client.errors import RequestRefused
from spaces_bridge.matrix.client.home_well_known import HomeWellKnown
from spaces_bridge.matrix.client.http import HomeserverApi, Json
from spaces_bridge.matrix.client.matrix_client import MatrixClient
from spaces_bridge.matrix.client.pace import RoomBudgets
from spaces_bridge.matrix.client.reach import Reach
from spaces_bridge.matrix.client.watch import HomeserverWatch
from spaces_bridge.matrix.crypto.assembly import CryptoService, OwnKeys
from spaces_bridge.matrix.crypto.encrypted_rooms import EncryptedRooms
from spaces_bridge.matrix.crypto.incoming import Receive
from spaces_bridge.matrix.dms.rooms import ChatPrivacy
from spaces_bridge.matrix.events.content import message
from spaces_bridge.matrix.outbox.budgets import LaneBudgets
from spaces_bridge.matrix.outbox.dispatcher import OutboxDispatcher
from spaces_bridge.matrix.plain_calls.service import PlainCalls
from spaces_bridge.matrix.plain_calls.silent import NoPlainCalls
from spaces_bridge.matrix.settings import MatrixSettings
from spaces_bridge.matrix.upkeep import CounterWatch, Pruning
from spaces_bridge.matrix.verification.assembly import Verification, assemble_verification
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
        crypto_store: CryptoStore,
        tasks: TaskSupervisor | None = None,
        own_keys: OwnKeys | None = None,
        plain_stage: PlainCallStage | None = None,
    ) -> None:
        """`own_keys`: the bot's keys for encrypted rooms; None: it reads none of them.

        `plain_stage` carries the sound of plain calls; None: nobody can call.
        """
        outbox, clock = spaces.context.outbox, spaces.context.clock
        now_s = asyncio.get_running_loop().time
        self._settings = settings
        self._tasks = tasks or TaskSupervisor()
        self._reach = Reach()
        pace = FairQueue(settings.events_per_second, now_s)
        budgets = RoomBudgets(settings.room_events_per_minute, now_s)

        def written(room: str) -> None:
            pace.spend()
            budgets.note(room)

        self._api = HomeserverApi(settings.homeserver, settings.as_token, self._reach, written)
        reader = MatrixClient(self._api, settings.bot)
        self._encrypted = EncryptedRooms(reader, crypto_store)
        self._crypto = (
            CryptoService(self._api, own_keys, inbox, reader, self._encrypted, clock)
            if own_keys is not None
            else None
        )
        bot = self._bot = self._client_of(settings.bot)
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
                self._privacy(),
            )
        )
        self._dispatcher = OutboxDispatcher(
            outbox, clock, self._parts.handlers, pace, allowed.per_minute, allowed.room_wait_s
        )
        self._verification = self._verification_of(spaces, clock)
        self._listen_to(inbox, spaces)
        self._counters = CounterWatch(spaces, outbox, self.wake)
        self._pruning = Pruning(inbox, outbox, spaces.context.notes, tokens, clock, crypto_store)

    def _listen_to(self, inbox: Inbox, spaces: Spaces) -> None:
        """Make the parts by which the homeserver's events come in."""
        self._watch = HomeserverWatch(
            self._api,
            self._bot,
            self._reach,
            self._settings.appservice_id,
            self._homeserver_is_back,
            self._homeserver_is_away,
        )
        event_dispatcher = self._parts.event_dispatcher
        self._consumer = InboxConsumer(
            inbox, self._reading(event_dispatcher.receive), event_dispatcher.is_pressing
        )
        self._server = AppserviceServer(
            self._settings.hs_token,
            inbox,
            self._hint,
            self._consumer.wake,
            self._knows_user,
            self._is_ready,
        )
        self._look_back = LookBack(
            self._bot,
            inbox,
            spaces.context.notes,
            spaces.context.clock,
            lambda: [space.room for space in spaces.open() if space.room is not None],
            self._missed_events_found,
        )
        event_dispatcher.read_first_words(self._look_back.first_words)

    @property
    def port(self) -> int:
        """The port on which the appservice listens."""
        return self._server.port

    @property
    def encryption(self) -> CryptoService | None:
        """Encryption; None where it is off."""
        return self._crypto

    @property
    def verification_desk(self) -> VerificationDesk | None:
        """The desk where people verify the bot; None where encryption is off."""
        return self._verification.service if self._verification is not None else None

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
            **{name: partial(registered, work) for name, work in self._crypto_tasks().items()},
        }

    def _crypto_tasks(self) -> Mapping[str, Work]:
        if self._crypto is None or self._verification is None:
            return {}
        return {**self._crypto.endless(), **self._verification.endless()}

    def _once(self) -> Mapping[str, Work]:
        registered = self._once_registered
        return {
            "pictures and directory": partial(registered, self._open_up),
            "chat of before": partial(registered, self._parts.chat.look_back),
        }

    def _privacy(self) -> ChatPrivacy | None:
        """Return what decides whether chats are opened encrypted; None: they never are."""
        if self._crypto is None:
            return None
        settings = self._settings
        return self._crypto.preference(HomeWellKnown(settings.homeserver, settings.domain))

    def _verification_of(self, spaces: Spaces, clock: Clock) -> Verification | None:
        if self._crypto is None:
            return None

        async def tell(user: UserId, text: str, key: str) -> None:
            await spaces.enqueue_task(TellUser(user, text), key)

        page = self._settings.verify_page
        is_direct = self._parts.dms.is_direct
        made = assemble_verification(self._bot, self._crypto, is_direct, tell, page, clock)
        self._parts.event_dispatcher.serve_verifications(made.service)
        return made

    def _reading(self, receive: Receive) -> Receive:
        """Return `receive` with what reads encrypted events in front of it, where there is one."""
        if self._crypto is None:
            return receive

        async def write(room: RoomId, text: str, key: str) -> None:
            await self._bot.send(room, "m.room.message", message(text), key)

        def wake() -> None:
            self._consumer.wake()

        receiver = self._crypto.receiver(
            write, self._parts.dms.is_direct, self._settings.is_ours, receive, wake
        )
        return receiver.receive

    async def stop(self) -> None:
        """Take no more transactions, then stop all tasks; inbox and outbox keep the rest."""
        await self._server.stop()
        await self._tasks.stop(*self._endless(), *self._once())
        await self._parts.plain_calls.stop()
        if self._crypto is not None:
            await self._crypto.encryption.stop()
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
        return await self._encrypted.is_encrypted(room)

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
        crypto = self._crypto if user == self._settings.bot else None
        return MatrixClient(self._api, user, None if crypto is None else crypto.encryption)

    def _homeserver_is_back(self) -> None:
        self._dispatcher.outage_over()
        self._consumer.outage_over()
        self._parts.lists.refresh()
        self._look_back.homeserver_back()
        self._doubt_rooms()
        if self._crypto is not None:
            self._crypto.homeserver_back()

    def _missed_events_found(self) -> None:
        self._doubt_rooms()
        self._consumer.wake()

    def _doubt_rooms(self) -> None:
        """Ask anew which rooms are encrypted, and who is there: events did not come."""
        self._encrypted.doubt()
        if self._crypto is not None:
            self._crypto.encryption.doubt()

    def _homeserver_is_away(self) -> None:
        self._look_back.homeserver_away()

    def _hint(self, events: Sequence[InboxEvent]) -> None:
        """Hand events on before they are stored: shutting a gate waits for no database."""
        for arriving in events:
            event = parse_event(arriving.body)
            if event is not None:
                self._parts.event_dispatcher.hint(event)
                self._note_arrival(event)

    def _note_arrival(self, event: Mapping[str, Any]) -> None:
        """Note whose key is needed from now on, and which rooms are encrypted."""
        try:
            note = self._crypto.encryption.note if self._crypto is not None else None
            (note or self._encrypted.note)(event)
        except Exception:  # whatever is wrong with the event, its transaction is stored
            log.exception("an event could not be noted on arrival")

    def _knows_user(self, user: str) -> bool:
        return user == self._settings.bot

    async def _is_ready(self) -> bool:
        return not self._watch.last_error and not self._tasks.failing
