"""Power levels as plain dicts."""

import pytest

from spaces_bridge.core import commands as cmd
from spaces_bridge.core.ids import UserId
from spaces_bridge.core.roles import DEFAULT_LEVELS, RoleLevels
from spaces_bridge.matrix.events.levels import (
    Needs,
    arranged,
    creators_are_above,
    initial,
    needs_of,
    own_levels,
    rules_of,
    structure,
    with_level,
)
from spaces_bridge.matrix.settings import StageAccess
from tests.support.spaces import HOST, after, live_space

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


@pytest.mark.parametrize("version", ["11", "12"])
@pytest.mark.parametrize("private", [True, False])
def test_a_new_room_is_arranged_already(version: str, private: bool) -> None:
    levels = RoleLevels(host=80, cohost=40, speaker=20)
    content = initial(levels, ADA, BOT, private=private, room_version=version)
    assert arranged(content, Needs(levels, private)) == content
    assert content["ban"] == 40


def test_what_somebody_changed_is_found_and_people_keep_their_levels() -> None:
    needs = Needs(DEFAULT_LEVELS)
    content = initial(DEFAULT_LEVELS, ADA, BOT, private=False, room_version="12")
    meddled = {
        **content,
        "users": {ADA: 90, BEN: 10},
        "users_default": 100,
        "invite": 0,
        "events": {**content["events"], "m.room.encryption": 0, "m.room.message": 100},
        "historical": 100,
    }
    back = arranged(meddled, needs)
    assert back == {**content, "users": {ADA: 90, BEN: 10}, "historical": 100}
    assert arranged({}, needs) == {k: v for k, v in content.items() if k != "users"}
    assert rules_of(back) == {**structure(needs), "historical": 100}


MEMBERS = [
    "org.matrix.msc3401.call.member",
    "m.call.member",
    "org.matrix.msc4143.rtc.member",
    "m.rtc.member",
]


@pytest.mark.parametrize(("stage", "level"), [("open", 0), ("strict", 10)])
def test_the_stage_says_who_may_be_in_the_call(stage: StageAccess, level: int) -> None:
    content = initial(DEFAULT_LEVELS, ADA, BOT, private=False, room_version="12", call_stage=stage)
    assert [content["events"][name] for name in MEMBERS] == [level] * 4
    assert content["events"]["io.element.call.reaction"] == 0
    assert content["events"]["org.matrix.msc3401.call"] == content["events"]["m.call"] == 100
    assert arranged(content, needs_of(live_space(), stage)) == content
    quiet = structure(needs_of(after(live_space(), cmd.LockSpace(HOST)), stage))
    assert quiet["events"] == content["events"]
    ended = after(live_space(), cmd.EndSpace(HOST, 9))
    over = structure(needs_of(ended, stage))["events"]
    assert [over[name] for name in MEMBERS] == [100] * 4


def test_without_calls_the_levels_are_those_of_before() -> None:
    events = structure(needs_of(live_space(), "off"))["events"]
    assert [events.get(name) for name in MEMBERS] == [100, 100, None, None]
    assert "io.element.call.reaction" not in events


def test_a_locked_space_is_quiet_and_reactions_go_on() -> None:
    locked = after(live_space(), cmd.LockSpace(HOST))
    quiet = after(live_space(), cmd.SetChat(HOST, on=False))
    for space, invite in ((locked, 60), (quiet, 0)):
        content = structure(needs_of(space))
        assert (content["events_default"], content["invite"]) == (10, invite)
        assert content["events"]["m.reaction"] == content["events"]["m.room.redaction"] == 0
    assert structure(needs_of(live_space()))["events_default"] == 0
    assert structure(needs_of(live_space(private=True)))["invite"] == 60


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
