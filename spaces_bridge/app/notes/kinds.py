"""The kinds of notes, all of them: storage prunes by this list, and a test compares it."""

from collections.abc import Sequence

from spaces_bridge.app.notes import commands, delayed_leaves, plain_calls, rooms
from spaces_bridge.app.notes import dms_and_reactions as messages
from spaces_bridge.app.notes import invite_counts as inviting
from spaces_bridge.app.notes.record import Note

ALL: Sequence[type[Note]] = (
    messages.UserRoom,
    messages.RoomUser,
    messages.EncryptionExplained,
    messages.LatestInvitation,
    messages.InvitationMessage,
    messages.StageInvitationMessage,
    messages.HandMessage,
    messages.InvitationReaction,
    messages.CardReaction,
    inviting.Invited,
    inviting.LatestFrom,
    inviting.DayCount,
    inviting.UninvitedFollowers,
    inviting.FollowersInvited,
    rooms.ShownMessage,
    rooms.ShownEdition,
    rooms.ShownComplete,
    rooms.BubbleSpace,
    rooms.BubbleGivenUp,
    rooms.BubbleReaction,
    rooms.RoomShown,
    rooms.PinnedPost,
    rooms.LatestCaption,
    rooms.LockAnnounced,
    rooms.HandAsked,
    rooms.LevelsBefore,
    rooms.UploadedPicture,
    commands.CommandSpace,
    commands.CommandPerson,
    commands.CommandUnblocked,
    commands.CommandReworded,
    commands.ReadBackFrom,
    delayed_leaves.DelegatedLeaves,
    plain_calls.PlainCallsOn,
    plain_calls.CallsWanted,
)
