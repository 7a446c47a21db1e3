"""The state of a live space, and what can be derived from it.

The people on air are derived from levels, membership, mutes, closings and open microphones, and
stored nowhere. `spaces_bridge.core.evolution` says how events change the state.
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
"""The number of captions a newcomer is shown (the feed's `hello`)."""

POSTS_KEPT = 5
"""The number of shared posts that stay pinned; a newer one takes the oldest one's place."""


class Phase(StrEnum):
    """The phase of a live space's life."""

    SCHEDULED = "scheduled"
    LIVE = "live"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class Person:
    """A person the live space knows. `level` is the own `users` entry, None without one."""

    user: UserId
    name: str = ""
    joined: bool = False
    guest: bool = False
    level: int | None = None


@dataclass(frozen=True, slots=True)
class CaptionLine:
    """A caption line: one captioned utterance; times count from the start of the live space."""

    utterance: UtteranceId
    speaker: UserId
    name: str
    start_ms: int
    end_ms: int
    text: str
    language: str


@dataclass(frozen=True, slots=True)
class Post:
    """A post: a shared link. `event`: the message of this room it is about, if there is one."""

    number: int
    url: str
    event: EventId | None
    by: UserId
    name: str
    at_ms: int


@dataclass(frozen=True, slots=True)
class LiveSpace:
    """The state of one live space, changed only by `spaces_bridge.core.evolution.evolve`."""

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
    """The moment at which the scheduled time was set."""
    moved_at_ms: tuple[int, ...] = ()
    """The last few moments at which the scheduled time was set anew."""
    plan_revision: int = 0
    """The number of revisions of the plan (time, title, host, called off), for calendars."""
    community: RoomId | None = None
    room: RoomId | None = None
    phase: Phase = Phase.SCHEDULED
    started_at_ms: int | None = None
    ended_at_ms: int | None = None
    people: Mapping[UserId, Person] = field(default_factory=dict)
    requests: Mapping[UserId, SpeakRequest] = field(default_factory=dict)
    asked_at_ms: Mapping[UserId, tuple[int, ...]] = field(default_factory=dict)
    """The last few moments at which each person raised the hand."""
    granted_at_ms: tuple[int, ...] = ()
    """The last few moments at which the floor was given without a host; guests count twice."""
    offers: Mapping[UserId, UserId] = field(default_factory=dict)
    """The people invited to speak, each with the person who invited them."""
    closing: frozenset[UserId] = frozenset()
    doubts: frozenset[tuple[UserId, Doubt]] = frozenset()
    """The hints of a lost floor that were not looked into yet."""
    muted: frozenset[UserId] = frozenset()
    """The people a moderator has muted; a lost floor ends no mute, only a moderator lifts it."""
    volumes: Mapping[UserId, int] = field(default_factory=dict)
    """How loud people are heard, in percent, as moderators set it; all others automatically."""
    microphones: frozenset[UserId] = frozenset()
    spoke: frozenset[UserId] = frozenset()
    """The people who have opened a microphone so far."""
    appointments: Mapping[UserId, Role] = field(default_factory=dict)
    """The roles we mean to give, until the homeserver holds their levels."""
    overruled: Mapping[UserId, int | None] = field(default_factory=dict)
    """The levels that the homeserver holds, and that live roles do not allow."""
    cohost_seniority: tuple[UserId, ...] = ()
    """The co-hosts, longest-serving first."""
    removed: Mapping[UserId, Removal] = field(default_factory=dict)
    locked: bool = False
    chat: bool = True
    guests: GuestPolicy = GuestPolicy.SPEAK
    host_left_page: bool = False
    host_missed_at_ms: int | None = None
    passed_over: frozenset[UserId] = frozenset()
    """The heirs whom the homeserver did not let take over from a missed host."""
    reminded: frozenset[UserId] = frozenset()
    """The people who asked to be reminded."""
    reminders_sent: frozenset[Reminder] = frozenset()
    posts: tuple[Post, ...] = ()
    posts_shared: int = 0
    hands_raised: int = 0
    reactions: Mapping[str, int] = field(default_factory=dict)
    caption_lines: tuple[CaptionLine, ...] = ()
    captions_said: int = 0
    captioned_until_ms: Mapping[UserId, int] = field(default_factory=dict)
    airtime_ms: Mapping[UserId, int] = field(default_factory=dict)
    """The time each speaker has spoken, as far as it was captioned."""

    def person(self, user: UserId) -> Person:
        """Return the person; one never heard of has an empty entry."""
        return self.people.get(user) or Person(user)

    def role(self, user: UserId) -> Role:
        """Return the role that the homeserver's level gives the person, whatever we intend."""
        return self.levels.role(self.person(user).level)

    def may_speak(self, user: UserId) -> bool:
        """Return whether the person's microphone may be open: this is the one definition of it."""
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
        """Return whether a hint that the person lost the floor was not looked into yet."""
        return any((user, doubt) in self.doubts for doubt in Doubt)

    @property
    def on_air(self) -> frozenset[UserId]:
        """The people who are heard: they may speak and opened their microphone."""
        return frozenset(u for u in self.microphones if self.may_speak(u))

    def is_drafted(self, user: UserId) -> bool:
        """Return whether the person's words are shown while they are being said."""
        return self.captions and user in self.microphones and self.may_speak(user)

    @property
    def stage(self) -> tuple[Person, ...]:
        """The people with the floor who are in the room, hosts first, then by name."""
        seated = [p for p in self.people.values() if p.joined and self.role(p.user).may_speak]
        return tuple(sorted(seated, key=lambda p: (-self.role(p.user), p.name, p.user)))

    @property
    def hands(self) -> tuple[SpeakRequest, ...]:
        """The hand queue in its order."""
        return queue(self.requests, self.queue_order, self.airtime_ms)

    @property
    def moderators(self) -> tuple[UserId, ...]:
        """The host and the co-hosts, as far as they are in the room."""
        return tuple(p.user for p in self.stage if self.role(p.user).may_moderate)

    @property
    def cohosts(self) -> tuple[UserId, ...]:
        return tuple(p.user for p in self.stage if self.role(p.user) is Role.COHOST)

    @property
    def listeners_may_write(self) -> bool:
        """True when people without the floor may write in the chat."""
        return self.chat and not self.locked

    @property
    def host_present(self) -> bool:
        """True when the host is in the room, has the level, and has not vanished from the page."""
        here = self.person(self.host).joined and self.role(self.host) is Role.HOST
        return here and (not self.host_left_page or self.host in self.microphones)

    def is_accepted(self, user: UserId) -> bool:
        """Return whether the person gets the floor as soon as the homeserver holds the level."""
        request = self.requests.get(user)
        return request is not None and request.state is RequestState.ACCEPTED

    def level_wanted(self, user: UserId) -> int | None:
        """Return the own level that live roles want the homeserver to hold; None: no entry.

        The level is the one the homeserver holds already unless we mean to change it.
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
        """The co-hosts who may take over from a host who is gone, longest-serving first."""
        return tuple(
            u
            for u in self.cohost_seniority
            if self.person(u).joined
            and not (u in self.removed or u in self.closing or u in self.passed_over)
        )
