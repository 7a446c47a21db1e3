"""The app context: the ports and settings that live spaces work with."""

from dataclasses import dataclass, field

from spaces_bridge.app.chat import ChatBook
from spaces_bridge.app.ports import (
    Audience,
    BanLists,
    Captioner,
    Clock,
    Directory,
    Followers,
    Journal,
    NoteStore,
    Outbox,
    OutboxSignal,
    Stage,
)
from spaces_bridge.core.floor import QueueOrder
from spaces_bridge.core.roles import DEFAULT_LEVELS, RoleLevels


@dataclass(frozen=True, slots=True)
class AppSettings:
    """The admin's settings about live spaces, first of all what a new one is like.

    `bot`: the bridge's own account. `min_followers`: so many followers one needs to host.
    """

    domain: str
    bot: str = ""
    levels: RoleLevels = DEFAULT_LEVELS
    max_speakers: int = 10
    max_cohosts: int = 2
    queue_order: QueueOrder = QueueOrder.ARRIVAL
    captions: bool = True
    language: str = "auto"
    min_followers: int = 0
    reaction_ttl_ms: int = 15_000
    host_grace_ms: int = 300_000


@dataclass(frozen=True, slots=True)
class AppContext:
    """The app context: all ports an actor may use, the settings and the chat."""

    journal: Journal
    directory: Directory
    outbox: Outbox
    notes: NoteStore
    stage: Stage
    captioner: Captioner
    audience: Audience
    outbox_signal: OutboxSignal
    ban_lists: BanLists
    followers: Followers
    clock: Clock
    settings: AppSettings
    chat: ChatBook = field(default_factory=ChatBook)
