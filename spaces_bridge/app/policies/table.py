"""The table of consequences: one row per event, and nothing follows that is not in its row.

A row says what becomes untrue on Matrix, what pages show, and whose rights on the page may differ;
then, where there is any, which outbox tasks are wanted, which ports are called, what pages say in
words, and who may not be there any more. The type checker refuses an event without a row.
"""

from typing import Final, assert_never

from spaces_bridge.app.policies import calls, floor, life, page_notices, people
from spaces_bridge.app.policies.consequences import (
    AccessKept,
    AccessRevoked,
    BlockListChanged,
    CaptionAdded,
    Consequences,
    Everybody,
    GuestsExcluded,
    PersonMoved,
    PostAdded,
    ReactionsAdded,
    RoomLeft,
    StageChanged,
    Stale,
    Unseen,
    row,
)
from spaces_bridge.core import events as ev
from spaces_bridge.core.door import GuestPolicy

_ALL: Final = Everybody.EVERYBODY
_NOBODY: Final = ()
_STAGE: Final = StageChanged()
_UNSEEN: Final = Unseen()


# a row per event
def consequences_of(event: ev.Event) -> Consequences:  # noqa: C901, PLR0912, PLR0915
    """Return everything that follows from ``event``."""
    match event:
        # --- the life of the whole
        case ev.RoomAttached():
            return row(event, Stale.PLAN | Stale.ARRANGEMENT, _STAGE, _NOBODY)
        case ev.SpaceStarted():
            return row(
                event, Stale.PLAN, _STAGE, _ALL, tasks=life.announce, calls=calls.open_stage
            )
        case ev.SpaceEnded():
            stale = Stale.PLAN | Stale.ARRANGEMENT
            return row(event, stale, _STAGE, _ALL, tasks=life.ended, calls=calls.close_stage)
        case ev.SpaceRescheduled():
            return row(event, Stale.PLAN, _STAGE, _NOBODY, tasks=life.rescheduled)
        case ev.SpaceRetitled():
            return row(event, Stale.PLAN, _STAGE, _NOBODY)
        case ev.SpeakPolicyChanged():
            return row(event, Stale.STATE | Stale.CARD, _STAGE, _NOBODY)
        case ev.CaptionsSwitched():
            return row(
                event,
                Stale.STATE | Stale.CARD,
                _STAGE,
                _NOBODY,
                tasks=life.captions_switched,
                calls=calls.switch_captions,
            )
        case ev.ReminderWanted() | ev.ReminderDropped():
            return row(event, Stale.NOTHING, _UNSEEN, (event.user,))
        case ev.ReminderDue():
            return row(event, Stale.NOTHING, _UNSEEN, _NOBODY, tasks=life.remind)
        # --- a lost host
        case ev.HostLeftPage():
            return row(event, Stale.NOTHING, _UNSEEN, (event.user,))
        case ev.HostMissed():
            return row(
                event,
                Stale.CARD,
                _STAGE,
                _NOBODY,
                tasks=life.host_missed,
                notices=page_notices.host_missed,
            )
        case ev.HostReturned():
            return row(event, Stale.CARD, _STAGE, (event.user,), tasks=life.host_returned)
        case ev.HostChanged():
            return row(
                event,
                Stale.ROLES,
                _STAGE,
                _ALL,
                tasks=life.host_changed,
                calls=calls.check_everybody,
                notices=page_notices.host_changed,
                access=BlockListChanged(),
            )
        # --- members and roles
        case ev.PersonJoined():
            return row(
                event,
                Stale.BUBBLE | Stale.CARD,
                PersonMoved(event.user),
                (event.user,),
                tasks=people.joined,
                calls=calls.check_newcomer,
            )
        case ev.PersonLeft():
            return row(
                event,
                Stale.BUBBLE | Stale.CARD,
                PersonMoved(event.user),
                (event.user,),
                calls=calls.end_microphone,
                access=RoomLeft(event.user),
            )
        case ev.LevelChanged():
            return row(
                event,
                Stale.ROLES,
                _STAGE,
                (event.user,),
                tasks=people.level_changed,
                calls=calls.level_changed,
                notices=page_notices.level_changed,
            )
        case ev.LevelOverruled():
            return row(event, Stale.CARD, _STAGE, (event.user,), tasks=people.level_overruled)
        case ev.RoleAppointed():
            return row(event, Stale.CARD, _STAGE, (event.user,), tasks=people.appointed)
        case ev.AppointmentEnded():
            return row(event, Stale.CARD, _STAGE, (event.user,), tasks=people.appointment_ended)
        case ev.LevelForfeited():
            return row(event, Stale.CARD, _STAGE, (event.user,), tasks=people.take_floor)
        # --- the door
        case ev.PersonInvited():
            return row(event, Stale.NOTHING, _UNSEEN, (event.user,), tasks=people.invited)
        case ev.PersonRemoved():
            return row(
                event,
                Stale.CARD,
                _STAGE,
                (event.user,),
                tasks=people.removed,
                calls=calls.show_out,
                access=AccessRevoked(event.user),
            )
        case ev.RemovalInForce():
            return row(event, Stale.NOTHING, _UNSEEN, (event.user,))
        case ev.PersonReadmitted():
            return row(
                event,
                Stale.CARD,
                _STAGE,
                (event.user,),
                tasks=people.readmitted,
                calls=calls.readmitted,
            )
        case ev.SpaceLocked():
            return row(
                event,
                Stale.ARRANGEMENT | Stale.CARD,
                _STAGE,
                _ALL,
                tasks=people.locked,
                notices=page_notices.locked,
            )
        case ev.SpaceUnlocked():
            return row(
                event,
                Stale.ARRANGEMENT | Stale.CARD,
                _STAGE,
                _ALL,
                tasks=people.unlocked,
                notices=page_notices.unlocked,
            )
        case ev.ChatSwitched():
            return row(event, Stale.ARRANGEMENT | Stale.CARD, _STAGE, _ALL)
        case ev.GuestsLimited():
            off = event.policy is GuestPolicy.OFF
            access = GuestsExcluded() if off else AccessKept()
            return row(event, Stale.CARD, _STAGE, _ALL, calls=calls.limit_guests, access=access)
        # --- the floor
        case ev.SpeakRequested():
            return row(event, Stale.CARD, _STAGE, (event.user,), tasks=floor.requested)
        case ev.SpeakRequestWithdrawn():
            return row(event, Stale.CARD, _STAGE, (event.user,), tasks=floor.withdrawn)
        case ev.SpeakerApproved():
            return row(event, Stale.CARD, _STAGE, (event.user,), tasks=floor.approved)
        case ev.SpeakerDenied():
            return row(
                event,
                Stale.CARD,
                _STAGE,
                (event.user,),
                tasks=floor.denied,
                notices=page_notices.denied,
            )
        case ev.QueueCleared():
            return row(
                event,
                Stale.CARD,
                _STAGE,
                _ALL,
                tasks=floor.queue_cleared,
                notices=page_notices.queue_cleared,
            )
        case ev.QueueReordered():
            return row(event, Stale.CARD, _STAGE, _NOBODY)
        case ev.SpeakerInvited():
            return row(
                event,
                Stale.CARD,
                _STAGE,
                (event.user,),
                tasks=floor.invited_to_speak,
                notices=page_notices.invited_to_speak,
            )
        case ev.SpeakInvitationDeclined():
            return row(
                event,
                Stale.CARD,
                _STAGE,
                (event.user,),
                tasks=floor.invitation_declined,
                notices=page_notices.invitation_declined,
            )
        case ev.GrantRefused():
            return row(event, Stale.CARD, _STAGE, (event.user,), tasks=floor.grant_refused)
        case ev.FloorClosing():
            return row(
                event,
                Stale.CARD,
                _STAGE,
                (event.user,),
                tasks=people.take_floor,
                calls=calls.end_microphone,
                notices=page_notices.floor_closing,
            )
        case ev.FloorDoubted() | ev.FloorLookedInto():
            return row(event, Stale.NOTHING, _UNSEEN, (event.user,))
        # --- sound
        case ev.SpeakerMuted():
            return row(
                event,
                Stale.CARD,
                _STAGE,
                (event.user,),
                tasks=floor.muted,
                notices=page_notices.muted,
            )
        case ev.SpeakerUnmuted():
            return row(
                event,
                Stale.CARD,
                _STAGE,
                (event.user,),
                tasks=floor.unmuted,
                notices=page_notices.unmuted,
            )
        case ev.MicrophoneOpened():
            return row(event, Stale.CARD, _STAGE, (event.user,), calls=calls.open_microphone)
        case ev.MicrophoneClosed():
            return row(event, Stale.CARD, _STAGE, (event.user,), calls=calls.close_microphone)
        # --- what is said and shown
        case ev.UtteranceCaptioned():
            shown = CaptionAdded(event.utterance)
            return row(
                event,
                Stale.NOTHING,
                shown,
                _NOBODY,
                tasks=life.captioned,
                calls=calls.audio_taken,
            )
        case ev.Reacted():
            risen = ReactionsAdded({event.emoji: 1})
            return row(event, Stale.CARD, risen, (event.user,), expires=event.annotation)
        case ev.ReactionsCounted():
            return row(event, Stale.CARD, ReactionsAdded(event.counts), _NOBODY)
        case ev.PostShared():
            return row(
                event, Stale.NOTHING, PostAdded(event.number), _NOBODY, tasks=life.post_shared
            )
        case _:
            assert_never(event)
