"""What people on the page are told in words when something happens. Pure."""

from collections.abc import Iterator

from spaces_bridge.core import events as ev
from spaces_bridge.core.ids import UserId
from spaces_bridge.core.live_space import LiveSpace
from spaces_bridge.core.sentences import Sentence, say
from spaces_bridge.web.views import name_of


def everybody(space: LiveSpace, event: ev.Event) -> Sentence | None:
    """A sentence for all pages."""
    match event:
        case ev.SpaceLocked():
            text = "The room is locked: nobody new, no hands, no chat of listeners for now."
            return say("room_locked", text)
        case ev.SpaceUnlocked():
            return say("room_open", "The room is open again.")
        case ev.HostMissed():
            text = "{name} seems to be gone. Please wait a moment."
            return say("host_missed", text, name=name_of(space, space.host))
        case ev.HostChanged(user):
            return say("new_host", "{name} is the host now.", name=name_of(space, user))
        case _:
            return None


def somebody(
    before: LiveSpace, space: LiveSpace, event: ev.Event
) -> Iterator[tuple[UserId, Sentence]]:
    """Sentences for single people; ``before`` the event, and ``space`` as it is now."""
    match event:
        case ev.SpeakerDenied(user):
            yield user, say("denied", "The host said: not now. You can ask again later.")
        case ev.QueueCleared(users=users):
            for user in users:
                text = "All hands were lowered. You can ask again later."
                yield user, say("hands_lowered", text)
        case ev.SpeakerMuted(user):
            text = "A host has muted you. Raise your hand to ask to go on."
            yield user, say("muted_by_host", text)
        case ev.SpeakerUnmuted(user):
            yield user, say("unmuted", "You may switch your microphone on again.")
        case ev.FloorClosing(user) | ev.LevelChanged(user) if _is_demoted(before, event):
            text = "A host has ended your turn to speak. You can still listen."
            yield user, say("demoted", text)
        case ev.SpeakerInvited(user):
            text = "A host invites you to speak. Accept or decline below."
            yield user, say("invited", text)
        case ev.SpeakInvitationDeclined(user, by):
            text = "{name} does not want to speak now."
            yield by, say("declined", text, name=name_of(space, user))
        case _:
            return


def _is_demoted(before: LiveSpace, event: ev.FloorClosing | ev.LevelChanged) -> bool:
    """Whether somebody else ends the turn; a level that falls may be the echo of such an end."""
    if isinstance(event, ev.FloorClosing):
        return event.end is ev.FloorEnd.REVOKED and event.by != event.user
    user = event.user
    falls = before.role(user).may_speak and not event.role.may_speak
    return falls and user not in before.closing
