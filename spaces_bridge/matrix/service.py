"""The Matrix side as one thing: built from its parts, started and stopped together."""

import asyncio
import logging
from collections.abc import Coroutine, Sequence

from spaces_bridge.app import policies
from spaces_bridge.app.doorkeeper import Doorkeeper
from spaces_bridge.app.errors import AdapterError, StorageError
from spaces_bridge.app.ports import Followers, Inbox, Reports, RoomSnapshot
from spaces_bridge.app.records import InboxEvent
from spaces_bridge.app.registry import Spaces
from spaces_bridge.core.ids import RoomId, UserId
from spaces_bridge.core.live_space import Phase
from spaces_bridge.matrix import captions
from spaces_bridge.matrix.announcements import Announcements
from spaces_bridge.matrix.answers import Answers
from spaces_bridge.matrix.appservice import AppserviceServer
from spaces_bridge.matrix.archive import Archive
from spaces_bridge.matrix.cards import CardKeeper
from spaces_bridge.matrix.client import MatrixClient
from spaces_bridge.matrix.consumer import InboxConsumer
from spaces_bridge.matrix.conversation import Conversation, MayHost
from spaces_bridge.matrix.correspondence import Correspondence
from spaces_bridge.matrix.courier import PROMPTS, OutboxCourier
from spaces_bridge.matrix.dms import DirectRooms
from spaces_bridge.matrix.doers import Doer, Doers
from spaces_bridge.matrix.doors import SessionsDoor
from spaces_bridge.matrix.errands import RoomErrands
from spaces_bridge.matrix.etiquette import Etiquette
from spaces_bridge.matrix.ghosts import Ghosts
from spaces_bridge.matrix.greeting import Greeter
from spaces_bridge.matrix.http import HomeserverApi
from spaces_bridge.matrix.invitations import Invitations
from spaces_bridge.matrix.invites import InviteLimits, Uninvited
from spaces_bridge.matrix.letters import Letters
from spaces_bridge.matrix.observer import RoomObserver
from spaces_bridge.matrix.pace import FairShare, Metronome
from spaces_bridge.matrix.questions import Questions
from spaces_bridge.matrix.reach import Reach
from spaces_bridge.matrix.reception import Reception
from spaces_bridge.matrix.reminders import Reminders
from spaces_bridge.matrix.rooms import RoomMaker
from spaces_bridge.matrix.settings import MatrixSettings
from spaces_bridge.matrix.sluice import Sluice
from spaces_bridge.matrix.transactions import parse_event
from spaces_bridge.matrix.watch import HomeserverWatch

log = logging.getLogger(__name__)

REPLIES_PER_MINUTE = 8
"""In a live space's room; with the card's 12 edits it keeps the budget of 20."""
PROMPTS_PER_MINUTE = 6
"""Raised hands that one host is asked about; those answered meanwhile are never asked about."""
COUNTERS_EVERY_S = 15.0
"""How often it is looked whether the audience changed; the card itself decides when to say so."""
PRUNE_EVERY_S = 6 * 3600.0
KEPT_MS = 7 * 86_400_000
"""Done wishes and handled events are remembered for a week."""


class MatrixService:
    """Everything towards the homeserver. Implements ``Courier``, ``RoomReader`` and ``Health``.

    ``start`` returns while the homeserver is still away: work goes on as soon as it answers.
    """

    def __init__(
        self,
        settings: MatrixSettings,
        spaces: Spaces,
        sessions: SessionsDoor,
        inbox: Inbox,
        may_host: MayHost,
        doorkeeper: Doorkeeper,
        followers: Followers,
        reports: Reports,
    ) -> None:
        outbox, clock = spaces.world.outbox, spaces.world.clock
        self._settings = settings
        self._spaces = spaces
        self._outbox = outbox
        self._inbox = inbox
        self._clock = clock
        self._doorkeeper = doorkeeper
        self._followers = followers
        self._reports = reports
        self._tasks: list[asyncio.Task[None]] = []
        loop = asyncio.get_running_loop()
        self._reach = Reach()
        pace = FairShare(settings.events_per_second, loop.time)
        self._api = HomeserverApi(settings.homeserver, settings.as_token, self._reach, pace.spend)
        bot = self._client_of(settings.bot)
        self._watch = HomeserverWatch(
            self._api, bot, self._reach, settings.appservice_id, self._homeserver_is_back
        )
        self._observer = RoomObserver(bot, spaces, outbox)
        dms = DirectRooms(bot, outbox)
        cards = CardKeeper(bot, outbox, clock, settings, spaces.audience_size)
        notebook = Correspondence(outbox)
        letters = Letters(bot, dms, spaces, sessions, settings)
        questions = Questions(bot, dms, spaces, outbox, notebook)
        inviting = self._inviting(bot, dms, notebook, pace)
        rooms = RoomErrands(
            bot,
            spaces,
            outbox,
            settings,
            self._observer,
            RoomMaker(bot, settings),
            cards,
            Ghosts(bot, self._client_of),
        )
        self._courier = OutboxCourier(
            outbox,
            clock,
            Doers([rooms, letters, questions, *inviting]),
            pace,
            self._per_minute,
        )
        archive = Archive(spaces.world.directory, spaces.world.journal)
        conversation = Conversation(bot, spaces, archive, dms, outbox, settings, clock, may_host)
        greeter = Greeter(bot, dms, outbox)
        answers = Answers(spaces, followers, notebook, settings, clock)
        self._reception = Reception(
            spaces, settings, clock, self._observer, conversation, greeter, dms, cards, answers
        )
        self._consumer = InboxConsumer(inbox, self._reception.receive)
        self._server = AppserviceServer(
            settings.hs_token, inbox, self._arrived, self._knows_user, self._is_ready
        )

    @property
    def port(self) -> int:
        """Where the appservice listens."""
        return self._server.port

    async def start(self) -> None:
        """Listen, then get to work in the background. Raises OSError: the port is taken."""
        await self._api.start()
        await self._server.start(self._settings.hostname, self._settings.port)
        self._spawn(self._watch.run(), "homeserver watch")
        self._spawn(self._once_registered(self._courier.run()), "outbox")
        self._spawn(self._once_registered(self._consumer.run()), "inbox")
        self._spawn(self._refresh_counters(), "card counters")
        self._spawn(self._prune(), "prune")

    async def stop(self) -> None:
        """Take no more transactions, then stop where we are: what is not done is kept."""
        await self._server.stop()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks.clear()
        await self._api.stop()

    def wake(self) -> None:
        """There is something new in the outbox."""
        self._courier.wake()

    async def read_room(self, room: RoomId) -> RoomSnapshot:
        """The room as the homeserver holds it now. Raises AdapterError."""
        return await self._observer.read_room(room)

    async def check(self) -> None:
        """Raises AdapterError, with a sentence, while not connected."""
        if self._watch.last_error:
            raise AdapterError(self._watch.last_error)

    def _spawn(self, work: Coroutine[None, None, None], name: str) -> None:
        self._tasks.append(asyncio.create_task(self._supervise(work, name), name=name))

    async def _supervise(self, work: Coroutine[None, None, None], name: str) -> None:
        """A bug in one of these stops the Matrix side: the log must say so."""
        try:
            await work
        except Exception:
            log.exception("%s ended by a bug; restart the bridge", name)
            self._watch.last_error = f"A part of the bridge ({name}) has failed; see its log."

    async def _once_registered(self, work: Coroutine[None, None, None]) -> None:
        try:
            await self._watch.registered()
        except asyncio.CancelledError:
            work.close()
            raise
        await work

    def _client_of(self, user: UserId) -> MatrixClient:
        return MatrixClient(self._api, user)

    def _inviting(
        self, bot: MatrixClient, dms: DirectRooms, notebook: Correspondence, share: FairShare
    ) -> list[Doer]:
        """Those who write invitations and reminders, at one pace together."""
        spaces, settings, clock = self._spaces, self._settings, self._clock
        now = asyncio.get_running_loop().time
        pace = Metronome(settings.invitations_per_minute, now)
        sluice = Sluice(pace, settings.domain, now)
        limits, uninvited = InviteLimits(self._outbox, clock, settings), Uninvited(self._outbox)
        etiquette = Etiquette(dms, self._followers, limits, settings, clock)
        return [
            Invitations(bot, dms, spaces, notebook, etiquette, uninvited, settings, sluice, share),
            Announcements(spaces, self._outbox, self._followers, uninvited, settings, self.wake),
            Reminders(bot, dms, spaces, settings, clock, sluice, share),
        ]

    def _homeserver_is_back(self) -> None:
        self._courier.outage_over()
        self._consumer.outage_over()

    def _arrived(self, events: Sequence[InboxEvent]) -> None:
        for stored in events:
            event = parse_event(stored.body)
            if event is not None:
                self._reception.hint(event)
        self._consumer.wake()

    def _knows_user(self, user: str) -> bool:
        return user == self._settings.bot

    async def _is_ready(self) -> bool:
        return not self._watch.last_error

    def _per_minute(self, queue: str) -> int | None:
        if queue.endswith(PROMPTS):
            return PROMPTS_PER_MINUTE
        place, _, kind = queue.partition("|")
        if kind == "captions":
            return captions.PER_MINUTE
        if kind == "redactions":
            return self._settings.redactions_per_minute
        if kind == "replies" and self._spaces.by_room(RoomId(place)) is not None:
            return REPLIES_PER_MINUTE
        return None

    async def _refresh_counters(self) -> None:
        """Guests come and go without an event: wish for the card when their number changed."""
        shown: dict[str, int] = {}
        while True:
            await asyncio.sleep(COUNTERS_EVERY_S)
            live = [s for s in self._spaces.open() if s.phase is Phase.LIVE]
            now = {str(s.space): self._spaces.audience_size(s.space) for s in live}
            stale = [s for s in live if shown.get(s.space, 0) != now[s.space]]
            try:
                if stale:
                    await self._outbox.enqueue([policies.card(s.space) for s in stale])
                    self._courier.wake()
                shown = now
            except StorageError as error:
                log.warning("cannot wish for cards: %s", error)

    async def _prune(self) -> None:
        while True:
            try:
                before_ms = self._clock.now_ms() - KEPT_MS
                await self._inbox.prune(before_ms)
                await self._outbox.prune(before_ms)
            except StorageError as error:
                log.warning("cannot prune: %s", error)
            await asyncio.sleep(PRUNE_EVERY_S)
