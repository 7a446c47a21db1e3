"""The rules of a live space: which command leads to which events, and which is refused.

Each rule is a generator: refusals first, facts last. ``decide`` runs it to its end before anything
happens, so a refusal half-way leaves nothing half done.
"""

from collections.abc import Iterable, Iterator, Mapping
from functools import reduce
from typing import assert_never

from spaces_bridge.core import commands as cmd
from spaces_bridge.core import events as ev
from spaces_bridge.core.errors import Rejected
from spaces_bridge.core.floor import RequestState, SpeakPolicy
from spaces_bridge.core.ids import UserId
from spaces_bridge.core.live_space import LiveSpace, Phase, evolve

EMOJI_MAX = 50
"""Different emoji counted in one live space; everybody is sent all counts."""

TITLE_MAX = 200
"""Characters a title may have."""


def create(command: cmd.CreateSpace) -> ev.SpaceCreated:
    """The first event of a new live space."""
    title = " ".join(command.title.split())
    if not title:
        raise Rejected("no_title", "A live space needs a title: `create TITLE`.")
    if len(title) > TITLE_MAX:
        raise Rejected("title_too_long", f"The title is longer than {TITLE_MAX} characters.")
    if command.scheduled_at_ms is not None and command.scheduled_at_ms < command.at_ms:
        raise Rejected("in_the_past", "That time is in the past. Name one that is to come.")
    return ev.SpaceCreated(
        space=command.space,
        slug=command.slug,
        title=title,
        host=command.by,
        host_name=command.host_name,
        at_ms=command.at_ms,
        private=command.private,
        speak_policy=command.speak_policy,
        scheduled_at_ms=command.scheduled_at_ms,
        levels=command.levels,
        max_speakers=command.max_speakers,
        language=command.language,
        captions=command.captions,
        community=command.community,
    )


def decide(space: LiveSpace, command: cmd.Command) -> list[ev.Event]:
    """The events that ``command`` leads to; ``Rejected`` when the rules refuse it."""
    return list(_rule(space, command))


# an arm per command, one call in each
def _rule(space: LiveSpace, command: cmd.Command) -> Iterator[ev.Event]:  # noqa: C901, PLR0912
    match command:
        case cmd.AttachRoom():
            return _attach_room(space, command)
        case cmd.StartSpace():
            return _start_space(space, command)
        case cmd.EndSpace():
            return _end_space(space, command)
        case cmd.RequestToSpeak():
            return _request_to_speak(space, command)
        case cmd.CancelRequest():
            return _cancel_request(space, command)
        case cmd.ApproveSpeaker():
            return _approve_speaker(space, command)
        case cmd.DenySpeaker():
            return _deny_speaker(space, command)
        case cmd.DemoteSpeaker():
            return _demote_speaker(space, command)
        case cmd.LeaveStage():
            return _leave_stage(space, command)
        case cmd.OpenMicrophone():
            return _open_microphone(space, command)
        case cmd.CloseMicrophone():
            return _close_microphone(space, command.by, ev.MicrophoneEnd.OWN)
        case cmd.SuspectLoss():
            return _close_microphone(space, command.user, ev.MicrophoneEnd.SUSPECTED)
        case cmd.ObserveLevels():
            return _then_shut(space, _observe_levels(space, command.levels, command.settled))
        case cmd.ObserveMember():
            return _then_shut(space, _observe_member(space, command))
        case cmd.ObserveRoom():
            return _then_shut(space, _observe_room(space, command))
        case cmd.ObserveRefusedGrant():
            return _observe_refused_grant(space, command)
        case cmd.CaptionUtterance():
            return _caption_utterance(space, command)
        case cmd.React():
            return _react(space, command)
        case cmd.InvitePerson():
            return _invite_person(space, command)
        case _:
            assert_never(command)


def _attach_room(space: LiveSpace, command: cmd.AttachRoom) -> Iterator[ev.Event]:
    if space.room is None:
        yield ev.RoomAttached(command.room)


def _start_space(space: LiveSpace, command: cmd.StartSpace) -> Iterator[ev.Event]:
    if not _is_host(space, command.by):
        raise Rejected("not_host", "Only the host can start this live space.")
    _refuse_if_ended(space)
    if space.phase is Phase.LIVE:
        raise Rejected("already_live", "This live space is live already.")
    if space.room is None:
        raise Rejected("no_room_yet", "The room is still being made. Try again in a moment.")
    yield ev.SpaceStarted(command.by, command.at_ms)


def _end_space(space: LiveSpace, command: cmd.EndSpace) -> Iterator[ev.Event]:
    if command.by is not None and not _is_host(space, command.by):
        raise Rejected("not_host", "Only the host can end this live space.")
    _refuse_if_ended(space)
    for user in sorted(space.microphones):
        yield ev.MicrophoneClosed(user, ev.MicrophoneEnd.SPACE_ENDED)
    yield ev.SpaceEnded(command.by, command.at_ms, command.reason)


def _request_to_speak(space: LiveSpace, command: cmd.RequestToSpeak) -> Iterator[ev.Event]:
    _refuse_unless_live(space)
    if command.by in space.closing:
        raise Rejected("closing", "Your floor is just being taken back. Ask again in a moment.")
    if space.role(command.by).may_speak:
        raise Rejected("has_floor", "You have the floor already: open your microphone.")
    if command.by in space.requests:
        raise Rejected("already_asked", "Your hand is up already.")
    if not command.guest and not space.person(command.by).joined:
        raise Rejected("not_joined", "Join the room first, then ask to speak.")
    if space.speak_policy is SpeakPolicy.INVITED:
        raise Rejected("by_invitation", "Only people the host invites speak here.")
    yield ev.SpeakRequested(
        command.by, command.at_ms, command.name, command.guest, command.reaction
    )
    if space.speak_policy is SpeakPolicy.EVERYONE and _places_left(space) > 0:
        yield ev.SpeakerApproved(command.by, by=None, reaction=command.reaction)


def _cancel_request(space: LiveSpace, command: cmd.CancelRequest) -> Iterator[ev.Event]:
    request = space.requests.get(command.by)
    if request is None:
        raise Rejected("no_hand", "Your hand is not up.")
    left = None if command.reaction_gone else request.reaction
    yield ev.SpeakRequestWithdrawn(command.by, left)
    if request.state is RequestState.ACCEPTED:
        yield ev.FloorClosing(command.by, command.by, ev.FloorEnd.RELEASED)


def _approve_speaker(space: LiveSpace, command: cmd.ApproveSpeaker) -> Iterator[ev.Event]:
    _refuse_unless_moderator(space, command.by)
    _refuse_unless_live(space)
    request = space.requests.get(command.listener)
    if request is None:
        raise Rejected("no_hand", "That person has not asked to speak.")
    if request.state is RequestState.ACCEPTED:
        raise Rejected("already_approved", "That person is approved already.")
    if _places_left(space) <= 0:
        raise Rejected(
            "stage_full",
            f"The stage is full ({space.max_speakers} speakers). Take somebody's floor first.",
        )
    yield ev.SpeakerApproved(command.listener, command.by, request.reaction)


def _deny_speaker(space: LiveSpace, command: cmd.DenySpeaker) -> Iterator[ev.Event]:
    _refuse_unless_moderator(space, command.by)
    request = space.requests.get(command.listener)
    if request is None or request.state is not RequestState.PENDING:
        raise Rejected("no_hand", "That person has no hand up.")
    yield ev.SpeakerDenied(command.listener, command.by, request.reaction)


def _demote_speaker(space: LiveSpace, command: cmd.DemoteSpeaker) -> Iterator[ev.Event]:
    _refuse_unless_moderator(space, command.by)
    target = space.role(command.speaker)
    request = space.requests.get(command.speaker)
    accepted = request is not None and request.state is RequestState.ACCEPTED
    if not target.may_speak and not accepted:
        raise Rejected("not_speaker", "That person does not have the floor.")
    if target >= space.role(command.by):
        raise Rejected("too_high", "You cannot take the floor from somebody of your own rank.")
    if request is not None:
        yield ev.SpeakRequestWithdrawn(command.speaker, request.reaction)
    yield from _take_floor(space, command.speaker, command.by, ev.FloorEnd.REVOKED)


def _leave_stage(space: LiveSpace, command: cmd.LeaveStage) -> Iterator[ev.Event]:
    role = space.role(command.by)
    if not role.may_speak or command.by in space.closing:
        raise Rejected("not_speaker", "You do not have the floor.")
    if role.may_moderate:
        raise Rejected("is_moderator", "Hosts keep the floor: mute your microphone instead.")
    yield from _take_floor(space, command.by, command.by, ev.FloorEnd.RELEASED)


def _take_floor(
    space: LiveSpace, user: UserId, by: UserId, end: ev.FloorEnd
) -> Iterator[ev.Event]:
    if user in space.microphones:
        yield ev.MicrophoneClosed(user, ev.MicrophoneEnd.LOST_FLOOR)
    if user not in space.closing:
        yield ev.FloorClosing(user, by, end)


def _open_microphone(space: LiveSpace, command: cmd.OpenMicrophone) -> Iterator[ev.Event]:
    _refuse_unless_live(space)
    if not space.may_speak(command.by):
        raise Rejected("no_floor", "You do not have the floor. Ask to speak first.")
    if command.by not in space.microphones:
        yield ev.MicrophoneOpened(command.by)


def _close_microphone(space: LiveSpace, user: UserId, why: ev.MicrophoneEnd) -> Iterator[ev.Event]:
    if user in space.microphones:
        yield ev.MicrophoneClosed(user, why)


def _observe_levels(
    space: LiveSpace, levels: Mapping[UserId, int], settled: UserId | None = None
) -> Iterator[ev.Event]:
    for user in sorted(levels.keys() | space.people.keys()):
        level = levels.get(user)
        role = space.levels.role(level)
        closed = user == settled and user in space.closing and not role.may_speak
        if closed or level != space.person(user).level:
            yield ev.LevelChanged(user, level, role)


def _observe_member(space: LiveSpace, command: cmd.ObserveMember) -> Iterator[ev.Event]:
    person = space.person(command.user)
    if command.joined:
        if not person.joined or (command.name and command.name != person.name):
            yield ev.PersonJoined(command.user, command.name)
        return
    if person.joined:
        yield ev.PersonLeft(command.user)
        request = space.requests.get(command.user)
        if request is not None:
            yield ev.SpeakRequestWithdrawn(command.user, request.reaction)
    if person.level is not None and person.joined and command.user != space.host:
        yield ev.LevelForfeited(command.user)


def _observe_room(space: LiveSpace, command: cmd.ObserveRoom) -> Iterator[ev.Event]:
    levels = list(_observe_levels(space, command.levels))
    yield from levels
    after = reduce(evolve, levels, space)
    gone = [u for u, p in space.people.items() if p.joined and u not in command.joined]
    for user in sorted(gone):
        yield from _observe_member(after, cmd.ObserveMember(user, joined=False))
    for user, name in sorted(command.joined.items()):
        yield from _observe_member(after, cmd.ObserveMember(user, joined=True, name=name))


def _then_shut(space: LiveSpace, observed: Iterable[ev.Event]) -> Iterator[ev.Event]:
    """What was observed, then the microphones of all who lost the floor by it."""
    after = space
    for event in observed:
        after = evolve(after, event)
        yield event
    for user in sorted(after.microphones):
        if not after.may_speak(user):
            yield ev.MicrophoneClosed(user, ev.MicrophoneEnd.LOST_FLOOR)


def _observe_refused_grant(
    space: LiveSpace, command: cmd.ObserveRefusedGrant
) -> Iterator[ev.Event]:
    request = space.requests.get(command.user)
    if request is not None and request.state is RequestState.ACCEPTED:
        yield ev.GrantRefused(command.user, command.reason)


def _caption_utterance(space: LiveSpace, command: cmd.CaptionUtterance) -> Iterator[ev.Event]:
    if space.phase is Phase.SCHEDULED or not space.captions:
        return
    middle_ms = (command.start_ms + command.end_ms) // 2
    if middle_ms <= space.captioned_until_ms.get(command.speaker, -1):
        return  # said again after a restart; neighbours only share their edges
    name = space.person(command.speaker).name or command.speaker
    yield ev.UtteranceCaptioned(
        command.utterance,
        command.speaker,
        name,
        command.start_ms,
        command.end_ms,
        command.text,
        command.language,
    )


def _react(space: LiveSpace, command: cmd.React) -> Iterator[ev.Event]:
    _refuse_unless_live(space)
    if command.emoji not in space.reactions and len(space.reactions) >= EMOJI_MAX:
        raise Rejected("too_many_kinds", "Too many different emoji already. Pick one of those.")
    yield ev.Reacted(command.by, command.emoji, command.annotation)


def _invite_person(space: LiveSpace, command: cmd.InvitePerson) -> Iterator[ev.Event]:
    _refuse_if_ended(space)
    if not space.person(command.by).joined:
        raise Rejected("not_joined", "Join the room first, then invite others.")
    if space.private and not space.role(command.by).may_moderate:
        raise Rejected("not_moderator", "In a private live space only hosts invite.")
    if space.person(command.user).joined:
        raise Rejected("already_here", "That person is here already.")
    yield ev.PersonInvited(command.user, command.by)


def _places_left(space: LiveSpace) -> int:
    speakers = [p for p in space.stage if not space.role(p.user).may_moderate]
    accepted = [r for r in space.requests.values() if r.state is RequestState.ACCEPTED]
    return space.max_speakers - len(speakers) - len(accepted)


def _is_host(space: LiveSpace, user: UserId) -> bool:
    return user == space.host or space.role(user).may_end


def _refuse_unless_moderator(space: LiveSpace, user: UserId) -> None:
    if not space.role(user).may_moderate or not space.person(user).joined:
        raise Rejected("not_moderator", "Only the host and co-hosts can do that.")


def _refuse_unless_live(space: LiveSpace) -> None:
    _refuse_if_ended(space)
    if space.phase is not Phase.LIVE:
        raise Rejected("not_live", "This live space has not started yet.")


def _refuse_if_ended(space: LiveSpace) -> None:
    if space.phase is Phase.ENDED:
        raise Rejected("ended", "This live space has ended.")
