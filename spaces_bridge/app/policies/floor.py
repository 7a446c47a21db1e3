"""What follows from hands, offers, grants and mutes."""

from collections.abc import Iterator

from spaces_bridge.app import wishes as wish
from spaces_bridge.app.policies.people import unseat
from spaces_bridge.app.policies.words import name_of, redact, to_account, to_moderators
from spaces_bridge.core import events as ev
from spaces_bridge.core.live_space import LiveSpace
from spaces_bridge.core.naming import called


def requested(before: LiveSpace, event: ev.SpeakRequested) -> Iterator[wish.Wish]:
    """Ask every moderator but the one whose hand it is."""
    for moderator in before.moderators:
        if moderator != event.user:
            yield wish.PromptModerator(before.space, moderator, event.user, event.guest)


def withdrawn(before: LiveSpace, event: ev.SpeakRequestWithdrawn) -> Iterator[wish.Wish]:
    """Take the hand’s reaction away, and a guest who waited for the floor out of the room."""
    yield from redact(before.space, event.reaction, crowd=True)
    # a muted speaker's hand goes down and the floor stays
    if not before.role(event.user).may_speak:
        yield from unseat(before, event.user)


def denied(before: LiveSpace, event: ev.SpeakerDenied) -> Iterator[wish.Wish]:
    """Take the reaction away, and tell the person."""
    yield from redact(before.space, event.reaction)
    yield from unseat(before, event.user)
    text = f"Your request to speak in “{before.title}” was declined."
    yield from to_account(before, event.user, text)


def queue_cleared(before: LiveSpace, event: ev.QueueCleared) -> Iterator[wish.Wish]:
    """Take all reactions of hands away."""
    for reaction in event.reactions:
        yield from redact(before.space, reaction, crowd=True)


def approved(before: LiveSpace, event: ev.SpeakerApproved) -> Iterator[wish.Wish]:
    """Write the level, for guests once their ghost is in the room."""
    person = before.person(event.user)
    if person.guest:
        yield wish.SeatGuest(before.space, event.user, called(before, event.user))
    yield wish.WriteLevel(before.space, event.user, before.levels.speaker)
    yield from redact(before.space, event.reaction)


def grant_refused(before: LiveSpace, event: ev.GrantRefused) -> Iterator[wish.Wish]:
    """Tell the moderators, who may try again."""
    text = (
        f"The homeserver refused to give {event.user} the floor in “{before.title}”"
        f" ({event.reason}). Their hand is up again; approve once more to retry."
    )
    yield from to_moderators(before, text)
    yield from unseat(before, event.user)


def invited_to_speak(before: LiveSpace, event: ev.SpeakerInvited) -> Iterator[wish.Wish]:
    """Ask accounts by DM; guests have the page."""
    if not before.person(event.user).guest:
        yield wish.OfferToSpeak(before.space, event.user, event.by)


def invitation_declined(
    before: LiveSpace, event: ev.SpeakInvitationDeclined
) -> Iterator[wish.Wish]:
    """Tell whoever invited."""
    text = f"{name_of(before, event.user)} does not want to speak in “{before.title}” now."
    yield wish.TellUser(event.by, text)


def muted(before: LiveSpace, event: ev.SpeakerMuted) -> Iterator[wish.Wish]:
    """Tell accounts by DM; guests have the page."""
    text = f"A host has muted you in “{before.title}”. Raise your hand to ask to go on."
    yield from to_account(before, event.user, text)


def unmuted(before: LiveSpace, event: ev.SpeakerUnmuted) -> Iterator[wish.Wish]:
    """Tell accounts by DM, if they still have the floor."""
    if before.role(event.user).may_speak:
        text = f"You may switch your microphone on again in “{before.title}”."
        yield from to_account(before, event.user, text)
