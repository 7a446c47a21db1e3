"""The evolution of a live space: each event changes its state.

`evolve` cannot refuse an event: what may happen was decided in `rules`.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TypeVar, assert_never

from spaces_bridge.core import events as ev
from spaces_bridge.core.access import Removal
from spaces_bridge.core.floor import RequestState, SpeakRequest
from spaces_bridge.core.ids import UserId
from spaces_bridge.core.limits import GRANTS, HANDS_A_MINUTE, MOVES
from spaces_bridge.core.live_space import (
    CAPTIONS_KEPT,
    POSTS_KEPT,
    CaptionLine,
    LiveSpace,
    Person,
    Phase,
    Post,
)
from spaces_bridge.core.roles import Role

_K = TypeVar("_K")
_V = TypeVar("_V")


def born(event: ev.SpaceCreated) -> LiveSpace:
    """Return the live space as it is right after its creation."""
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
        max_cohosts=event.max_cohosts,
        queue_order=event.queue_order,
        scheduled_at_ms=event.scheduled_at_ms,
        planned_at_ms=event.at_ms,
        community=event.community,
        people={event.host: host},
    )


def replay(created: ev.SpaceCreated, events: Iterable[ev.Event]) -> LiveSpace:
    """Return the live space that a journal's events lead to."""
    space = born(created)
    for event in events:
        space = evolve(space, event)
    return space


# an arm per event, a line or one call in each
def evolve(space: LiveSpace, event: ev.Event) -> LiveSpace:  # noqa: C901, PLR0912, PLR0915
    """Return the live space as it is after `event`."""
    user: UserId
    match event:
        # --- the life of the live space
        case ev.RoomAttached():
            return replace(space, room=event.room)
        case ev.SpaceStarted():
            return replace(space, phase=Phase.LIVE, started_at_ms=event.at_ms)
        case ev.SpaceEnded():
            return _ended(space, event)
        case ev.SpaceRescheduled():
            return replace(
                _revised(space),
                scheduled_at_ms=event.scheduled_at_ms,
                planned_at_ms=event.at_ms,
                moved_at_ms=(*space.moved_at_ms, event.at_ms)[-MOVES:],
                reminders_sent=frozenset(),
            )
        case ev.SpaceRetitled(title):
            return replace(_revised(space), title=title)
        case ev.SpeakPolicyChanged(policy):
            return replace(space, speak_policy=policy)
        case ev.CaptionsSwitched():
            return replace(space, captions=event.on, language=event.language)
        case ev.ReminderWanted(user):
            return replace(space, reminded=space.reminded | {user})
        case ev.ReminderDropped(user):
            return replace(space, reminded=space.reminded - {user})
        case ev.ReminderDue(kind):
            return replace(space, reminders_sent=space.reminders_sent | {kind})
        case ev.HostLeftPage():
            return replace(space, host_left_page=True)
        case ev.HostMissed():
            return replace(space, host_missed_at_ms=event.at_ms)
        case ev.HostReturned():
            return replace(
                space, host_missed_at_ms=None, host_left_page=False, passed_over=frozenset()
            )
        # --- members and roles
        case ev.PersonJoined():
            return _joined(space, event)
        case ev.PersonLeft():
            return _person(space, event.user, joined=False)
        case ev.LevelChanged():
            return _level_changed(space, event)
        case ev.LevelOverruled():
            return replace(space, overruled={**space.overruled, event.user: event.seen})
        case ev.RoleAppointed():
            return _appointed(space, event)
        case ev.AppointmentEnded():
            return _appointment_ended(space, event)
        case ev.HostChanged():
            return replace(
                _revised(space),
                host=event.user,
                host_missed_at_ms=None,
                host_left_page=False,
                passed_over=frozenset(),
                muted=space.muted - {event.user},  # nobody is left to lift it
            )
        case ev.LevelForfeited() | ev.PersonInvited():
            return space
        # --- access
        case ev.PersonRemoved():
            return _removed(space, event)
        case ev.RemovalInForce(user):
            removal = replace(space.removed[user], in_force=True)
            return replace(space, removed={**space.removed, user: removal})
        case ev.PersonReadmitted():
            return replace(space, removed=_without(space.removed, event.user))
        case ev.SpaceLocked():
            return replace(space, locked=True)
        case ev.SpaceUnlocked():
            return replace(space, locked=False)
        case ev.ChatSwitched(on):
            return replace(space, chat=on)
        case ev.GuestsLimited(limit):
            return replace(space, guests=limit)
        # --- the floor
        case ev.SpeakRequested():
            return _requested(space, event)
        case ev.SpeakRequestWithdrawn() | ev.SpeakerDenied():
            return _without_request(space, event.user)
        case ev.SpeakerApproved():
            return _approved(space, event)
        case ev.GrantRefused():
            return _request_state(space, event.user, RequestState.PENDING)
        case ev.QueueCleared(users=users):
            left = {u: r for u, r in space.requests.items() if u not in users}
            return replace(space, requests=left)
        case ev.QueueReordered(order):
            return replace(space, queue_order=order)
        case ev.SpeakerInvited():
            return replace(space, offers={**space.offers, event.user: event.by})
        case ev.SpeakInvitationDeclined():
            return replace(space, offers=_without(space.offers, event.user))
        case ev.FloorClosing():
            return replace(
                space,
                closing=space.closing | {event.user},
                appointments=_without(space.appointments, event.user),
                overruled=_without(space.overruled, event.user),
            )
        case ev.FloorDoubted(user, doubt):
            return replace(space, doubts=space.doubts | {(user, doubt)})
        case ev.FloorLookedInto(user, doubt):
            return replace(space, doubts=space.doubts - {(user, doubt)})
        # --- sound
        case ev.SpeakerMuted():
            return replace(space, muted=space.muted | {event.user})
        case ev.SpeakerUnmuted():
            return replace(space, muted=space.muted - {event.user})
        case ev.VolumeSet(user, _, percent):
            others = _without(space.volumes, user)
            return replace(space, volumes=others if percent is None else {**others, user: percent})
        case ev.MicrophoneOpened(user):
            return replace(
                space, microphones=space.microphones | {user}, spoke=space.spoke | {user}
            )
        case ev.MicrophoneClosed():
            return replace(space, microphones=space.microphones - {event.user})
        # --- what is said and shown
        case ev.UtteranceCaptioned():
            return _captioned(space, event)
        case ev.Reacted():
            return _counted(space, {event.emoji: 1})
        case ev.ReactionsCounted(counts):
            return _counted(space, counts)
        case ev.PostShared():
            return _posted(space, event)
        case _:
            assert_never(event)


def _lowering(space: LiveSpace) -> Mapping[UserId, Role]:
    """Return the appointments that take a role away: they are carried out after the end, too."""
    return {user: to for user, to in space.appointments.items() if to < space.role(user)}


def _without(mapping: Mapping[_K, _V], key: _K) -> dict[_K, _V]:
    return {k: v for k, v in mapping.items() if k != key}


def _revised(space: LiveSpace) -> LiveSpace:
    return replace(space, plan_revision=space.plan_revision + 1)


def _ended(space: LiveSpace, event: ev.SpaceEnded) -> LiveSpace:
    called_off = space.started_at_ms is None
    return replace(
        _revised(space) if called_off else space,
        phase=Phase.ENDED,
        ended_at_ms=event.at_ms,
        requests={},
        offers={},
        appointments=_lowering(space),
    )


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


def _joined(space: LiveSpace, event: ev.PersonJoined) -> LiveSpace:
    # joining is a sign of life of the host
    left_page = space.host_left_page and event.user != space.host
    space = replace(space, host_left_page=left_page)
    return _person(space, event.user, joined=True, name=event.name)


def _appointed(space: LiveSpace, event: ev.RoleAppointed) -> LiveSpace:
    return replace(
        space,
        appointments={**space.appointments, event.user: event.role},
        overruled=_without(space.overruled, event.user),
        offers=_without(space.offers, event.user),
    )


def _appointment_ended(space: LiveSpace, event: ev.AppointmentEnded) -> LiveSpace:
    missed = space.host_missed_at_ms is not None
    failed_heir = missed and space.appointments.get(event.user) is Role.HOST
    return replace(
        space,
        appointments=_without(space.appointments, event.user),
        passed_over=space.passed_over | {event.user} if failed_heir else space.passed_over,
    )


def _level_changed(space: LiveSpace, event: ev.LevelChanged) -> LiveSpace:
    user, role = event.user, event.role
    person = replace(space.person(user), level=event.level)
    seniority = tuple(u for u in space.cohost_seniority if u != user)
    if role is Role.COHOST:
        served = user in space.cohost_seniority
        seniority = space.cohost_seniority if served else (*seniority, user)
    arrived = space.appointments.get(user) is role
    space = replace(
        space,
        people={**space.people, user: person},
        cohost_seniority=seniority,
        overruled=_without(space.overruled, user),
        appointments=_without(space.appointments, user) if arrived else space.appointments,
        offers=_without(space.offers, user) if role.may_speak else space.offers,
    )
    if role.may_speak:
        return _without_request(space, user)
    return replace(space, closing=space.closing - {user})


def _removed(space: LiveSpace, event: ev.PersonRemoved) -> LiveSpace:
    earlier = space.removed.get(event.user)
    removal = Removal(
        event.by,
        event.reason,
        event.blocked,
        in_force=event.in_force or (earlier is not None and earlier.in_force),
    )
    return replace(
        space,
        removed={**space.removed, event.user: removal},
        appointments=_without(space.appointments, event.user),
        offers=_without(space.offers, event.user),
        reminded=space.reminded - {event.user},
    )


def _requested(space: LiveSpace, event: ev.SpeakRequested) -> LiveSpace:
    space = _person(space, event.user, name=event.name, guest=event.guest)
    request = SpeakRequest(
        event.user, event.at_ms, reaction=event.reaction, promised=event.promised
    )
    asked = (*space.asked_at_ms.get(event.user, ()), event.at_ms)[-HANDS_A_MINUTE:]
    return replace(
        space,
        requests={**space.requests, event.user: request},
        asked_at_ms={**space.asked_at_ms, event.user: asked},
        hands_raised=space.hands_raised + 1,
    )


def _without_request(space: LiveSpace, user: UserId) -> LiveSpace:
    return replace(space, requests=_without(space.requests, user))


def _approved(space: LiveSpace, event: ev.SpeakerApproved) -> LiveSpace:
    if event.by is None:
        # a guest's ghost joins and leaves the room, too
        times = 2 if space.person(event.user).guest else 1
        granted = (*space.granted_at_ms, *[event.at_ms] * times)[-GRANTS:]
        space = replace(space, granted_at_ms=granted)
    return _request_state(space, event.user, RequestState.ACCEPTED)


def _request_state(space: LiveSpace, user: UserId, state: RequestState) -> LiveSpace:
    # a person who accepted an invitation to speak has raised no hand
    request = space.requests.get(user) or SpeakRequest(user, asked_at_ms=0)
    return replace(
        space,
        requests={**space.requests, user: replace(request, state=state, promised=False)},
        overruled=_without(space.overruled, user),
        offers=_without(space.offers, user),
    )


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
    spoken_ms = space.airtime_ms.get(event.speaker, 0) + event.end_ms - event.start_ms
    return replace(
        space,
        caption_lines=(*space.caption_lines, line)[-CAPTIONS_KEPT:],
        captions_said=space.captions_said + 1,
        captioned_until_ms={**space.captioned_until_ms, event.speaker: event.end_ms},
        airtime_ms={**space.airtime_ms, event.speaker: spoken_ms},
    )


def _counted(space: LiveSpace, counts: Mapping[str, int]) -> LiveSpace:
    return replace(space, reactions=dict(Counter(space.reactions) + Counter(counts)))


def _posted(space: LiveSpace, event: ev.PostShared) -> LiveSpace:
    post = Post(event.number, event.url, event.event, event.by, event.name, event.at_ms)
    return replace(
        space, posts=(*space.posts, post)[-POSTS_KEPT:], posts_shared=space.posts_shared + 1
    )
