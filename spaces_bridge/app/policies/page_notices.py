"""What pages say in words when something happens; ``now`` is the live space as it is by then."""

from collections.abc import Iterator

from spaces_bridge.app.policies.consequences import Notice
from spaces_bridge.core import events as ev
from spaces_bridge.core.ids import UserId
from spaces_bridge.core.live_space import LiveSpace
from spaces_bridge.core.naming import name_of
from spaces_bridge.core.sentences import say

# --- to everybody --------------------------------------------------------------------------------


def locked(_before: LiveSpace, _now: LiveSpace, _event: ev.SpaceLocked) -> Iterator[Notice]:
    text = "The room is locked: nobody new, no hands, no chat of listeners for now."
    yield None, say("room_locked", text)


def unlocked(_before: LiveSpace, _now: LiveSpace, _event: ev.SpaceUnlocked) -> Iterator[Notice]:
    yield None, say("room_open", "The room is open again.")


def host_missed(_before: LiveSpace, now: LiveSpace, _event: ev.HostMissed) -> Iterator[Notice]:
    text = "{name} seems to be gone. Please wait a moment."
    yield None, say("host_missed", text, name=name_of(now, now.host))


def host_changed(_before: LiveSpace, now: LiveSpace, event: ev.HostChanged) -> Iterator[Notice]:
    yield None, say("new_host", "{name} is the host now.", name=name_of(now, event.user))


# --- to those concerned --------------------------------------------------------------------------


def denied(_before: LiveSpace, _now: LiveSpace, event: ev.SpeakerDenied) -> Iterator[Notice]:
    text = "The host said: not now. You can ask again later."
    yield event.user, say("denied", text)


def queue_cleared(_before: LiveSpace, _now: LiveSpace, event: ev.QueueCleared) -> Iterator[Notice]:
    for user in event.users:
        text = "All hands were lowered. You can ask again later."
        yield user, say("hands_lowered", text)


def muted(_before: LiveSpace, _now: LiveSpace, event: ev.SpeakerMuted) -> Iterator[Notice]:
    text = "A host has muted you. Raise your hand to ask to go on."
    yield event.user, say("muted_by_host", text)


def unmuted(_before: LiveSpace, _now: LiveSpace, event: ev.SpeakerUnmuted) -> Iterator[Notice]:
    yield event.user, say("unmuted", "You may switch your microphone on again.")


def floor_closing(_before: LiveSpace, _now: LiveSpace, event: ev.FloorClosing) -> Iterator[Notice]:
    if event.end is ev.FloorEnd.REVOKED and event.by != event.user:
        yield _demoted(event.user)


def level_changed(before: LiveSpace, _now: LiveSpace, event: ev.LevelChanged) -> Iterator[Notice]:
    """A level that falls may be the echo of a turn that somebody ended here."""
    user = event.user
    falls = before.role(user).may_speak and not event.role.may_speak
    if falls and user not in before.closing:
        yield _demoted(user)


def _demoted(user: UserId) -> Notice:
    return user, say("demoted", "A host has ended your turn to speak. You can still listen.")


def invited_to_speak(
    _before: LiveSpace, _now: LiveSpace, event: ev.SpeakerInvited
) -> Iterator[Notice]:
    text = "A host invites you to speak. Accept or decline below."
    yield event.user, say("invited", text)


def invitation_declined(
    _before: LiveSpace, now: LiveSpace, event: ev.SpeakInvitationDeclined
) -> Iterator[Notice]:
    text = "{name} does not want to speak now."
    yield event.by, say("declined", text, name=name_of(now, event.user))
