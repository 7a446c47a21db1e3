"""What people on the page are told in words when something happens. Pure."""

from collections.abc import Iterator

from spaces_bridge.core import events as ev
from spaces_bridge.core.ids import UserId
from spaces_bridge.core.live_space import LiveSpace
from spaces_bridge.web.views import name_of


def everybody(space: LiveSpace, event: ev.Event) -> str | None:
    """A sentence for all pages."""
    match event:
        case ev.SpaceLocked():
            return "The room is locked: nobody new, no hands, no chat of listeners for now."
        case ev.SpaceUnlocked():
            return "The room is open again."
        case ev.HostMissed():
            return f"{name_of(space, space.host)} seems to be gone. Please wait a moment."
        case ev.HostChanged(user):
            return f"{name_of(space, user)} is the host now."
        case _:
            return None


def somebody(space: LiveSpace, event: ev.Event) -> Iterator[tuple[UserId, str]]:
    """Sentences for single people."""
    match event:
        case ev.SpeakerDenied(user):
            yield user, "The host said: not now. You can ask again later."
        case ev.QueueCleared(users=users):
            for user in users:
                yield user, "All hands were lowered. You can ask again later."
        case ev.SpeakerMuted(user):
            yield user, "A host has muted you. Raise your hand to ask to go on."
        case ev.SpeakerUnmuted(user):
            yield user, "You may switch your microphone on again."
        case ev.SpeakerInvited(user):
            yield user, "A host invites you to speak. Accept or decline below."
        case ev.SpeakInvitationDeclined(user, by):
            yield by, f"{name_of(space, user)} does not want to speak now."
        case _:
            return
