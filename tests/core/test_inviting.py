"""Who may invite by direct message."""

import pytest

from spaces_bridge.core import commands as cmd
from spaces_bridge.core import events as ev
from spaces_bridge.core.errors import Rejected
from spaces_bridge.core.evolution import born, evolve
from spaces_bridge.core.ids import RoomId, SpaceId, UserId
from spaces_bridge.core.live_space import LiveSpace
from spaces_bridge.core.rules import create, decide

pytestmark = pytest.mark.unit

ADA, GUEST, CAT = UserId("@ada:x"), UserId("@spaces_guest:x"), UserId("@cat:x")


def obeyed(space: LiveSpace, *commands: cmd.Command) -> LiveSpace:
    for command in commands:
        for event in decide(space, command):
            space = evolve(space, event)
    return space


def test_a_guest_causes_no_direct_messages_not_even_with_the_floor() -> None:
    made = born(create(cmd.CreateSpace(SpaceId("s"), "s", "Bread", ADA, "Ada", 1)))
    space = obeyed(
        evolve(made, ev.RoomAttached(RoomId("!room"))),
        cmd.ObserveMember(ADA, True, "Ada"),
        cmd.ObserveLevels({ADA: 90}),
        cmd.StartSpace(ADA, 2),
        cmd.RequestToSpeak(GUEST, 3, "Gus", guest=True),
        cmd.ApproveSpeaker(ADA, GUEST),
        cmd.ObserveMember(GUEST, True, "Gus (guest)"),
    )
    assert space.person(GUEST).joined
    with pytest.raises(Rejected) as refusal:
        decide(space, cmd.InvitePerson(GUEST, CAT))
    assert refusal.value.code == "account_needed"
    assert decide(space, cmd.InvitePerson(ADA, CAT)) == [ev.PersonInvited(CAT, ADA)]
