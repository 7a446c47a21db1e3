"""The state of a live space, and how events change it.

``evolve`` cannot refuse: what may happen was decided in ``rules``. Who is on air is derived from
levels, membership, closings and open microphones, and stored nowhere.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import assert_never

from spaces_bridge.core import events as ev
from spaces_bridge.core.floor import RequestState, SpeakPolicy, SpeakRequest, queue
from spaces_bridge.core.ids import RoomId, SpaceId, UserId, UtteranceId
from spaces_bridge.core.roles import Levels, Role

CAPTIONS_KEPT = 50
"""Captions a newcomer is shown (the feed's ``hello``)."""


class Phase(StrEnum):
    """The life of a live space."""

    SCHEDULED = "scheduled"
    LIVE = "live"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody the live space knows. ``level`` is the own ``users`` entry, None without one."""

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
class LiveSpace:
    """One live space. Changed only by ``evolve``."""

    space: SpaceId
    slug: str
    title: str
    host: UserId
    created_at_ms: int
    private: bool
    speak_policy: SpeakPolicy
    levels: Levels
    max_speakers: int
    language: str
    captions: bool
    scheduled_at_ms: int | None = None
    community: RoomId | None = None
    room: RoomId | None = None
    phase: Phase = Phase.SCHEDULED
    started_at_ms: int | None = None
    ended_at_ms: int | None = None
    people: Mapping[UserId, Person] = field(default_factory=dict)
    requests: Mapping[UserId, SpeakRequest] = field(default_factory=dict)
    closing: frozenset[UserId] = frozenset()
    microphones: frozenset[UserId] = frozenset()
    reactions: Mapping[str, int] = field(default_factory=dict)
    caption_lines: tuple[CaptionLine, ...] = ()
    captioned_until_ms: Mapping[UserId, int] = field(default_factory=dict)

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
            and self.levels.role(person.level).may_speak
        )

    @property
    def on_air(self) -> frozenset[UserId]:
        """Those who are heard: they may speak and opened their microphone."""
        return frozenset(u for u in self.microphones if self.may_speak(u))

    @property
    def stage(self) -> tuple[Person, ...]:
        """Everybody with the floor, hosts first, then by name."""
        seated = [p for p in self.people.values() if p.joined and self.role(p.user).may_speak]
        return tuple(sorted(seated, key=lambda p: (-self.role(p.user), p.name, p.user)))

    @property
    def hands(self) -> tuple[SpeakRequest, ...]:
        """The hand queue."""
        return queue(self.requests)

    @property
    def moderators(self) -> tuple[UserId, ...]:
        """Host and co-hosts who are in the room."""
        return tuple(p.user for p in self.stage if self.role(p.user).may_moderate)

    @property
    def cohosts(self) -> tuple[UserId, ...]:
        return tuple(p.user for p in self.stage if self.role(p.user) is Role.COHOST)


def born(event: ev.SpaceCreated) -> LiveSpace:
    """The live space right after its creation."""
    host = Person(event.host, name=event.host_name)
    return LiveSpace(
        space=event.space,
        slug=event.slug,
        title=event.title,
        host=event.host,
        created_at_ms=event.at_ms,
        private=event.private,
        speak_policy=event.speak_policy,
        levels=event.levels,
        max_speakers=event.max_speakers,
        language=event.language,
        captions=event.captions,
        scheduled_at_ms=event.scheduled_at_ms,
        community=event.community,
        people={event.host: host},
    )


def replay(created: ev.SpaceCreated, events: Iterable[ev.Event]) -> LiveSpace:
    """The live space that a journal tells of."""
    space = born(created)
    for event in events:
        space = evolve(space, event)
    return space


def evolve(space: LiveSpace, event: ev.Event) -> LiveSpace:  # noqa: C901, PLR0912 - an arm per event
    """The live space after ``event``."""
    match event:
        case ev.RoomAttached():
            return replace(space, room=event.room)
        case ev.SpaceStarted():
            return replace(space, phase=Phase.LIVE, started_at_ms=event.at_ms)
        case ev.SpaceEnded():
            return replace(space, phase=Phase.ENDED, ended_at_ms=event.at_ms, requests={})
        case ev.PersonJoined():
            return _person(space, event.user, joined=True, name=event.name)
        case ev.PersonLeft():
            return _person(space, event.user, joined=False)
        case ev.LevelChanged():
            return _level_changed(space, event)
        case ev.LevelForfeited() | ev.PersonInvited():
            return space
        case ev.SpeakRequested():
            return _requested(space, event)
        case ev.SpeakRequestWithdrawn() | ev.SpeakerDenied():
            return _without_request(space, event.user)
        case ev.SpeakerApproved():
            return _request_state(space, event.user, RequestState.ACCEPTED)
        case ev.GrantRefused():
            return _request_state(space, event.user, RequestState.PENDING)
        case ev.FloorClosing():
            return replace(space, closing=space.closing | {event.user})
        case ev.MicrophoneOpened():
            return replace(space, microphones=space.microphones | {event.user})
        case ev.MicrophoneClosed():
            return replace(space, microphones=space.microphones - {event.user})
        case ev.UtteranceCaptioned():
            return _captioned(space, event)
        case ev.Reacted():
            count = space.reactions.get(event.emoji, 0) + 1
            return replace(space, reactions={**space.reactions, event.emoji: count})
        case _:
            assert_never(event)


def _person(
    space: LiveSpace,
    user: UserId,
    *,
    joined: bool | None = None,
    name: str | None = None,
    guest: bool | None = None,
) -> LiveSpace:
    old = space.person(user)
    new = replace(
        old,
        joined=old.joined if joined is None else joined,
        name=name or old.name,
        guest=old.guest if guest is None else guest,
    )
    return replace(space, people={**space.people, user: new})


def _level_changed(space: LiveSpace, event: ev.LevelChanged) -> LiveSpace:
    person = replace(space.person(event.user), level=event.level)
    space = replace(space, people={**space.people, event.user: person})
    if event.role.may_speak:
        return _without_request(space, event.user)
    return replace(space, closing=space.closing - {event.user})


def _requested(space: LiveSpace, event: ev.SpeakRequested) -> LiveSpace:
    space = _person(space, event.user, name=event.name, guest=event.guest)
    request = SpeakRequest(event.user, event.at_ms, reaction=event.reaction)
    return replace(space, requests={**space.requests, event.user: request})


def _without_request(space: LiveSpace, user: UserId) -> LiveSpace:
    return replace(space, requests={u: r for u, r in space.requests.items() if u != user})


def _request_state(space: LiveSpace, user: UserId, state: RequestState) -> LiveSpace:
    request = replace(space.requests[user], state=state)
    return replace(space, requests={**space.requests, user: request})


def _captioned(space: LiveSpace, event: ev.UtteranceCaptioned) -> LiveSpace:
    line = CaptionLine(
        event.utterance,
        event.speaker,
        event.name,
        event.start_ms,
        event.end_ms,
        event.text,
        event.language,
    )
    return replace(
        space,
        caption_lines=(*space.caption_lines, line)[-CAPTIONS_KEPT:],
        captioned_until_ms={**space.captioned_until_ms, event.speaker: event.end_ms},
    )
