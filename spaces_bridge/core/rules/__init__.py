"""The rules of a live space decide which events a command leads to, or refuse it.

Each rule is a generator: refusals first, facts last. `decide` runs it to its end before anything
happens, so a refusal half-way leaves nothing half done.
"""

from collections.abc import Iterator
from typing import assert_never

from spaces_bridge.core import commands as cmd
from spaces_bridge.core import events as ev
from spaces_bridge.core.live_space import LiveSpace
from spaces_bridge.core.rules import access as door
from spaces_bridge.core.rules import audio as sound
from spaces_bridge.core.rules import content as talk
from spaces_bridge.core.rules import floor, roles
from spaces_bridge.core.rules import lifecycle as life
from spaces_bridge.core.rules import observed as seen
from spaces_bridge.core.rules.lifecycle import create

__all__ = ["create", "decide"]


def decide(space: LiveSpace, command: cmd.Command) -> list[ev.Event]:
    """Return the events that `command` leads to. Raises Rejected when the rules refuse it."""
    return list(_rule(space, command))


# an arm per command, one call in each
def _rule(  # noqa: C901, PLR0912, PLR0915
    space: LiveSpace, command: cmd.Command
) -> Iterator[ev.Event]:
    match command:
        case cmd.AttachRoom():
            return life.attach_room(space, command)
        case cmd.StartSpace():
            return life.start_space(space, command)
        case cmd.EndSpace():
            return life.end_space(space, command)
        case cmd.Reschedule():
            return life.reschedule(space, command)
        case cmd.Retitle():
            return life.retitle(space, command)
        case cmd.SetSpeakPolicy():
            return life.set_speak_policy(space, command)
        case cmd.SetCaptions():
            return life.set_captions(space, command)
        case cmd.PassTime():
            return life.pass_time(space, command)
        case cmd.NoteHostAway():
            return life.note_host_away(space, command)
        case cmd.NoteHostBack():
            return life.note_host_back(space, command)
        case cmd.WantReminder():
            return life.want_reminder(space, command)
        case cmd.DropReminder():
            return life.drop_reminder(space, command)
        case cmd.RequestToSpeak():
            return floor.request_to_speak(space, command)
        case cmd.CancelRequest():
            return floor.cancel_request(space, command)
        case cmd.ApproveSpeaker():
            return floor.approve_speaker(space, command)
        case cmd.ApproveNext():
            return floor.approve_next(space, command)
        case cmd.DenySpeaker():
            return floor.deny_speaker(space, command)
        case cmd.ClearQueue():
            return floor.clear_queue(space, command)
        case cmd.OrderQueue():
            return floor.order_queue(space, command)
        case cmd.BringSpeaker():
            return floor.bring_speaker(space, command)
        case cmd.AcceptInvitation():
            return floor.accept_invitation(space, command)
        case cmd.DeclineInvitation():
            return floor.decline_invitation(space, command)
        case cmd.DemoteSpeaker():
            return floor.demote_speaker(space, command)
        case cmd.LeaveStage():
            return floor.leave_stage(space, command)
        case cmd.MuteSpeaker():
            return sound.mute_speaker(space, command)
        case cmd.MuteAll():
            return sound.mute_all(space, command)
        case cmd.UnmuteSpeaker():
            return sound.unmute_speaker(space, command)
        case cmd.OpenMicrophone():
            return sound.open_microphone(space, command)
        case cmd.CloseMicrophone():
            return sound.close_microphone(space, command.by, ev.MicrophoneEnd.OWN)
        case cmd.SuspectLoss():
            return sound.suspect_loss(space, command)
        case cmd.AppointCohost():
            return roles.appoint_cohost(space, command)
        case cmd.DismissCohost():
            return roles.dismiss_cohost(space, command)
        case cmd.HandOver():
            return roles.hand_over(space, command)
        case cmd.RemovePerson():
            return door.remove_person(space, command)
        case cmd.ReadmitPerson():
            return door.readmit_person(space, command)
        case cmd.LockSpace():
            return door.lock_space(space, command)
        case cmd.UnlockSpace():
            return door.unlock_space(space, command)
        case cmd.SetChat():
            return door.set_chat(space, command)
        case cmd.SetGuests():
            return door.set_guests(space, command)
        case cmd.ObserveLevels():
            return seen.observe_levels(space, command)
        case cmd.ObserveMember():
            return seen.observe_member(space, command)
        case cmd.ObserveRoom():
            return seen.observe_room(space, command)
        case cmd.ObserveRefusedGrant():
            return seen.observe_refused_grant(space, command)
        case cmd.CaptionUtterance():
            return talk.caption_utterance(space, command)
        case cmd.React():
            return talk.react(space, command)
        case cmd.CountReactions():
            return talk.count_reactions(space, command)
        case cmd.SharePost():
            return talk.share_post(space, command)
        case cmd.InvitePerson():
            return talk.invite_person(space, command)
        case _:
            assert_never(command)
