"""Power levels as plain dicts."""

import pytest

from spaces_bridge.core.ids import UserId
from spaces_bridge.core.roles import DEFAULT_LEVELS
from spaces_bridge.matrix.levels import creators_are_above, initial, own_levels, with_level

pytestmark = pytest.mark.unit

ADA, BEN, BOT = UserId("@ada:x"), UserId("@ben:x"), UserId("@spacesbot:x")


@pytest.mark.parametrize(
    ("version", "above"),
    [("1", False), ("9", False), ("11", False), ("12", True), ("hydra", True)],
)
def test_creators_stand_above_from_version_12(version: str, above: bool) -> None:
    assert creators_are_above(version) is above


def test_the_bot_is_named_only_where_creators_need_it() -> None:
    old = initial(DEFAULT_LEVELS, ADA, BOT, private=False, room_version="11")
    new = initial(DEFAULT_LEVELS, ADA, BOT, private=False, room_version="12")
    assert old["users"] == {ADA: 90, BOT: 100}
    assert new["users"] == {ADA: 90}


def test_encryption_and_call_membership_are_the_bots_alone() -> None:
    content = initial(DEFAULT_LEVELS, ADA, BOT, private=True, room_version="12")
    events = content["events"]
    assert events["m.room.encryption"] == events["org.matrix.msc3401.call.member"] == 100
    assert content["state_default"] == 100
    assert content["invite"] == 60
    assert events["m.room.redaction"] == events["m.reaction"] == 0


def test_one_entry_changes_and_nothing_else() -> None:
    content = {"users": {ADA: 90, BEN: 10}, "users_default": 0, "odd": {"kept": True}}
    assert with_level(content, BEN, None) == {**content, "users": {ADA: 90}}
    assert with_level(content, BEN, 60)["users"] == {ADA: 90, BEN: 60}
    assert content["users"] == {ADA: 90, BEN: 10}


def test_only_integers_are_own_entries_and_the_bot_is_nobody() -> None:
    content = {"users": {ADA: 90, BEN: "10", BOT: 100, "@flag:x": True, "@half:x": 1.5}}
    assert own_levels(content, BOT) == {ADA: 90}
    assert own_levels({"users": ["odd"]}, BOT) == {}
    assert own_levels({}, BOT) == {}
