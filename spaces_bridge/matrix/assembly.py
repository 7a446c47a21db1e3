"""Assemble the parts of the Matrix adapter, subject by subject. Nothing starts here."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from spaces_bridge.app.ban_lists import BanListService
from spaces_bridge.app.plain_call_ports import PlainCallStage
from spaces_bridge.app.ports import Clock, Followers, NoteStore, Outbox, Reports
from spaces_bridge.app.registry import Spaces
from spaces_bridge.app.sessions import Sessions
from spaces_bridge.app.usecases import UseCases
from spaces_bridge.core.ids import RoomId, UserId
from spaces_bridge.matrix.appservice.call_events import CallEvents, MemberEvents
from spaces_bridge.matrix.appservice.card_reactions import CardReactions
from spaces_bridge.matrix.appservice.dispatcher import EventDispatcher
from spaces_bridge.matrix.appservice.hand_reactions import HandReactions
from spaces_bridge.matrix.appservice.remote_members import RoomRemoteMembers
from spaces_bridge.matrix.appservice.room_chat import RoomChat
from spaces_bridge.matrix.cards.avatars import Avatars
from spaces_bridge.matrix.cards.bubbles import Bubbles
from spaces_bridge.matrix.cards.cards import CardKeeper
from spaces_bridge.matrix.cards.directory import SpacesDirectory
from spaces_bridge.matrix.cards.listing import RoomList
from spaces_bridge.matrix.cards.pins import Pins
from spaces_bridge.matrix.cards.posts import Posts
from spaces_bridge.matrix.cards.room_state import RoomStatePublisher
from spaces_bridge.matrix.cards.uploads import PictureUploads
from spaces_bridge.matrix.client.matrix_client import MatrixClient
from spaces_bridge.matrix.client.pace import Pacer
from spaces_bridge.matrix.commands.archive import Archive
from spaces_bridge.matrix.commands.context import CommandContext
from spaces_bridge.matrix.commands.dispatcher import CommandDispatcher
from spaces_bridge.matrix.commands.greeting import Greeter
from spaces_bridge.matrix.dms.handler import DmHandler
from spaces_bridge.matrix.dms.prompts import PromptHandler
from spaces_bridge.matrix.dms.reactions import DmReactions
from spaces_bridge.matrix.dms.rooms import ChatPrivacy, DirectRooms
from spaces_bridge.matrix.dms.store import DmStore
from spaces_bridge.matrix.invites.announcements import Announcements
from spaces_bridge.matrix.invites.limits import InviteLimits, InviteReport
from spaces_bridge.matrix.invites.policy import InvitePolicy
from spaces_bridge.matrix.invites.reminders import ReminderSender
from spaces_bridge.matrix.invites.sender import InvitationSender
from spaces_bridge.matrix.invites.throttle import ServerThrottle
from spaces_bridge.matrix.moderation.bans import Bans
from spaces_bridge.matrix.moderation.policy_lists import PolicyLists
from spaces_bridge.matrix.moderation.reports import ReportHandler
from spaces_bridge.matrix.outbox.handlers import TaskHandler, TaskRouter
from spaces_bridge.matrix.outbox.room_tasks import RoomTaskHandler
from spaces_bridge.matrix.plain_calls.service import PlainCalls
from spaces_bridge.matrix.plain_calls.tasks import PlainCallTasks
from spaces_bridge.matrix.rooms.call_members import CallConnections, CallMemberships
from spaces_bridge.matrix.rooms.call_reactions import CallReactions
from spaces_bridge.matrix.rooms.call_rings import CallRings
from spaces_bridge.matrix.rooms.chat import ChatPoster
from spaces_bridge.matrix.rooms.ghosts import Ghosts
from spaces_bridge.matrix.rooms.lost_room import RoomLossCheck
from spaces_bridge.matrix.rooms.power_levels import PowerLevels
from spaces_bridge.matrix.rooms.required_levels import RoomPermissions
from spaces_bridge.matrix.rooms.rooms import RoomMaker
from spaces_bridge.matrix.settings import MatrixSettings
from spaces_bridge.pacing.fair_queue import FairQueue


@dataclass(frozen=True, slots=True)
class MatrixContext:
    """The dependencies that all parts share."""

    settings: MatrixSettings
    spaces: Spaces
    sessions: Sessions
    use_cases: UseCases
    ban_lists: BanListService
    followers: Followers
    reports: Reports
    bot: MatrixClient
    client_of: Callable[[UserId], MatrixClient]
    pace: FairQueue
    wake: Callable[[], None]
    """Tells the outbox dispatcher of something new in the outbox."""
    now_s: Callable[[], float]
    """The event loop's time."""
    is_full: Callable[[RoomId], bool]
    """Says whether a room's budget leaves no event for an answer right now."""
    room_wait_s: Callable[[RoomId, float], float]
    """The seconds until a room's budget lets a writer with this share write (`RoomBudgets`)."""
    plain_stage: PlainCallStage
    """Carries the sound of plain calls."""
    privacy: ChatPrivacy | None = None
    """What decides whether chats are opened encrypted; None: encryption is off."""

    @property
    def outbox(self) -> Outbox:
        return self.spaces.context.outbox

    @property
    def notes(self) -> NoteStore:
        return self.spaces.context.notes

    @property
    def clock(self) -> Clock:
        return self.spaces.context.clock


@dataclass(frozen=True, slots=True)
class Parts:
    """The parts that `MatrixService` runs or asks."""

    handlers: TaskRouter
    event_dispatcher: EventDispatcher
    observer: PowerLevels
    evictions: RoomLossCheck
    lists: PolicyLists
    uploads: PictureUploads
    directory: SpacesDirectory
    chat: RoomChat
    avatars: Avatars
    connections: CallConnections
    call_reactions: CallReactions
    remote_members: RoomRemoteMembers
    dms: DirectRooms
    plain_calls: PlainCalls


def assemble(on: MatrixContext) -> Parts:
    """Return all parts, joined together; no call leaves yet."""
    observer = PowerLevels(on.bot, on.spaces, on.notes, on.settings.call_stage)
    dms, dm_store = DirectRooms(on.bot, on.notes, on.privacy), DmStore(on.notes)
    lists = PolicyLists(on.bot, on.ban_lists, on.spaces, on.outbox, on.settings, on.wake)
    shown, connections = _Shown(on), CallConnections(on.spaces, on.clock)
    calling = on.use_cases.calling
    plain_calls = PlainCalls(on.bot, on.spaces, calling, dm_store, on.settings, on.plain_stage)
    handlers = TaskRouter(
        [
            *_in_rooms(on, observer, shown.cards, connections),
            *_moderating(on, observer),
            *_writing(on, dms, dm_store, connections),
            *_inviting(on, dms, dm_store),
            *shown.handlers,
            PlainCallTasks(on.bot, dms, on.spaces, calling, plain_calls),
        ]
    )
    evictions = RoomLossCheck(on.bot, on.spaces, on.clock)
    chat = RoomChat(on.bot, on.spaces, on.settings, on.ban_lists)
    call_reactions = CallReactions(
        on.bot, on.spaces, on.settings, on.clock, connections.any_in, on.room_wait_s
    )
    remote_members = RoomRemoteMembers(on.bot, on.spaces, on.settings, on.clock)
    event_dispatcher = _event_dispatcher(
        on,
        observer,
        dms,
        dm_store,
        shown,
        evictions,
        lists,
        chat,
        call_reactions,
        remote_members,
        plain_calls,
    )
    return Parts(
        handlers,
        event_dispatcher,
        observer,
        evictions,
        lists,
        shown.uploads,
        shown.directory,
        chat,
        Avatars(on.bot, on.now_s),
        connections,
        call_reactions,
        remote_members,
        dms,
        plain_calls,
    )


class _Shown:
    """The parts that show a live space, inside its room and outside."""

    def __init__(self, on: MatrixContext) -> None:
        bot, spaces, notes, clock, settings = on.bot, on.spaces, on.notes, on.clock, on.settings
        pins, room_list = Pins(bot), RoomList(bot)
        self.uploads = PictureUploads(bot, notes, on.now_s)
        self.cards = CardKeeper(bot, notes, clock, settings, spaces.audience_size, pins)
        self.bubbles = Bubbles(bot, spaces, notes, clock, settings, pins, spaces.audience_size)
        self.directory = SpacesDirectory(bot, spaces, settings, self.uploads, room_list)
        self.handlers: Sequence[TaskHandler] = (
            RoomStatePublisher(bot, spaces, notes, settings, self.uploads, room_list),
            self.bubbles,
            self.directory,
            Posts(bot, spaces, notes, pins, self.cards),
        )


def _in_rooms(
    on: MatrixContext, observer: PowerLevels, cards: CardKeeper, connections: CallConnections
) -> Sequence[TaskHandler]:
    """Return the task handlers that make live spaces' rooms and act in them."""
    maker, ghosts = RoomMaker(on.bot, on.settings), Ghosts(on.bot, on.client_of)
    return [
        RoomTaskHandler(on.bot, on.spaces, on.notes, on.settings, observer, maker, cards, ghosts),
        ChatPoster(on.bot, on.spaces),
        CallMemberships(on.bot, on.spaces, on.settings, on.clock, observer, connections),
        CallRings(on.bot, on.spaces, on.followers, on.settings, on.clock),
    ]


def _moderating(on: MatrixContext, observer: PowerLevels) -> Sequence[TaskHandler]:
    """Return the task handlers that keep people out of rooms, and bring reports to people."""
    return [
        RoomPermissions(on.bot, on.spaces, on.settings, observer, on.ban_lists.banned_servers),
        Bans(on.bot, on.spaces, observer),
        ReportHandler(on.bot, on.spaces, on.reports, on.settings),
    ]


def _writing(
    on: MatrixContext, dms: DirectRooms, dm_store: DmStore, connections: CallConnections
) -> Sequence[TaskHandler]:
    """Return the task handlers that write to one person without a pace of their own."""
    return [
        DmHandler(on.bot, dms, on.spaces, on.sessions, on.settings, connections.is_in),
        PromptHandler(
            on.bot,
            dms,
            on.spaces,
            on.notes,
            dm_store,
            on.followers,
            on.use_cases.calling,
        ),
    ]


def _inviting(on: MatrixContext, dms: DirectRooms, dm_store: DmStore) -> Sequence[TaskHandler]:
    """Return the task handlers that write invitations and reminders, at one pace together."""
    bot, spaces, outbox, clock, settings = on.bot, on.spaces, on.outbox, on.clock, on.settings
    pace = Pacer(settings.invitations_per_minute, on.now_s)
    throttle = ServerThrottle(pace, settings.domain, on.now_s)
    limits, report = InviteLimits(on.notes, clock, settings), InviteReport(on.notes)
    policy = InvitePolicy(dms, on.followers, limits, settings, clock)
    return [
        InvitationSender(bot, dms, spaces, dm_store, policy, report, settings, throttle, on.pace),
        Announcements(spaces, outbox, on.followers, report, settings, on.wake),
        ReminderSender(bot, dms, spaces, settings, clock, throttle, on.pace),
    ]


def _event_dispatcher(
    on: MatrixContext,
    observer: PowerLevels,
    dms: DirectRooms,
    dm_store: DmStore,
    shown: _Shown,
    evictions: RoomLossCheck,
    lists: PolicyLists,
    chat: RoomChat,
    call_reactions: CallReactions,
    remote_members: RoomRemoteMembers,
    plain_calls: PlainCalls,
) -> EventDispatcher:
    """Return the event dispatcher, with every handler of events behind it."""
    hands, members = HandReactions(on.spaces, on.clock), MemberEvents(on.bot, on.clock)
    calls = CallEvents(
        on.spaces, on.settings, on.clock, members, hands, call_reactions, remote_members
    )
    return EventDispatcher(
        on.spaces,
        on.settings,
        observer,
        _talking(on, dms),
        Greeter(on.bot, dms, on.notes),
        dms,
        shown.cards,
        DmReactions(
            on.spaces, on.followers, dm_store, on.settings, on.clock, on.use_cases.calling
        ),
        CardReactions(on.spaces, on.use_cases.following, on.notes, shown.cards, shown.bubbles),
        hands,
        evictions,
        lists,
        chat,
        calls,
        plain_calls,
    )


def _talking(on: MatrixContext, dms: DirectRooms) -> CommandDispatcher:
    """Return the command dispatcher, which parses commands and answers them."""
    context = CommandContext(
        on.bot,
        on.spaces,
        Archive(on.spaces.context.directory, on.spaces.context.journal),
        on.notes,
        on.settings,
        on.clock,
        on.use_cases,
    )
    return CommandDispatcher(context, dms, on.is_full)
