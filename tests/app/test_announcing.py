"""Who hears that a live space has started."""

import pytest

from spaces_bridge.app import policies
from spaces_bridge.core import commands as cmd
from spaces_bridge.core import events as ev
from spaces_bridge.core.evolution import born, evolve
from spaces_bridge.core.ids import SpaceId, UserId
from spaces_bridge.core.rules import create

pytestmark = pytest.mark.unit

ADA, CAT, SPACE = UserId("@ada:x"), UserId("@cat:x"), SpaceId("s")


@pytest.mark.parametrize(
    ("private", "reminded", "announced"),
    [(False, False, True), (False, True, True), (True, False, False), (True, True, True)],
)
def test_a_private_one_is_announced_only_for_those_who_asked(
    private: bool, reminded: bool, announced: bool
) -> None:
    made = create(cmd.CreateSpace(SPACE, "s", "Bread", ADA, "Ada", 1, private=private))
    space = born(made)
    if reminded:
        space = evolve(space, ev.ReminderWanted(CAT))
    effects = policies.effects_of(space, ev.SpaceStarted(ADA, 2), 2, 2, 500)
    assert ("followers.announce_live" in [effect.kind for effect in effects]) is announced
