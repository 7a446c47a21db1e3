"""The kinds of journal events and outbox tasks: the names under which they are stored.

A kind is data. It stands in every row of the journal and of the outbox, and says what the row's
body is; the name of the class says nothing to the database and may change at any time. A kind
never changes and is never given to something else: a new meaning gets a new kind, and a migration
turns old rows into new ones.

Two more things of Python are data, because the bodies hold them: the names of the fields of these
classes and of the dataclasses inside them (``Levels``, ``ChatWords``), and the values of the enums
they use. Renaming one of those needs a migration too. ``tests/recordings`` holds a body of every
kind, and a test reads them all.
"""

from collections.abc import Mapping
from typing import Final

from spaces_bridge.app import wishes as wish
from spaces_bridge.core import events as ev

AnyEvent = ev.Event | ev.SpaceCreated

EVENT_KINDS: Final[Mapping[type[AnyEvent], str]] = {
    # the live space and its settings
    ev.SpaceCreated: "space.created",
    ev.RoomAttached: "space.room_attached",
    ev.SpaceStarted: "space.started",
    ev.SpaceEnded: "space.ended",
    ev.SpaceRescheduled: "space.rescheduled",
    ev.SpaceRetitled: "space.retitled",
    ev.SpaceLocked: "space.locked",
    ev.SpaceUnlocked: "space.unlocked",
    ev.SpeakPolicyChanged: "speak_policy.changed",
    ev.CaptionsSwitched: "captions.switched",
    ev.ChatSwitched: "chat.switched",
    ev.GuestsLimited: "guest_policy.changed",
    # reminders
    ev.ReminderWanted: "reminder.requested",
    ev.ReminderDropped: "reminder.cancelled",
    ev.ReminderDue: "reminder.due",
    # who hosts
    ev.HostLeftPage: "host.left_page",
    ev.HostMissed: "host.missed",
    ev.HostReturned: "host.returned",
    ev.HostChanged: "host.changed",
    # who is there
    ev.PersonJoined: "person.joined",
    ev.PersonLeft: "person.left",
    ev.PersonInvited: "person.invited",
    ev.PersonRemoved: "person.removed",
    ev.RemovalInForce: "person.removal_confirmed",
    ev.PersonReadmitted: "person.readmitted",
    # roles and levels
    ev.RoleAppointed: "role.appointed",
    ev.AppointmentEnded: "role.appointment_ended",
    ev.LevelChanged: "level.changed",
    ev.LevelOverruled: "level.overruled",
    ev.LevelForfeited: "level.forfeited",
    # the hand queue
    ev.SpeakRequested: "hand.raised",
    ev.SpeakRequestWithdrawn: "hand.lowered",
    ev.QueueCleared: "hand_queue.cleared",
    ev.QueueReordered: "hand_queue.reordered",
    # the floor
    ev.SpeakerApproved: "speaker.approved",
    ev.SpeakerDenied: "speaker.denied",
    ev.SpeakerMuted: "speaker.muted",
    ev.SpeakerUnmuted: "speaker.unmuted",
    ev.SpeakerInvited: "stage_invitation.sent",
    ev.SpeakInvitationDeclined: "stage_invitation.declined",
    ev.GrantRefused: "floor.grant_refused",
    ev.FloorClosing: "floor.closing",
    ev.FloorDoubted: "floor.doubted",
    ev.FloorLookedInto: "floor.checked",
    # what is heard, said and shown
    ev.MicrophoneOpened: "microphone.opened",
    ev.MicrophoneClosed: "microphone.closed",
    ev.UtteranceCaptioned: "utterance.captioned",
    ev.Reacted: "reaction.added",
    ev.ReactionsCounted: "reactions.counted",
    ev.PostShared: "post.shared",
}
"""Something that happened, then what it did: ``noun.participle``."""

TASK_KINDS: Final[Mapping[type[wish.Wish], str]] = {
    # the room as a whole
    wish.MakeRoom: "room.make",
    wish.ArrangeRoom: "room_permissions.write",
    wish.PublishState: "room_state.publish",
    wish.ListSpace: "directory.update",
    wish.RefreshCard: "card.refresh",
    wish.RefreshBubble: "community_card.refresh",
    # people in the room
    wish.WriteLevel: "level.write",
    wish.BanPerson: "person.ban",
    wish.UnbanPerson: "person.unban",
    wish.SeatGuest: "guest.join",
    wish.HideGuestName: "guest.hide_name",
    wish.UnseatGuest: "guest.leave",
    # what is written in the room
    wish.Announce: "notice.post",
    wish.PostCaption: "caption.post",
    wish.PostChat: "chat.post",
    wish.PinPost: "post.pin",
    wish.RedactEvent: "reaction.redact",
    wish.Reply: "command.reply",
    # what is written to one person
    wish.TellUser: "person.tell",
    wish.SendLink: "personal_link.send",
    wish.OfferFloor: "floor.offer",
    wish.OfferToSpeak: "stage_invitation.send",
    wish.PromptModerator: "hand.prompt",
    wish.RemindPerson: "reminder.send",
    wish.InviteByMessage: "invitation.send",
    # what is written to many
    wish.AnnounceLive: "followers.announce_live",
    wish.InviteFollowers: "followers.invite",
    wish.SumUpInvitations: "followers.sum_up",
    wish.ForwardReport: "report.forward",
}
"""Something, then what is to be done with it: ``noun.verb``."""

EVENTS: Final[Mapping[str, type[AnyEvent]]] = {kind: cls for cls, kind in EVENT_KINDS.items()}
TASKS: Final[Mapping[str, type[wish.Wish]]] = {kind: cls for cls, kind in TASK_KINDS.items()}
