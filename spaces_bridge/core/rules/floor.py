"""The rules of the floor: asking for it, being invited to it, giving and taking it."""

from collections.abc import Iterator

from spaces_bridge.core import commands as cmd
from spaces_bridge.core import events as ev
from spaces_bridge.core import refusals
from spaces_bridge.core.access import GuestPolicy
from spaces_bridge.core.errors import Rejected
from spaces_bridge.core.floor import RequestState, SpeakPolicy
from spaces_bridge.core.ids import UserId
from spaces_bridge.core.limits import GRANTS, GRANTS_WITHIN_MS, HANDS_A_MINUTE
from spaces_bridge.core.live_space import LiveSpace
from spaces_bridge.core.rules.common import (
    places_left,
    refuse_if_ended,
    refuse_if_full,
    refuse_if_removed,
    refuse_unless_above,
    refuse_unless_live,
    refuse_unless_moderator,
)

HANDS_MAX = 500
"""The number of hands that may be up at once."""

MINUTE_MS = 60_000


def request_to_speak(space: LiveSpace, command: cmd.RequestToSpeak) -> Iterator[ev.Event]:
    refuse_unless_live(space)
    _refuse_who_may_not_ask(space, command)
    if command.by in space.requests:
        raise Rejected("already_asked", "Your hand is up already.")
    if space.speak_policy is SpeakPolicy.INVITED:
        raise Rejected("by_invitation", "Only people the host invites speak here.")
    _refuse_flood(space, command)
    granted = _granted_on_asking(space, command)
    others_wait = any(request.promised for request in space.requests.values())
    too_many = _grants_left(space, command.at_ms) < _counts(guest=command.guest)
    later = granted and (others_wait or too_many)
    yield ev.SpeakRequested(
        command.by, command.at_ms, command.name, command.guest, command.reaction, promised=later
    )
    if granted and not later:
        yield ev.SpeakerApproved(command.by, None, command.reaction, command.at_ms)


def _refuse_who_may_not_ask(space: LiveSpace, command: cmd.RequestToSpeak) -> None:
    """Raise Rejected when the person may not ask for the floor, whatever the policy says."""
    refuse_if_removed(space, command.by)
    if command.by in space.closing:
        raise Rejected("closing", "Your floor is just being taken back. Try again in a moment.")
    if command.by in space.appointments:
        raise Rejected("role_coming", "A host is just giving you another role. Wait a moment.")
    if space.role(command.by).may_speak and command.by not in space.muted:
        raise Rejected("has_floor", "You have the floor already: open your microphone.")
    if space.locked:
        raise Rejected("locked_hands", "This live space is locked: no hands right now.")
    if command.guest and space.guests is not GuestPolicy.SPEAK:
        raise refusals.guests_listen()
    if not command.guest and not space.person(command.by).joined:
        raise refusals.not_joined()


def _refuse_flood(space: LiveSpace, command: cmd.RequestToSpeak) -> None:
    asked = space.asked_at_ms.get(command.by, ())
    if len(asked) >= HANDS_A_MINUTE and command.at_ms - asked[-HANDS_A_MINUTE] < MINUTE_MS:
        raise Rejected("too_often", "You have raised your hand often just now. Wait a minute.")
    if len(space.requests) >= HANDS_MAX:
        raise Rejected("queue_full", "Too many hands are up already. Try again later.")


def _granted_on_asking(space: LiveSpace, command: cmd.RequestToSpeak) -> bool:
    """Return whether the policy gives the floor without a host; muted people wait for a host."""
    policy = space.speak_policy
    open_to_them = policy is SpeakPolicy.EVERYONE or (
        policy is SpeakPolicy.FOLLOWED and command.followed
    )
    return open_to_them and command.by not in space.muted and places_left(space) > 0


def _grants_left(space: LiveSpace, now_ms: int) -> int:
    """Return how many floors may be given without a host now."""
    lately = sum(now_ms - at_ms < GRANTS_WITHIN_MS for at_ms in space.granted_at_ms)
    return GRANTS - lately


def _counts(*, guest: bool) -> int:
    return 2 if guest else 1


def keep_promises(space: LiveSpace, now_ms: int) -> Iterator[ev.Event]:
    """Give the floor to those to whom the policy has promised it, as many as may get it now."""
    if space.speak_policy not in {SpeakPolicy.EVERYONE, SpeakPolicy.FOLLOWED}:
        return
    waiting = [hand for hand in space.hands if hand.promised and hand.user not in space.muted]
    left = _grants_left(space, now_ms)
    for hand in waiting[: max(0, places_left(space))]:
        left -= _counts(guest=space.person(hand.user).guest)
        if left < 0:
            return
        yield ev.SpeakerApproved(hand.user, None, hand.reaction, now_ms)


def cancel_request(space: LiveSpace, command: cmd.CancelRequest) -> Iterator[ev.Event]:
    """Lower the person's own hand, or decline a higher role that is on its way."""
    request = space.requests.get(command.by)
    coming = space.appointments.get(command.by)
    if request is None and coming is not None:
        # a higher role that is offered can be declined; one that is being taken cannot be kept
        if coming > space.role(command.by):
            yield ev.AppointmentEnded(command.by, "cancelled")
        return
    if request is None:
        raise Rejected("no_hand", "Your hand is not up.")
    left = None if command.reaction_gone else request.reaction
    yield ev.SpeakRequestWithdrawn(command.by, left)
    if request.state is RequestState.ACCEPTED:
        yield ev.FloorClosing(command.by, command.by, ev.FloorEnd.RELEASED)


def approve_speaker(space: LiveSpace, command: cmd.ApproveSpeaker) -> Iterator[ev.Event]:
    """Accept a raised hand; the hand of a muted speaker asks for the mute to be lifted."""
    refuse_unless_moderator(space, command.by)
    refuse_unless_live(space)
    request = space.requests.get(command.listener)
    if request is None:
        raise Rejected("not_asked", "That person has no hand up.")
    if request.state is RequestState.ACCEPTED:
        raise Rejected("already_approved", "That person is approved already.")
    muted = command.listener in space.muted
    if muted:
        refuse_unless_above(space, command.by, command.listener)
    if space.role(command.listener).may_speak:
        # a muted speaker's hand asks for the mute to be lifted
        yield ev.SpeakRequestWithdrawn(command.listener, request.reaction)
        yield ev.SpeakerUnmuted(command.listener, command.by)
        return
    refuse_if_full(space)
    if muted:
        yield ev.SpeakerUnmuted(command.listener, command.by)
    yield ev.SpeakerApproved(command.listener, command.by, request.reaction)


def approve_next(space: LiveSpace, command: cmd.ApproveNext) -> Iterator[ev.Event]:
    refuse_unless_moderator(space, command.by)
    if not space.hands:
        raise Rejected("no_hands", "No hand is up right now.")
    yield from approve_speaker(space, cmd.ApproveSpeaker(command.by, space.hands[0].user))


def deny_speaker(space: LiveSpace, command: cmd.DenySpeaker) -> Iterator[ev.Event]:
    refuse_unless_moderator(space, command.by)
    request = space.requests.get(command.listener)
    if request is None or request.state is not RequestState.PENDING:
        raise Rejected("not_asked", "That person has no hand up.")
    yield ev.SpeakerDenied(command.listener, command.by, request.reaction)


def clear_queue(space: LiveSpace, command: cmd.ClearQueue) -> Iterator[ev.Event]:
    refuse_unless_moderator(space, command.by)
    if not space.hands:
        raise Rejected("no_hands", "No hand is up right now.")
    yield lower_all(space, command.by)


def lower_all(space: LiveSpace, by: UserId) -> ev.QueueCleared:
    """Return the event that lowers every waiting hand; approved requests stay approved."""
    reactions = tuple(hand.reaction for hand in space.hands if hand.reaction is not None)
    return ev.QueueCleared(by, tuple(hand.user for hand in space.hands), reactions)


def order_queue(space: LiveSpace, command: cmd.OrderQueue) -> Iterator[ev.Event]:
    refuse_unless_moderator(space, command.by)
    refuse_if_ended(space)
    if command.order is not space.queue_order:
        yield ev.QueueReordered(command.order)


def bring_speaker(space: LiveSpace, command: cmd.BringSpeaker) -> Iterator[ev.Event]:
    refuse_unless_moderator(space, command.by)
    refuse_unless_live(space)
    user = command.user
    request = space.requests.get(user)
    if space.role(user).may_speak:
        raise Rejected("is_speaker", "That person has the floor already.")
    _refuse_unseatable(space, user)
    if request is not None:
        # the person has asked: the invitation approves the request
        yield from approve_speaker(space, cmd.ApproveSpeaker(command.by, user))
        return
    if user in space.offers:
        raise Rejected("already_invited", "That person is invited to speak already.")
    refuse_if_full(space)
    if user in space.muted:
        # an invitation to speak lifts the mute
        refuse_unless_above(space, command.by, user)
        yield ev.SpeakerUnmuted(user, command.by)
    yield ev.SpeakerInvited(user, command.by)


def _refuse_unseatable(space: LiveSpace, user: UserId) -> None:
    if user in space.removed:
        raise refusals.is_removed()
    if not space.person(user).joined and user not in space.requests:
        raise refusals.not_here()
    if user in space.closing or user in space.appointments:
        raise refusals.is_changing()


def accept_invitation(space: LiveSpace, command: cmd.AcceptInvitation) -> Iterator[ev.Event]:
    refuse_unless_live(space)
    by = space.offers.get(command.by)
    if by is None:
        raise Rejected("not_invited", "Nobody has invited you to speak. Raise your hand to ask.")
    if by in space.removed or not space.role(by).may_moderate:
        raise Rejected("invitation_over", "That invitation holds no more. Raise your hand to ask.")
    if command.by in space.closing:
        raise Rejected("closing", "Your floor is just being taken back. Try again in a moment.")
    if places_left(space) <= 0:
        raise Rejected("stage_filled", "The stage has filled up meanwhile. Try again in a moment.")
    yield ev.SpeakerApproved(command.by, by, reaction=None)


def decline_invitation(space: LiveSpace, command: cmd.DeclineInvitation) -> Iterator[ev.Event]:
    by = space.offers.get(command.by)
    if by is None:
        raise Rejected("not_invited", "Nobody has invited you to speak. Raise your hand to ask.")
    yield ev.SpeakInvitationDeclined(command.by, by)


def demote_speaker(space: LiveSpace, command: cmd.DemoteSpeaker) -> Iterator[ev.Event]:
    """Take the floor from a person who has it, or is about to get it."""
    refuse_unless_moderator(space, command.by)
    target = space.role(command.speaker)
    request = space.requests.get(command.speaker)
    accepted = request is not None and request.state is RequestState.ACCEPTED
    if not target.may_speak and not accepted:
        raise refusals.not_speaker()
    refuse_unless_above(space, command.by, command.speaker)
    if request is not None:
        yield ev.SpeakRequestWithdrawn(command.speaker, request.reaction)
    yield from take_floor(space, command.speaker, command.by, ev.FloorEnd.REVOKED)


def leave_stage(space: LiveSpace, command: cmd.LeaveStage) -> Iterator[ev.Event]:
    role = space.role(command.by)
    if not role.may_speak or command.by in space.closing:
        raise Rejected("not_on_stage", "You are not on the stage.")
    if command.by == space.host:
        raise Rejected(
            "host_stays", "The host keeps the floor: mute your microphone, or hand over first."
        )
    request = space.requests.get(command.by)
    if request is not None:
        yield ev.SpeakRequestWithdrawn(command.by, request.reaction)
    yield from take_floor(space, command.by, command.by, ev.FloorEnd.RELEASED)


def take_floor(space: LiveSpace, user: UserId, by: UserId, end: ev.FloorEnd) -> Iterator[ev.Event]:
    """Shut the person's microphone, and intend to take the level."""
    if user in space.microphones:
        yield ev.MicrophoneClosed(user, ev.MicrophoneEnd.LOST_FLOOR)
    if user not in space.closing:
        yield ev.FloorClosing(user, by, end)
