"""The Matrix side as one thing: built from its parts, started and stopped together."""

import asyncio
import logging
from collections.abc import Coroutine, Iterator, Sequence

from spaces_bridge.app import policies
from spaces_bridge.app.doorkeeper import Doorkeeper
from spaces_bridge.app.errors import AdapterError, StorageError
from spaces_bridge.app.ports import Followers, Inbox, Reports, RoomSnapshot
from spaces_bridge.app.records import Effect, InboxEvent
from spaces_bridge.app.registry import Spaces
from spaces_bridge.core.ids import RoomId, SpaceId, UserId
from spaces_bridge.core.live_space import LiveSpace, Phase
from spaces_bridge.matrix import captions
from spaces_bridge.matrix.announcements import Announcements
from spaces_bridge.matrix.answers import Answers
from spaces_bridge.matrix.appservice import AppserviceServer
from spaces_bridge.matrix.archive import Archive
from spaces_bridge.matrix.arrangement import Arranger
from spaces_bridge.matrix.bans import Bans
from spaces_bridge.matrix.bubbles import Bubbles
from spaces_bridge.matrix.cards import CardKeeper
from spaces_bridge.matrix.client import MatrixClient
from spaces_bridge.matrix.consumer import InboxConsumer
from spaces_bridge.matrix.conversation import Conversation
from spaces_bridge.matrix.correspondence import Correspondence
from spaces_bridge.matrix.courier import ARRANGEMENT, PROMPTS, OutboxCourier
from spaces_bridge.matrix.directory import SpacesDirectory, keep_open
from spaces_bridge.matrix.dms import DirectRooms
from spaces_bridge.matrix.doers import Doer, Doers
from spaces_bridge.matrix.doors import SessionsDoor
from spaces_bridge.matrix.errands import RoomErrands
from spaces_bridge.matrix.errors import Refused
from spaces_bridge.matrix.etiquette import Etiquette
from spaces_bridge.matrix.evictions import Evictions
from spaces_bridge.matrix.gallery import Gallery
from spaces_bridge.matrix.ghosts import Ghosts
from spaces_bridge.matrix.greeting import Greeter
from spaces_bridge.matrix.hands import RaisedHands
from spaces_bridge.matrix.http import HomeserverApi
from spaces_bridge.matrix.invitations import Invitations
from spaces_bridge.matrix.invites import InviteLimits, Uninvited
from spaces_bridge.matrix.lane import Lane
from spaces_bridge.matrix.letters import Letters
from spaces_bridge.matrix.listing import RoomList
from spaces_bridge.matrix.observer import RoomObserver
from spaces_bridge.matrix.pace import FairShare, Metronome, RoomBudgets
from spaces_bridge.matrix.pins import Pins
from spaces_bridge.matrix.policy_lists import PolicyLists
from spaces_bridge.matrix.posts import Posts
from spaces_bridge.matrix.questions import Questions
from spaces_bridge.matrix.reach import Reach
from spaces_bridge.matrix.reception import Reception
from spaces_bridge.matrix.reminders import Reminders
from spaces_bridge.matrix.reports import ReportDesk
from spaces_bridge.matrix.rooms import RoomMaker
from spaces_bridge.matrix.settings import MatrixSettings
from spaces_bridge.matrix.signboard import Signboard
from spaces_bridge.matrix.sluice import Sluice
from spaces_bridge.matrix.talk.desk import Desk, Permission
from spaces_bridge.matrix.taps import Taps
from spaces_bridge.matrix.transactions import parse_event
from spaces_bridge.matrix.watch import HomeserverWatch

log = logging.getLogger(__name__)

SHARES = {"replies": 0.9, "timeline": 0.85, "answers": 0.7, "state": 0.7, "card": 0.6}
"""How much of a live space's events a minute each lane may see used before it waits."""
PROMPTS_PER_MINUTE = 6
"""Raised hands that one host is asked about; those answered meanwhile are never asked about."""
COUNTERS_EVERY_S = 15.0
"""How often it is looked whether the audience changed; the card itself decides when to say so."""
ARRANGEMENTS_PER_MINUTE = 10
"""How often locking, chat and server rules are written to one room; each takes two events."""
DIRECTORY_PAUSE_S = 5.0
"""Between two tries to open the directory."""
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
        permission: Permission,
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
        self._tasks: list[asyncio.Task[None]] = []
        loop = asyncio.get_running_loop()
        self._reach = Reach()
        pace = FairShare(settings.events_per_second, loop.time)
        budgets = RoomBudgets(settings.room_events_per_minute, loop.time)
        self._budgets = budgets

        def written(room: str) -> None:
            pace.spend()
            budgets.note(room)

        self._api = HomeserverApi(settings.homeserver, settings.as_token, self._reach, written)
        bot = self._client_of(settings.bot)
        self._watch = HomeserverWatch(
            self._api, bot, self._reach, settings.appservice_id, self._homeserver_is_back
        )
        self._observer = RoomObserver(bot, spaces, outbox)
        dms = DirectRooms(bot, outbox)
        pins, room_list = Pins(bot), RoomList(bot)
        gallery = Gallery(bot, outbox, loop.time)
        cards = CardKeeper(bot, outbox, clock, settings, spaces.audience_size, pins)
        signboard = Signboard(bot, spaces, outbox, settings, gallery, room_list)
        bubbles = Bubbles(bot, spaces, outbox, clock, settings, pins, spaces.audience_size)
        posts = Posts(bot, spaces, outbox, pins, cards)
        self._gallery = gallery
        self._directory = SpacesDirectory(bot, spaces, settings, gallery, room_list)
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
        arranger = Arranger(bot, spaces, settings, self._observer, doorkeeper.banned_servers)
        bans = Bans(bot, spaces, self._observer)
        report_desk = ReportDesk(bot, spaces, reports, settings)
        self._courier = OutboxCourier(
            outbox,
            clock,
            Doers(
                [
                    arranger,
                    bans,
                    report_desk,
                    rooms,
                    letters,
                    questions,
                    *inviting,
                    signboard,
                    bubbles,
                    self._directory,
                    posts,
                ]
            ),
            pace,
            self._per_minute,
            self._room_wait_s,
        )
        self._evictions = Evictions(bot, spaces, clock)
        self._lists = PolicyLists(bot, doorkeeper, spaces, outbox, settings, self._courier.wake)
        archive = Archive(spaces.world.directory, spaces.world.journal)
        desk = Desk(
            bot,
            spaces,
            archive,
            outbox,
            settings,
            clock,
            doorkeeper,
            followers,
            reports,
            permission,
        )
        conversation = Conversation(desk, dms)
        greeter = Greeter(bot, dms, outbox)
        answers = Answers(spaces, followers, notebook, settings, clock)
        taps = Taps(spaces, followers, outbox, clock, cards, bubbles)
        self._reception = Reception(
            spaces,
            settings,
            self._observer,
            conversation,
            greeter,
            dms,
            cards,
            answers,
            taps,
            RaisedHands(spaces, settings, clock),
            self._evictions,
            self._lists,
        )
        self._consumer = InboxConsumer(inbox, self._reception.receive)
        self._server = AppserviceServer(
            settings.hs_token,
            inbox,
            self._hint,
            self._consumer.wake,
            self._knows_user,
            self._is_ready,
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
        self._spawn(self._once_registered(self._open_up()), "pictures and directory")
        self._spawn(self._once_registered(self._lists.run()), "policy lists")
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
        try:
            return await self._observer.read_room(room)
        except Refused:
            await self._evictions.look(room)
            raise

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

    async def _open_up(self) -> None:
        await self._gallery.portray_bot()
        await keep_open(self._directory, DIRECTORY_PAUSE_S)

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
        self._lists.refresh()

    def _hint(self, events: Sequence[InboxEvent]) -> None:
        """Silence waits for nothing, and so not for the database."""
        for arriving in events:
            event = parse_event(arriving.body)
            if event is not None:
                self._reception.hint(event)

    def _knows_user(self, user: str) -> bool:
        return user == self._settings.bot

    async def _is_ready(self) -> bool:
        return not self._watch.last_error

    def _per_minute(self, queue: str) -> int | None:
        if queue.endswith(PROMPTS):
            return PROMPTS_PER_MINUTE
        place, _, kind = queue.partition("|")
        if kind == ARRANGEMENT:
            return ARRANGEMENTS_PER_MINUTE
        if kind == "captions":
            return captions.PER_MINUTE
        if kind == "redactions":
            return self._settings.redactions_per_minute
        if kind == "replies" and self._spaces.by_room(RoomId(place)) is not None:
            return self._settings.answers_per_minute
        return None

    def _room_wait_s(self, lane: Lane) -> float:
        """Until the live space's room has an event left for this lane; others wait for none."""
        share = SHARES.get(lane.kind)
        if share is None:
            return 0.0
        place = lane.group
        space = self._spaces.view(SpaceId(place)) or self._spaces.by_room(RoomId(place))
        if space is None or space.room is None:
            return 0.0
        return self._budgets.wait_s(space.room, share)

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
                    await self._outbox.enqueue([e for s in stale for e in _counters(s)])
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


def _counters(space: LiveSpace) -> Iterator[Effect]:
    """The wishes for everything that shows how many listen."""
    yield policies.card(space.space)
    if space.community is not None and not space.private:
        yield policies.bubble(space.space)
