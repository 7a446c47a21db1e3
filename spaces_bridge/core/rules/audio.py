"""The rules of microphones, mutes and volumes."""

from collections.abc import Iterator

from spaces_bridge.core import commands as cmd
from spaces_bridge.core import events as ev
from spaces_bridge.core import refusals
from spaces_bridge.core.errors import Rejected
from spaces_bridge.core.ids import UserId
from spaces_bridge.core.limits import VOLUME_MAX
from spaces_bridge.core.live_space import LiveSpace
from spaces_bridge.core.roles import Role
from spaces_bridge.core.rules.common import (
    is_above,
    refuse_unless_above,
    refuse_unless_live,
    refuse_unless_moderator,
)


def no_floor() -> Rejected:
    """Return the refusal of people who would be heard without having the floor."""
    return Rejected("no_floor", "You do not have the floor. Ask to speak first.")


def refuse_unless_may_speak(space: LiveSpace, user: UserId) -> None:
    """Raise Rejected with the reason why the person's microphone cannot be opened now."""
    refuse_unless_live(space)
    if user in space.muted and space.role(user).may_speak:
        raise Rejected(
            "muted", "A host has muted you. Raise your hand to ask for your microphone."
        )
    if space.is_doubted(user):
        raise Rejected("checking", "Your floor is just being checked. Try again in a moment.")
    if not space.may_speak(user):
        raise no_floor()


def open_microphone(space: LiveSpace, command: cmd.OpenMicrophone) -> Iterator[ev.Event]:
    refuse_unless_may_speak(space, command.by)
    if command.by not in space.microphones:
        yield ev.MicrophoneOpened(command.by)


def close_microphone(space: LiveSpace, user: UserId, why: ev.MicrophoneEnd) -> Iterator[ev.Event]:
    if user in space.microphones:
        yield ev.MicrophoneClosed(user, why)


def suspect_loss(space: LiveSpace, command: cmd.SuspectLoss) -> Iterator[ev.Event]:
    """Shut the microphone and keep it shut until the homeserver was asked.

    Asking takes a while, and opening again must not be quicker.
    """
    user = command.user
    could = space.may_speak(user) or space.is_doubted(user)
    yield from close_microphone(space, user, ev.MicrophoneEnd.SUSPECTED)
    if could and (user, command.doubt) not in space.doubts:
        yield ev.FloorDoubted(user, command.doubt)


def mute_speaker(space: LiveSpace, command: cmd.MuteSpeaker) -> Iterator[ev.Event]:
    refuse_unless_moderator(space, command.by)
    refuse_unless_live(space)
    if not space.role(command.user).may_speak:
        raise refusals.not_speaker()
    refuse_unless_above(space, command.by, command.user)
    if command.user in space.muted:
        raise Rejected("already_muted", "That person is muted already.")
    yield from _mute(space, command.user, command.by)


def mute_all(space: LiveSpace, command: cmd.MuteAll) -> Iterator[ev.Event]:
    refuse_unless_moderator(space, command.by)
    refuse_unless_live(space)
    speakers = [p.user for p in space.stage if space.role(p.user) is Role.SPEAKER]
    below = [user for user in speakers if is_above(space, command.by, user)]
    loud = [user for user in below if user not in space.muted]
    if not loud:
        raise Rejected("nobody", "There is nobody left to mute.")
    for user in loud:
        yield from _mute(space, user, command.by)


def _mute(space: LiveSpace, user: UserId, by: UserId) -> Iterator[ev.Event]:
    yield from close_microphone(space, user, ev.MicrophoneEnd.MUTED)
    yield ev.SpeakerMuted(user, by)


def unmute_speaker(space: LiveSpace, command: cmd.UnmuteSpeaker) -> Iterator[ev.Event]:
    refuse_unless_moderator(space, command.by)
    if command.user not in space.muted:
        raise Rejected("not_muted", "No host has muted that person.")
    if command.user == command.by:
        raise Rejected("own_mute", "Another moderator has to lift your mute.")
    refuse_unless_above(space, command.by, command.user)
    request = space.requests.get(command.user)
    if request is not None and space.role(command.user).may_speak:
        yield ev.SpeakRequestWithdrawn(command.user, request.reaction)
    yield ev.SpeakerUnmuted(command.user, command.by)


def set_volume(space: LiveSpace, command: cmd.SetVolume) -> Iterator[ev.Event]:
    """Who may mute somebody may say how loud they are; who leaves the stage keeps it."""
    refuse_unless_moderator(space, command.by)
    refuse_unless_live(space)
    if not space.role(command.user).may_speak:
        raise refusals.not_speaker()
    refuse_unless_above(space, command.by, command.user)
    if command.percent is not None and not 0 <= command.percent <= VOLUME_MAX:
        raise Rejected(
            "bad_volume", "The volume is 0 to {most} percent, or automatic.", most=VOLUME_MAX
        )
    if command.percent != space.volumes.get(command.user):
        yield ev.VolumeSet(command.user, command.by, command.percent)
