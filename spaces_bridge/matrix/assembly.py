"""How the parts of the Matrix side are put together, subject by subject. Nothing starts here."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from spaces_bridge.app.doorkeeper import Doorkeeper
from spaces_bridge.app.ports import Clock, Followers, NoteStore, Outbox, Reports
from spaces_bridge.app.registry import Spaces
from spaces_bridge.app.usecases import UseCases
from spaces_bridge.core.ids import RoomId, UserId
from spaces_bridge.matrix.direct.answers import Answers
from spaces_bridge.matrix.direct.correspondence import Correspondence
from spaces_bridge.matrix.direct.dms import DirectRooms
from spaces_bridge.matrix.direct.letters import Letters
from spaces_bridge.matrix.direct.questions import Questions
from spaces_bridge.matrix.doors import SessionsDoor
from spaces_bridge.matrix.homeserver.client import MatrixClient
from spaces_bridge.matrix.homeserver.pace import Metronome
from spaces_bridge.matrix.incoming.chats import RoomChat
from spaces_bridge.matrix.incoming.hands import RaisedHands
from spaces_bridge.matrix.incoming.reception import Reception
from spaces_bridge.matrix.incoming.taps import Taps
from spaces_bridge.matrix.inviting.announcements import Announcements
from spaces_bridge.matrix.inviting.etiquette import Etiquette
from spaces_bridge.matrix.inviting.invitations import Invitations
from spaces_bridge.matrix.inviting.invites import InviteLimits, Uninvited
from spaces_bridge.matrix.inviting.reminders import Reminders
from spaces_bridge.matrix.inviting.sluice import Sluice
from spaces_bridge.matrix.moderation.bans import Bans
from spaces_bridge.matrix.moderation.policy_lists import PolicyLists
from spaces_bridge.matrix.moderation.reports import ReportDesk
from spaces_bridge.matrix.outgoing.doers import Doer, Doers
from spaces_bridge.matrix.outgoing.errands import RoomErrands
from spaces_bridge.matrix.room.arrangement import Arranger
from spaces_bridge.matrix.room.evictions import Evictions
from spaces_bridge.matrix.room.ghosts import Ghosts
from spaces_bridge.matrix.room.observer import RoomObserver
from spaces_bridge.matrix.room.rooms import RoomMaker
from spaces_bridge.matrix.room.speaking import ChatPoster
from spaces_bridge.matrix.settings import MatrixSettings
from spaces_bridge.matrix.shown.bubbles import Bubbles
from spaces_bridge.matrix.shown.cards import CardKeeper
from spaces_bridge.matrix.shown.directory import SpacesDirectory
from spaces_bridge.matrix.shown.gallery import Gallery
from spaces_bridge.matrix.shown.listing import RoomList
from spaces_bridge.matrix.shown.pins import Pins
from spaces_bridge.matrix.shown.portraits import Portraits
from spaces_bridge.matrix.shown.posts import Posts
from spaces_bridge.matrix.shown.signboard import Signboard
from spaces_bridge.matrix.talk.archive import Archive
from spaces_bridge.matrix.talk.conversation import Conversation
from spaces_bridge.matrix.talk.desk import Desk
from spaces_bridge.matrix.talk.greeting import Greeter
from spaces_bridge.pacing.fair_queue import FairQueue


@dataclass(frozen=True, slots=True)
class Ground:
    """What the parts stand on."""

    settings: MatrixSettings
    spaces: Spaces
    sessions: SessionsDoor
    use_cases: UseCases
    doorkeeper: Doorkeeper
    followers: Followers
    reports: Reports
    bot: MatrixClient
    client_of: Callable[[UserId], MatrixClient]
    pace: FairQueue
    wake: Callable[[], None]
    """Tells the courier of something new in the outbox."""
    now_s: Callable[[], float]
    """The event loop's time."""
    is_full: Callable[[RoomId], bool]
    """Whether a room has no event left for an answer right now."""

    @property
    def outbox(self) -> Outbox:
        return self.spaces.world.outbox

    @property
    def notes(self) -> NoteStore:
        return self.spaces.world.notes

    @property
    def clock(self) -> Clock:
        return self.spaces.world.clock


@dataclass(frozen=True, slots=True)
class Parts:
    """What the service runs, or asks."""

    doers: Doers
    reception: Reception
    observer: RoomObserver
    evictions: Evictions
    lists: PolicyLists
    gallery: Gallery
    directory: SpacesDirectory
    chat: RoomChat
    portraits: Portraits


def assemble(on: Ground) -> Parts:
    """All parts, joined together. Calls nobody yet."""
    observer = RoomObserver(on.bot, on.spaces, on.notes)
    dms, notebook = DirectRooms(on.bot, on.notes), Correspondence(on.notes)
    lists = PolicyLists(on.bot, on.doorkeeper, on.spaces, on.outbox, on.settings, on.wake)
    shown = _Shown(on)
    doers = Doers(
        [
            *_in_rooms(on, observer, shown.cards),
            *_moderating(on, observer),
            *_writing(on, dms, notebook),
            *_inviting(on, dms, notebook),
            *shown.doers,
        ]
    )
    evictions = Evictions(on.bot, on.spaces, on.clock)
    chat = RoomChat(on.bot, on.spaces, on.settings, on.doorkeeper)
    reception = _reception(on, observer, dms, notebook, shown, evictions, lists, chat)
    return Parts(
        doers,
        reception,
        observer,
        evictions,
        lists,
        shown.gallery,
        shown.directory,
        chat,
        Portraits(on.bot, on.now_s),
    )


class _Shown:
    """What a live space shows of itself, inside its room and outside."""

    def __init__(self, on: Ground) -> None:
        bot, spaces, notes, clock, settings = on.bot, on.spaces, on.notes, on.clock, on.settings
        pins, room_list = Pins(bot), RoomList(bot)
        self.gallery = Gallery(bot, notes, on.now_s)
        self.cards = CardKeeper(bot, notes, clock, settings, spaces.audience_size, pins)
        self.bubbles = Bubbles(bot, spaces, notes, clock, settings, pins, spaces.audience_size)
        self.directory = SpacesDirectory(bot, spaces, settings, self.gallery, room_list)
        self.doers: Sequence[Doer] = (
            Signboard(bot, spaces, notes, settings, self.gallery, room_list),
            self.bubbles,
            self.directory,
            Posts(bot, spaces, notes, pins, self.cards),
        )


def _in_rooms(on: Ground, observer: RoomObserver, cards: CardKeeper) -> Sequence[Doer]:
    """Those who make live spaces' rooms and act in them."""
    maker, ghosts = RoomMaker(on.bot, on.settings), Ghosts(on.bot, on.client_of)
    return [
        RoomErrands(on.bot, on.spaces, on.notes, on.settings, observer, maker, cards, ghosts),
        ChatPoster(on.bot, on.spaces),
    ]


def _moderating(on: Ground, observer: RoomObserver) -> Sequence[Doer]:
    """Those who keep people out of rooms, and bring reports to people."""
    return [
        Arranger(on.bot, on.spaces, on.settings, observer, on.doorkeeper.banned_servers),
        Bans(on.bot, on.spaces, observer),
        ReportDesk(on.bot, on.spaces, on.reports, on.settings),
    ]


def _writing(on: Ground, dms: DirectRooms, notebook: Correspondence) -> Sequence[Doer]:
    """Those who write to one person, as soon as there is something to say."""
    return [
        Letters(on.bot, dms, on.spaces, on.sessions, on.settings),
        Questions(on.bot, dms, on.spaces, on.notes, notebook),
    ]


def _inviting(on: Ground, dms: DirectRooms, notebook: Correspondence) -> Sequence[Doer]:
    """Those who write invitations and reminders, at one pace together."""
    bot, spaces, outbox, clock, settings = on.bot, on.spaces, on.outbox, on.clock, on.settings
    pace = Metronome(settings.invitations_per_minute, on.now_s)
    sluice = Sluice(pace, settings.domain, on.now_s)
    limits, uninvited = InviteLimits(on.notes, clock, settings), Uninvited(on.notes)
    etiquette = Etiquette(dms, on.followers, limits, settings, clock)
    return [
        Invitations(bot, dms, spaces, notebook, etiquette, uninvited, settings, sluice, on.pace),
        Announcements(spaces, outbox, on.followers, uninvited, settings, on.wake),
        Reminders(bot, dms, spaces, settings, clock, sluice, on.pace),
    ]


def _reception(
    on: Ground,
    observer: RoomObserver,
    dms: DirectRooms,
    notebook: Correspondence,
    shown: _Shown,
    evictions: Evictions,
    lists: PolicyLists,
    chat: RoomChat,
) -> Reception:
    """Everybody who is told of what happens, behind one door."""
    return Reception(
        on.spaces,
        on.settings,
        observer,
        _talking(on, dms),
        Greeter(on.bot, dms, on.notes),
        dms,
        shown.cards,
        Answers(on.spaces, on.followers, notebook, on.settings, on.clock),
        Taps(on.spaces, on.use_cases.following, on.notes, shown.cards, shown.bubbles),
        RaisedHands(on.spaces, on.clock),
        evictions,
        lists,
        chat,
    )


def _talking(on: Ground, dms: DirectRooms) -> Conversation:
    """Who understands commands and answers them."""
    desk = Desk(
        on.bot,
        on.spaces,
        Archive(on.spaces.world.directory, on.spaces.world.journal),
        on.notes,
        on.settings,
        on.clock,
        on.use_cases,
    )
    return Conversation(desk, dms, on.is_full)
