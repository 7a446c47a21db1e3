"""Making a live space: who may, and what a new one is like."""

from dataclasses import replace

import pytest

from spaces_bridge.app.context import AppSettings
from spaces_bridge.app.registry import Spaces
from spaces_bridge.app.usecases.creating import Creating, NewSpace, Permission
from spaces_bridge.core.errors import Rejected
from spaces_bridge.core.floor import QueueOrder, SpeakPolicy
from spaces_bridge.core.ids import RoomId, UserId
from spaces_bridge.core.roles import RoleLevels
from tests.support.recorder import Recorder
from tests.support.spaces import BEN, EVE, GUEST, HOST

pytestmark = pytest.mark.unit

BOT = "@spacesbot:example.org"
SETTINGS = AppSettings(domain="example.org", bot=BOT)
TALK = NewSpace("First talk")


def creating(
    recorder: Recorder, settings: AppSettings = SETTINGS, permission: Permission = "host"
) -> tuple[Creating, Spaces]:
    spaces = Spaces(recorder.context(settings))
    return Creating(spaces, lambda _: permission), spaces


async def test_a_new_live_space_is_as_the_host_wants_it_and_the_admin_has_set_it(
    recorder: Recorder,
) -> None:
    settings = replace(
        SETTINGS,
        levels=RoleLevels(host=80, cohost=55, speaker=5),
        max_speakers=3,
        max_cohosts=1,
        queue_order=QueueOrder.AIRTIME,
        captions=False,
        language="pt",
    )
    use_case, spaces = creating(recorder, settings)
    wanted = NewSpace("Jazz", True, SpeakPolicy.INVITED, 90_000, RoomId("!community"))
    space = await use_case.create(HOST, "Ada\u202e", wanted, "$event")
    await spaces.stop()
    assert (space.title, space.host, space.person(HOST).name) == ("Jazz", HOST, "Ada")
    assert (space.private, space.speak_policy) == (True, SpeakPolicy.INVITED)
    assert (space.scheduled_at_ms, space.community) == (90_000, "!community")
    assert space.levels == settings.levels
    assert (space.max_speakers, space.max_cohosts) == (3, 1)
    assert (space.queue_order, space.captions, space.language) == (QueueOrder.AIRTIME, False, "pt")
    assert recorder.kinds() == ["room.make"]


async def test_the_same_request_again_makes_no_second_one(recorder: Recorder) -> None:
    use_case, spaces = creating(recorder)
    first = await use_case.create(HOST, None, TALK, "page:1")
    again = await use_case.create(HOST, "Ada", TALK, "page:1")
    other = await use_case.create(HOST, "Ada", TALK, "page:2")
    await spaces.stop()
    assert again == first
    assert first.person(HOST).name == "ada"
    assert other.space != first.space


@pytest.mark.parametrize(
    ("by", "permission", "followers", "code"),
    [
        (HOST, "listen", 5, "may_not_host"),
        (HOST, "host", 1, "too_few_followers"),
        (HOST, "host", 2, ""),
        (HOST, "admin", 0, ""),
        (GUEST, "admin", 5, "account_needed"),
        (UserId(BOT), "admin", 5, "ours"),
    ],
)
async def test_who_may_host(
    recorder: Recorder, by: UserId, permission: Permission, followers: int, code: str
) -> None:
    recorder.following = {(by, follower) for follower in (BEN, EVE, GUEST)[:followers]}
    use_case, spaces = creating(recorder, replace(SETTINGS, min_followers=2), permission)
    found = ""
    try:
        await use_case.create(by, None, TALK, "$event")
    except Rejected as refusal:
        found = refusal.code
    await spaces.stop()
    assert found == code
    assert len(spaces.open()) == (not code)
