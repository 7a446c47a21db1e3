"""The rules of a live space decide which events a command leads to, or refuse it.

Each rule is a generator: refusals first, facts last. `decide` runs it to its end before anything
happens, so a refusal half-way leaves nothing half done.
"""

from collections.abc import Iterator
from typing import assert_never

from spaces_bridge.core import commands as cmd
from spaces_bridge.core import events as ev
from spaces_bridge.core.live_space import LiveSpace
from spaces_bridge.core.rules import access, audio, content, floor, lifecycle, observed, roles
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
            return lifecycle.attach_room(space, command)
        case cmd.StartSpace():
            return lifecycle.start_space(space, command)
        case cmd.EndSpace():
            return lifecycle.end_space(space, command)
        case cmd.Reschedule():
            return lifecycle.reschedule(space, command)
        case cmd.Retitle():
            return lifecycle.retitle(space, command)
        case cmd.SetSpeakPolicy():
            return lifecycle.set_speak_policy(space, command)
        case cmd.SetCaptions():
            return lifecycle.set_captions(space, command)
        case cmd.PassTime():
            return lifecycle.pass_time(space, command)
        case cmd.NoteHostAway():
            return lifecycle.note_host_away(space, command)
        case cmd.NoteHostBack():
            return lifecycle.note_host_back(space, command)
        case cmd.WantReminder():
            return lifecycle.want_reminder(space, command)
        case cmd.DropReminder():
            return lifecycle.drop_reminder(space, command)
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
            return audio.mute_speaker(space, command)
        case cmd.MuteAll():
            return audio.mute_all(space, command)
        case cmd.UnmuteSpeaker():
            return audio.unmute_speaker(space, command)
        case cmd.SetVolume():
            return audio.set_volume(space, command)
        case cmd.OpenMicrophone():
            return audio.open_microphone(space, command)
        case cmd.CloseMicrophone():
            return audio.close_microphone(space, command.by, ev.MicrophoneEnd.OWN)
        case cmd.SuspectLoss():
            return audio.suspect_loss(space, command)
        case cmd.AppointCohost():
            return roles.appoint_cohost(space, command)
        case cmd.DismissCohost():
            return roles.dismiss_cohost(space, command)
        case cmd.HandOver():
            return roles.hand_over(space, command)
        case cmd.RemovePerson():
            return access.remove_person(space, command)
        case cmd.ReadmitPerson():
            return access.readmit_person(space, command)
        case cmd.LockSpace():
            return access.lock_space(space, command)
        case cmd.UnlockSpace():
            return access.unlock_space(space, command)
        case cmd.SetChat():
            return access.set_chat(space, command)
        case cmd.SetGuests():
            return access.set_guests(space, command)
        case cmd.ObserveLevels():
            return observed.observe_levels(space, command)
        case cmd.ObserveMember():
            return observed.observe_member(space, command)
        case cmd.ObserveRoom():
            return observed.observe_room(space, command)
        case cmd.ObserveRefusedGrant():
            return observed.observe_refused_grant(space, command)
        case cmd.CaptionUtterance():
            return content.caption_utterance(space, command)
        case cmd.React():
            return content.react(space, command)
        case cmd.CountReactions():
            return content.count_reactions(space, command)
        case cmd.SharePost():
            return content.share_post(space, command)
        case cmd.InvitePerson():
            return content.invite_person(space, command)
        case _:
            assert_never(command)
