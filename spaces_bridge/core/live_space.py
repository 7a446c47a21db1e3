"""The state of a live space, and what follows from it.

Who is on air is derived from levels, membership, mutes, closings and open microphones, and stored
nowhere. `spaces_bridge.core.evolution` says how events change the state.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from spaces_bridge.core.access import GuestPolicy, Removal
from spaces_bridge.core.events import Reminder
from spaces_bridge.core.floor import (
    Doubt,
    QueueOrder,
    RequestState,
    SpeakPolicy,
    SpeakRequest,
    queue,
)
from spaces_bridge.core.ids import EventId, RoomId, SpaceId, UserId, UtteranceId
from spaces_bridge.core.roles import Role, RoleLevels

CAPTIONS_KEPT = 50
"""Captions a newcomer is shown (the feed's `hello`)."""

POSTS_KEPT = 5
"""Shared posts that stay pinned; a newer one takes the oldest one's place."""


class Phase(StrEnum):
    """The life of a live space."""

    SCHEDULED = "scheduled"
    LIVE = "live"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody the live space knows. `level` is the own `users` entry, None without one."""

    user: UserId
    name: str = ""
    joined: bool = False
    guest: bool = False
    level: int | None = None


@dataclass(frozen=True, slots=True)
class CaptionLine:
    """One captioned utterance; times count from the start of the live space."""

    utterance: UtteranceId
    speaker: UserId
    name: str
    start_ms: int
    end_ms: int
    text: str
    language: str


@dataclass(frozen=True, slots=True)
class Post:
    """A shared link. `event`: the message of this room it is about, if it is about one."""

    number: int
    url: str
    event: EventId | None
    by: UserId
    name: str
    at_ms: int


@dataclass(frozen=True, slots=True)
class LiveSpace:
    """One live space. Changed only by `spaces_bridge.core.evolution.evolve`."""

    space: SpaceId
    slug: str
    title: str
    host: UserId
    created_at_ms: int
    private: bool
    speak_policy: SpeakPolicy
    levels: RoleLevels
    max_speakers: int
    language: str
    captions: bool
    max_cohosts: int = 2
    queue_order: QueueOrder = QueueOrder.ARRIVAL
    scheduled_at_ms: int | None = None
    planned_at_ms: int = 0
    """When the time was set."""
    moved_at_ms: tuple[int, ...] = ()
    """When it was set anew, the last few times."""
    plan_revision: int = 0
    """How often its plan was revised (time, title, host, called off): what calendars follow."""
    community: RoomId | None = None
    room: RoomId | None = None
    phase: Phase = Phase.SCHEDULED
    started_at_ms: int | None = None
    ended_at_ms: int | None = None
    people: Mapping[UserId, Person] = field(default_factory=dict)
    requests: Mapping[UserId, SpeakRequest] = field(default_factory=dict)
    asked_at_ms: Mapping[UserId, tuple[int, ...]] = field(default_factory=dict)
    """When somebody raised the hand, the last few times."""
    granted_at_ms: tuple[int, ...] = ()
    """When the floor was given without a host, the last few times; guests count twice."""
    offers: Mapping[UserId, UserId] = field(default_factory=dict)
    """Who was invited to speak, and by whom."""
    closing: frozenset[UserId] = frozenset()
    doubts: frozenset[tuple[UserId, Doubt]] = frozenset()
    """Hints of a lost floor that were not looked into yet."""
    muted: frozenset[UserId] = frozenset()
    """Muted by a moderator; kept over a loss of the floor, lifted by a moderator alone."""
    microphones: frozenset[UserId] = frozenset()
    spoke: frozenset[UserId] = frozenset()
    """Who has opened a microphone so far."""
    appointments: Mapping[UserId, Role] = field(default_factory=dict)
    """Roles we mean to give, until the homeserver holds their levels."""
    overruled: Mapping[UserId, int | None] = field(default_factory=dict)
    """Levels that the homeserver holds, and that live roles do not allow."""
    cohost_seniority: tuple[UserId, ...] = ()
    """Co-hosts, longest-serving first."""
    removed: Mapping[UserId, Removal] = field(default_factory=dict)
    locked: bool = False
    chat: bool = True
    guests: GuestPolicy = GuestPolicy.SPEAK
    host_left_page: bool = False
    host_missed_at_ms: int | None = None
    passed_over: frozenset[UserId] = frozenset()
    """Heirs whom the homeserver did not let take over from a missed host."""
    reminded: frozenset[UserId] = frozenset()
    """Who asked to be reminded."""
    reminders_sent: frozenset[Reminder] = frozenset()
    posts: tuple[Post, ...] = ()
    posts_shared: int = 0
    hands_raised: int = 0
    reactions: Mapping[str, int] = field(default_factory=dict)
    caption_lines: tuple[CaptionLine, ...] = ()
    captions_said: int = 0
    captioned_until_ms: Mapping[UserId, int] = field(default_factory=dict)
    airtime_ms: Mapping[UserId, int] = field(default_factory=dict)
    """How long each speaker has spoken, as far as it was captioned."""

    def person(self, user: UserId) -> Person:
        """The person, also one never heard of."""
        return self.people.get(user) or Person(user)

    def role(self, user: UserId) -> Role:
        """What the homeserver's level says, whatever we intend."""
        return self.levels.role(self.person(user).level)

    def may_speak(self, user: UserId) -> bool:
        """Whether the person's microphone may be open: the one definition of it."""
        person = self.person(user)
        return (
            self.phase is Phase.LIVE
            and person.joined
            and user not in self.closing
            and user not in self.muted
            and user not in self.removed
            and not self.is_doubted(user)
            and self.levels.role(person.level).may_speak
        )

    def is_doubted(self, user: UserId) -> bool:
        """Whether a hint that the person lost the floor was not looked into yet."""
        return any((user, doubt) in self.doubts for doubt in Doubt)

    @property
    def on_air(self) -> frozenset[UserId]:
        """Those who are heard: they may speak and opened their microphone."""
        return frozenset(u for u in self.microphones if self.may_speak(u))

    def is_drafted(self, user: UserId) -> bool:
        """Whether the person's words are shown while they are being said."""
        return self.captions and user in self.microphones and self.may_speak(user)

    @property
    def stage(self) -> tuple[Person, ...]:
        """Everybody with the floor, hosts first, then by name."""
        seated = [p for p in self.people.values() if p.joined and self.role(p.user).may_speak]
        return tuple(sorted(seated, key=lambda p: (-self.role(p.user), p.name, p.user)))

    @property
    def hands(self) -> tuple[SpeakRequest, ...]:
        """The hand queue."""
        return queue(self.requests, self.queue_order, self.airtime_ms)

    @property
    def moderators(self) -> tuple[UserId, ...]:
        """Host and co-hosts who are in the room."""
        return tuple(p.user for p in self.stage if self.role(p.user).may_moderate)

    @property
    def cohosts(self) -> tuple[UserId, ...]:
        return tuple(p.user for p in self.stage if self.role(p.user) is Role.COHOST)

    @property
    def listeners_may_write(self) -> bool:
        """Whether people without the floor may chat."""
        return self.chat and not self.locked

    @property
    def host_present(self) -> bool:
        """Whether somebody hosts: in the room, with the level, and not vanished from the page."""
        here = self.person(self.host).joined and self.role(self.host) is Role.HOST
        return here and (not self.host_left_page or self.host in self.microphones)

    def is_accepted(self, user: UserId) -> bool:
        """Whether the person is to get the floor as soon as the homeserver holds the level."""
        request = self.requests.get(user)
        return request is not None and request.state is RequestState.ACCEPTED

    def level_wanted(self, user: UserId) -> int | None:
        """The own level that live roles want the homeserver to hold; None: no entry.

        It is the one the homeserver holds already unless we mean to change it.
        """
        if user in self.removed or user in self.closing:
            return None
        appointed = self.appointments.get(user)
        if appointed is not None:
            return self.levels.of(appointed)
        if self.is_accepted(user):
            return self.levels.speaker
        person = self.person(user)
        return person.level if person.joined or user == self.host else None

    @property
    def heirs(self) -> tuple[UserId, ...]:
        """Co-hosts who may take over from a host who is gone, longest-serving first."""
        return tuple(
            u
            for u in self.cohost_seniority
            if self.person(u).joined
            and not (u in self.removed or u in self.closing or u in self.passed_over)
        )
