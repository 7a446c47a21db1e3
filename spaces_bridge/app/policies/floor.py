"""The consequences of floor events: hands, invitations to speak, grants and their ends."""

from collections.abc import Iterator
from typing import assert_never

from spaces_bridge.app import tasks
from spaces_bridge.app.policies.common import (
    ALL,
    NOBODY,
    STAGE,
    UNSEEN,
    demoted,
    end_microphone,
    name_in_room,
    redact,
    take_level,
    to_account,
    to_moderators,
    unseat,
)
from spaces_bridge.app.policies.consequences import Consequences, Notice, Stale, row
from spaces_bridge.core import events as ev
from spaces_bridge.core.display_names import called, name_of
from spaces_bridge.core.live_space import LiveSpace
from spaces_bridge.core.sentences import say


def consequences_of(event: ev.FloorEvent) -> Consequences:  # noqa: C901 - an arm per event
    """Return what follows from `event`."""
    match event:
        case ev.SpeakRequested():
            return row(event, Stale.CARD, STAGE, (event.user,), tasks=_requested_tasks)
        case ev.SpeakRequestWithdrawn():
            return row(event, Stale.CARD, STAGE, (event.user,), tasks=_withdrawn_tasks)
        case ev.SpeakerApproved():
            return row(event, Stale.CARD, STAGE, (event.user,), tasks=_approved_tasks)
        case ev.SpeakerDenied():
            return row(
                event,
                Stale.CARD,
                STAGE,
                (event.user,),
                tasks=_denied_tasks,
                notices=_denied_notices,
            )
        case ev.GrantRefused():
            return row(event, Stale.CARD, STAGE, (event.user,), tasks=_refused_tasks)
        case ev.QueueCleared():
            return row(
                event, Stale.CARD, STAGE, ALL, tasks=_cleared_tasks, notices=_cleared_notices
            )
        case ev.QueueReordered():
            return row(event, Stale.CARD, STAGE, NOBODY)
        case ev.SpeakerInvited():
            return row(
                event,
                Stale.CARD,
                STAGE,
                (event.user,),
                tasks=_invited_tasks,
                notices=_invited_notices,
            )
        case ev.SpeakInvitationDeclined():
            return row(
                event,
                Stale.CARD,
                STAGE,
                (event.user,),
                tasks=_declined_tasks,
                notices=_declined_notices,
            )
        case ev.FloorClosing():
            return row(
                event,
                Stale.CARD,
                STAGE,
                (event.user,),
                tasks=_closing_tasks,
                calls=end_microphone,
                notices=_closing_notices,
            )
        case ev.FloorDoubted() | ev.FloorLookedInto():
            return row(event, Stale.NOTHING, UNSEEN, (event.user,))
        case _:
            assert_never(event)


# --- hands ---------------------------------------------------------------------------------------


def _requested_tasks(before: LiveSpace, event: ev.SpeakRequested) -> Iterator[tasks.OutboxTask]:
    for moderator in before.moderators:
        if moderator != event.user:
            yield tasks.PromptModerator(before.space, moderator, event.user, event.guest)


def _withdrawn_tasks(
    before: LiveSpace, event: ev.SpeakRequestWithdrawn
) -> Iterator[tasks.OutboxTask]:
    yield from redact(before.space, event.reaction, crowd=True)
    # a muted speaker's hand goes down and the floor stays
    if not before.role(event.user).may_speak:
        yield from unseat(before, event.user)


def _approved_tasks(before: LiveSpace, event: ev.SpeakerApproved) -> Iterator[tasks.OutboxTask]:
    person = before.person(event.user)
    if person.guest:
        yield tasks.SeatGuest(before.space, event.user, called(before, event.user))
    yield tasks.WriteLevel(before.space, event.user, before.levels.speaker)
    yield from redact(before.space, event.reaction)


def _denied_tasks(before: LiveSpace, event: ev.SpeakerDenied) -> Iterator[tasks.OutboxTask]:
    yield from redact(before.space, event.reaction)
    yield from unseat(before, event.user)
    text = f"Your request to speak in “{before.title}” was declined."
    yield from to_account(before, event.user, text)


def _denied_notices(
    _before: LiveSpace, _now: LiveSpace, event: ev.SpeakerDenied
) -> Iterator[Notice]:
    yield event.user, say("denied", "The host said: not now. You can ask again later.")


def _refused_tasks(before: LiveSpace, event: ev.GrantRefused) -> Iterator[tasks.OutboxTask]:
    text = (
        f"The homeserver refused to give {event.user} the floor in “{before.title}”"
        f" ({event.reason}). Their hand is up again; approve once more to retry."
    )
    yield from to_moderators(before, text)
    yield from unseat(before, event.user)


def _cleared_tasks(before: LiveSpace, event: ev.QueueCleared) -> Iterator[tasks.OutboxTask]:
    for reaction in event.reactions:
        yield from redact(before.space, reaction, crowd=True)


def _cleared_notices(
    _before: LiveSpace, _now: LiveSpace, event: ev.QueueCleared
) -> Iterator[Notice]:
    for user in event.users:
        text = "All hands were lowered. You can ask again later."
        yield user, say("hands_lowered", text)


# --- invitations to speak ------------------------------------------------------------------------


def _invited_tasks(before: LiveSpace, event: ev.SpeakerInvited) -> Iterator[tasks.OutboxTask]:
    if not before.person(event.user).guest:
        yield tasks.OfferToSpeak(before.space, event.user, event.by)


def _invited_notices(
    _before: LiveSpace, _now: LiveSpace, event: ev.SpeakerInvited
) -> Iterator[Notice]:
    text = "A host invites you to speak. Accept or decline below."
    yield event.user, say("invited", text)


def _declined_tasks(
    before: LiveSpace, event: ev.SpeakInvitationDeclined
) -> Iterator[tasks.OutboxTask]:
    name = name_in_room(before, event.user)
    yield tasks.TellUser(event.by, f"{name} does not want to speak in “{before.title}” now.")


def _declined_notices(
    _before: LiveSpace, now: LiveSpace, event: ev.SpeakInvitationDeclined
) -> Iterator[Notice]:
    text = "{name} does not want to speak now."
    yield event.by, say("declined", text, name=name_of(now, event.user))


# --- the end of a floor --------------------------------------------------------------------------


def _closing_tasks(before: LiveSpace, event: ev.FloorClosing) -> Iterator[tasks.OutboxTask]:
    yield from take_level(before, event.user)


def _closing_notices(
    _before: LiveSpace, _now: LiveSpace, event: ev.FloorClosing
) -> Iterator[Notice]:
    """Tell a person whose floor somebody else took; one who gave it back knows."""
    if event.end is ev.FloorEnd.REVOKED and event.by != event.user:
        yield demoted(event.user)
