"""What follows from hands, offers, grants and mutes."""

from collections.abc import Iterator

from spaces_bridge.app import wishes as wish
from spaces_bridge.app.policies.people import unseat
from spaces_bridge.app.policies.words import name_of, redact, to_account, to_moderators
from spaces_bridge.core import events as ev
from spaces_bridge.core.live_space import LiveSpace
from spaces_bridge.core.naming import called


def wishes(before: LiveSpace, event: ev.Event) -> Iterator[wish.Wish]:  # noqa: C901, PLR0912
    space = before.space
    match event:
        case ev.SpeakRequested():
            for moderator in before.moderators:
                if moderator != event.user:
                    yield wish.PromptModerator(space, moderator, event.user, event.guest)
        case ev.SpeakRequestWithdrawn():
            yield from redact(space, event.reaction, crowd=True)
            yield from _unseat_without_floor(before, event)
        case ev.SpeakerDenied():
            yield from redact(space, event.reaction)
            yield from unseat(before, event.user)
            text = f"Your request to speak in “{before.title}” was declined."
            yield from to_account(before, event.user, text)
        case ev.QueueCleared():
            for reaction in event.reactions:
                yield from redact(space, reaction, crowd=True)
        case ev.SpeakerApproved():
            yield from _grant(before, event)
        case ev.GrantRefused():
            yield from _tell_of_refusal(before, event)
            yield from unseat(before, event.user)
        case ev.SpeakerInvited():
            if not before.person(event.user).guest:
                yield wish.OfferToSpeak(space, event.user, event.by)
        case ev.SpeakInvitationDeclined():
            text = f"{name_of(before, event.user)} does not want to speak in “{before.title}” now."
            yield wish.TellUser(event.by, text)
        case ev.SpeakerMuted():
            text = f"A host has muted you in “{before.title}”. Raise your hand to ask to go on."
            yield from to_account(before, event.user, text)
        case ev.SpeakerUnmuted():
            if before.role(event.user).may_speak:
                text = f"You may switch your microphone on again in “{before.title}”."
                yield from to_account(before, event.user, text)
        case _:
            return


def _unseat_without_floor(
    before: LiveSpace, event: ev.SpeakRequestWithdrawn
) -> Iterator[wish.Wish]:
    # a muted speaker's hand goes down and the floor stays
    if not before.role(event.user).may_speak:
        yield from unseat(before, event.user)


def _grant(before: LiveSpace, event: ev.SpeakerApproved) -> Iterator[wish.Wish]:
    person = before.person(event.user)
    if person.guest:
        yield wish.SeatGuest(before.space, event.user, called(before, event.user))
    yield wish.WriteLevel(before.space, event.user, before.levels.speaker)
    yield from redact(before.space, event.reaction)


def _tell_of_refusal(before: LiveSpace, event: ev.GrantRefused) -> Iterator[wish.Wish]:
    text = (
        f"The homeserver refused to give {event.user} the floor in “{before.title}”"
        f" ({event.reason}). Their hand is up again; approve once more to retry."
    )
    yield from to_moderators(before, text)
