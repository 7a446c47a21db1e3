"""One note of every kind, as examples and as a strategy."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any, get_type_hints

from hypothesis import strategies as st

from spaces_bridge.app.notes import commands, delayed_leaves, plain_calls, rooms
from spaces_bridge.app.notes import dms_and_reactions as messages
from spaces_bridge.app.notes import invite_counts as inviting
from spaces_bridge.app.notes.kinds import ALL
from spaces_bridge.app.notes.record import Note
from spaces_bridge.core.ids import EventId, RoomId, SpaceId, UserId
from spaces_bridge.core.live_space import Phase

SPACE = SpaceId("abcdefgh01234567")
ADA, BEN, CAT = UserId("@ada:x"), UserId("@ben:x:8448"), UserId("@cat:[::1]:9")
ROOM, EVENT, OTHER = RoomId("!room:x"), EventId("$event"), EventId("$other")
LEAVE = delayed_leaves.DelegatedLeave(SPACE, "@ada:x:PHONE", ADA, "syd_abc", 3_600_000)
CALL = plain_calls.NotedCall(
    ROOM,
    "call",
    BEN,
    SPACE,
    "1",
    False,
    "DEV",
    "session",
    True,
    1_700_000_000_000,
    True,
    "v=0",
    "floor",
    True,
    True,
    True,
)
INVITATION = messages.Invitation(SPACE, CAT, BEN, ADA)

EACH: tuple[Note, ...] = (
    messages.UserRoom(ADA, ROOM),
    messages.RoomUser(ROOM, ADA),
    messages.EncryptionExplained(ROOM, RoomId("!plain:x")),
    messages.LatestInvitation(CAT, INVITATION),
    messages.InvitationMessage(EVENT, INVITATION),
    messages.StageInvitationMessage(EVENT, SPACE, BEN),
    messages.HandMessage(EVENT, SPACE, BEN),
    messages.InvitationReaction(EVENT, "🔕", SPACE, CAT, OTHER, (BEN, ADA)),
    messages.CardReaction(EVENT, messages.CardReactionEffect.FOLLOW, BEN, ADA),
    inviting.Invited(SPACE, BEN, CAT, Phase.LIVE, "invite:1"),
    inviting.LatestFrom(BEN, CAT, SPACE),
    inviting.DayCount(inviting.Counted.INVITATIONS_GOT, CAT, 20_000, ("one", "two")),
    inviting.UninvitedFollowers(SPACE, ADA, {BEN: True, CAT: False}),
    inviting.FollowersInvited(SPACE, ADA, "$command"),
    rooms.ShownMessage(rooms.Shown.CARD, SPACE, EVENT),
    rooms.ShownEdition(rooms.Shown.BUBBLE, SPACE, "frame", "whole", 1_700_000_000_000, 3),
    rooms.ShownComplete(rooms.Shown.CARD, SPACE),
    rooms.BubbleSpace(EVENT, SPACE),
    rooms.BubbleGivenUp(SPACE, "M_FORBIDDEN"),
    rooms.BubbleReaction(SPACE, "✅", EVENT),
    rooms.RoomShown(SPACE, {"m.room.name": "0123", "m.room.topic": "4567"}),
    rooms.PinnedPost(SPACE, 12, EVENT),
    rooms.LatestCaption(SPACE, EVENT),
    rooms.LockAnnounced(SPACE, True, "lock:1"),
    rooms.HandAsked(SPACE, ADA, BEN, 1_700_000_000_000, "prompt:1"),
    rooms.LevelsBefore(ROOM, EVENT, "level:1"),
    rooms.UploadedPicture("0123456789abcdef", "mxc://x/1"),
    commands.CommandSpace(EVENT, SPACE),
    commands.CommandPerson(EVENT, BEN, "talks too much"),
    commands.CommandUnblocked(EVENT, "*:bad.example"),
    commands.CommandReworded(EVENT, OTHER),
    commands.ReadBackFrom(1_700_000_000_000),
    delayed_leaves.DelegatedLeaves((LEAVE,)),
    plain_calls.PlainCallsOn((CALL,)),
    plain_calls.CallsWanted(SPACE, (BEN, CAT)),
)
"""One of each kind, in the order of `kinds.ALL`."""

_TEXT = st.text(st.characters(exclude_categories=[]), max_size=30)
_INTEGER = st.integers(-(2**53), 2**53)
_OF_HINT: Mapping[object, st.SearchStrategy[Any]] = {
    str: _TEXT,
    SpaceId: _TEXT,
    UserId: _TEXT,
    RoomId: _TEXT,
    EventId: _TEXT,
    int: _INTEGER,
    bool: st.booleans(),
    tuple[str, ...]: st.lists(_TEXT, max_size=3).map(tuple),
    tuple[UserId, ...]: st.lists(_TEXT, max_size=3).map(tuple),
    Mapping[str, bool]: st.dictionaries(_TEXT, st.booleans(), max_size=3),
    Mapping[str, str]: st.dictionaries(_TEXT, _TEXT, max_size=3),
    Mapping[str, int]: st.dictionaries(_TEXT, _INTEGER, max_size=3),
    Phase: st.sampled_from(Phase),
    rooms.Shown: st.sampled_from(rooms.Shown),
    inviting.Counted: st.sampled_from(inviting.Counted),
    messages.CardReactionEffect: st.sampled_from(messages.CardReactionEffect),
    tuple[delayed_leaves.DelegatedLeave, ...]: st.lists(
        st.builds(delayed_leaves.DelegatedLeave, _TEXT, _TEXT, _TEXT, _TEXT, _INTEGER), max_size=3
    ).map(tuple),
    tuple[plain_calls.NotedCall, ...]: st.lists(
        st.builds(
            plain_calls.NotedCall,
            room=_TEXT,
            call=_TEXT,
            user=_TEXT,
            space=st.none() | _TEXT,
            version=_TEXT,
            peer=_TEXT,
            session=_TEXT,
            until_ms=_INTEGER,
        ),
        max_size=3,
    ).map(tuple),
    messages.Invitation: st.builds(messages.Invitation, _TEXT, _TEXT, _TEXT, _TEXT),
}


def any_note() -> st.SearchStrategy[Note]:
    """Notes of every kind, with everything in their fields that people and servers may send."""
    return st.one_of([_of(record) for record in ALL])


def _of(record: Any) -> st.SearchStrategy[Note]:  # noqa: ANN401  every note is a dataclass
    hints = get_type_hints(record)
    parts = {field.name: _OF_HINT[hints[field.name]] for field in fields(record)}
    return st.builds(record, **parts)
