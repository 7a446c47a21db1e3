"""Each use case asked for by a command and on the page: the same case, the same outcome."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field

import pytest

from spaces_bridge.app.records import PolicyRule
from spaces_bridge.app.usecases.reporting import GUESTS_REPORTS_AN_HOUR, REPORTS_AN_HOUR
from spaces_bridge.core import commands as cmd
from spaces_bridge.core.errors import Rejected
from spaces_bridge.core.ids import RoomId, UserId
from spaces_bridge.matrix.commands.dispatcher import OWN_WORDS
from spaces_bridge.web.feed.acts import Acts
from spaces_bridge.web.feed.verbs import Frame
from spaces_bridge.web.settings import WebSettings
from spaces_bridge.web.views import You
from tests.matrix.command_setup import MIA, SETTINGS, CommandSetup
from tests.support.spaces import BEN, EVE, GUEST, HOST

pytestmark = pytest.mark.unit

BOT = SETTINGS.bot
Prepare = Callable[[CommandSetup], Awaitable[None]]
Ways = tuple[CommandSetup, CommandSetup]
"""Two equal set-ups: in one somebody writes a command, in the other a page sends a frame."""


@dataclass(frozen=True)
class Case:
    """What somebody asks for in both ways, and the code of the refusal, if it is refused."""

    words: str
    frame: Frame
    code: str = ""
    by: UserId = HOST
    before: Prepare | None = None
    times: int = field(default=1)
    """How often it is asked for; the last answer counts."""


async def on_the_page(
    setup: CommandSetup, by: UserId, frame: Frame, *, guest: bool = False
) -> str:
    """The code of the refusal; empty when it was done."""
    acts = Acts(WebSettings(bot=BOT), setup.spaces, setup.use_cases)
    try:
        await acts.do(frame, You(by, "", guest=guest), setup.view)
    except Rejected as refusal:
        return refusal.code
    return ""


async def outcome(setup: CommandSetup) -> object:
    """Everything that a use case may have changed."""
    await setup.settled()
    await setup.ban_lists.stop()
    return {
        "removed": {user: (r.reason, r.blocked) for user, r in setup.view.removed.items()},
        "blocks": {key: block.reason for key, block in setup.lists.blocks.items()},
        "reports": [(r.reporter, r.reported, r.reason) for r in setup.lists.reports.values()],
        "following": setup.notebook.following,
        "posts": [(post.url, post.event, post.by) for post in setup.view.posts],
        "phase": setup.view.phase,
        "tasks": sorted(kind for kind in setup.notebook.kinds() if kind != "person.tell"),
    }


@pytest.fixture
async def ways() -> AsyncIterator[Ways]:
    async with AsyncExitStack() as stack:
        commands = await stack.enter_async_context(CommandSetup())
        yield commands, await stack.enter_async_context(CommandSetup())


async def eve_is_blocked(setup: CommandSetup) -> None:
    await setup.use_cases.blocking.block(setup.view, HOST, EVE, "spam")


async def eve_is_blocked_twice(setup: CommandSetup) -> None:
    await eve_is_blocked(setup)
    pattern = "@*:elsewhere.net"
    await setup.use_cases.blocking.block_pattern(setup.view, HOST, pattern, "too many names")


async def eve_is_listed_too(setup: CommandSetup) -> None:
    await eve_is_blocked(setup)
    rule = PolicyRule(RoomId("!lists"), "user", "1", EVE, "spam")
    await setup.ban_lists.learn(rule)


async def eve_is_removed(setup: CommandSetup) -> None:
    await setup.does(cmd.RemovePerson(HOST, EVE))


async def a_guest_asks(setup: CommandSetup) -> None:
    await setup.does(cmd.RequestToSpeak(GUEST, 3_000, name="Gus", guest=True))


async def ben_helps(setup: CommandSetup) -> None:
    await setup.gives(BEN, 60)


async def eve_helps_elsewhere(setup: CommandSetup) -> None:
    """She is a co-host of another live space of the same host, and Ben of this one."""
    await ben_helps(setup)
    here = setup.space
    await setup.plan(space="other", slug="other")
    await setup.gives(EVE, 60)
    setup.space = here


async def eve_follows_ada(setup: CommandSetup) -> None:
    setup.notebook.following.add((HOST, EVE))


CASES = {
    "block": Case("block eve spam", {"type": "block", "user": EVE, "reason": "spam"}),
    "block again": Case(
        "block @eve:elsewhere.net more", {"type": "block", "user": EVE, "reason": "more"},
        before=eve_is_blocked,
    ),
    "block a guest": Case(
        "block 1 loud", {"type": "block", "user": GUEST, "reason": "loud"}, before=a_guest_asks
    ),
    "block an unknown guest": Case(
        "block @spaces_0f:example.org", {"type": "block", "user": "@spaces_0f:example.org"}
    ),
    "block the bot": Case(f"block {BOT}", {"type": "block", "user": BOT}, "ours"),
    "block oneself": Case(f"block {HOST}", {"type": "block", "user": HOST}, "own_removal"),
    "block as a listener": Case(
        "block eve", {"type": "block", "user": EVE}, "not_moderator", by=BEN
    ),
    "block the host": Case(
        "block ada", {"type": "block", "user": HOST}, "too_high", by=BEN, before=ben_helps
    ),
    "block who helps elsewhere": Case(
        "block eve", {"type": "block", "user": EVE}, "too_high", BEN, eve_helps_elsewhere
    ),
    "remove the bot": Case(f"remove {BOT}", {"type": "remove", "user": BOT}, "ours"),
    "remove": Case("remove eve loud", {"type": "remove", "user": EVE, "reason": "loud"}),
    "unblock": Case("unblock eve", {"type": "unblock", "user": EVE}, before=eve_is_blocked),
    "unblock who is removed": Case(
        "unblock eve", {"type": "unblock", "user": EVE}, before=eve_is_removed
    ),
    "unblock nobody": Case(
        "unblock @zoe:example.org", {"type": "unblock", "user": "@zoe:example.org"}, "not_blocked"
    ),
    "unblock as a listener": Case(
        "unblock eve", {"type": "unblock", "user": EVE}, "not_moderator", BEN, eve_is_blocked
    ),
    "unblock beneath a wider entry": Case(
        "unblock eve", {"type": "unblock", "user": EVE}, "still_barred", HOST, eve_is_blocked_twice
    ),
    "unblock beneath a policy list": Case(
        "unblock eve", {"type": "unblock", "user": EVE}, "still_listed", HOST, eve_is_listed_too
    ),
    "report": Case("report eve shouts", {"type": "report", "user": EVE, "reason": "shouts"}),
    "report without a reason": Case(
        "report eve", {"type": "report", "user": EVE, "reason": " \n "}, "no_reason"
    ),
    "report oneself": Case(
        "report ada is me", {"type": "report", "user": HOST, "reason": "is me"}, "oneself"
    ),
    "report the bot": Case(
        f"report {BOT} talks", {"type": "report", "user": BOT, "reason": "talks"}, "ours"
    ),
    "report a stranger": Case(
        "report @no:one.example x",
        {"type": "report", "user": "@no:one.example", "reason": "x"},
        "unknown_person",
    ),
    "report often": Case(
        "report eve x", {"type": "report", "user": EVE, "reason": "x"}, "many_reports", times=6
    ),
    "follow": Case("follow", {"type": "follow"}, by=EVE),
    "follow again": Case("follow", {"type": "follow"}, by=EVE, before=eve_follows_ada),
    "follow oneself": Case("follow", {"type": "follow"}, "oneself"),
    "follow the bot": Case(f"follow {BOT}", {"type": "follow", "user": BOT}, "ours"),
    "follow a guest": Case(f"follow {GUEST}", {"type": "follow", "user": GUEST}, "is_guest"),
    "unfollow": Case("unfollow", {"type": "unfollow"}, by=EVE, before=eve_follows_ada),
    "unfollow whom one does not follow": Case("unfollow", {"type": "unfollow"}, by=EVE),
    "invite followers": Case(
        "invite followers", {"type": "invite", "followers": True}, before=eve_follows_ada
    ),
    "invite followers twice": Case(
        "invite followers", {"type": "invite", "followers": True}, "again", HOST, eve_follows_ada,
        times=2,
    ),
    "invite one's followers as a listener": Case(
        "invite followers", {"type": "invite", "followers": True}, "not_moderator", by=BEN
    ),
    "share": Case("share example.org/a", {"type": "share", "url": "example.org/a"}),
    "share a message of the room": Case(
        "share https://matrix.to/#/!room/$m",
        {"type": "share", "url": "https://matrix.to/#/!room/$m"},
    ),
    "share as a listener": Case(
        "share https://a.example", {"type": "share", "url": "https://a.example"},
        "not_moderator", by=BEN,
    ),
    "share nonsense": Case("share nonsense", {"type": "share", "url": "nonsense"}, "bad_link"),
    "unschedule what is live": Case("unschedule", {"type": "unschedule"}, "unschedule_live"),
    "unschedule as a listener": Case("unschedule", {"type": "unschedule"}, "not_host", by=BEN),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
async def test_a_command_and_a_frame_have_the_same_outcome(ways: Ways, case: Case) -> None:
    by_command, by_frame = ways
    for setup in ways:
        await setup.open()
        if case.before is not None:
            await case.before(setup)
            await setup.settled()
    before = await outcome(by_frame)
    answer = code = ""
    for _ in range(case.times):
        answer = await by_command.say(case.by, f"!space {case.words}")
        code = await on_the_page(by_frame, case.by, case.frame)
    assert code == case.code
    assert answer.startswith("❌") is bool(case.code), answer
    assert await outcome(by_command) == await outcome(by_frame)
    if case.code and case.times == 1:
        assert await outcome(by_frame) == before
    if case.code in OWN_WORDS:
        assert answer == f"❌ {OWN_WORDS[case.code]}"


async def test_what_is_planned_is_called_off_both_ways(ways: Ways) -> None:
    by_command, by_frame = ways
    for setup in ways:
        await setup.plan()
    assert "called off" in await by_command.say(HOST, "!space unschedule")
    assert await on_the_page(by_frame, HOST, {"type": "unschedule"}) == ""
    assert await outcome(by_command) == await outcome(by_frame)


async def test_reports_by_command_and_on_the_page_count_together(ways: Ways) -> None:
    setup, _ = ways
    await setup.open()
    frame: Frame = {"type": "report", "user": EVE, "reason": "x"}
    for _ in range(REPORTS_AN_HOUR - 2):
        assert await setup.say(BEN, "!space report eve x") == "✅"
    for _ in range(2):
        assert await on_the_page(setup, BEN, frame) == ""
    assert await on_the_page(setup, BEN, frame) == "many_reports"
    assert "within an hour" in await setup.say(BEN, "!space report eve x")
    assert await on_the_page(setup, MIA, frame) == ""  # each by themselves
    setup.notebook.now += 3_600_000
    assert await on_the_page(setup, BEN, frame) == ""


async def test_all_guests_of_a_live_space_have_one_limit_together(ways: Ways) -> None:
    setup, _ = ways
    await setup.open()
    frame: Frame = {"type": "report", "user": EVE, "reason": "x"}
    codes = [
        await on_the_page(setup, UserId(f"@spaces_{n:04x}:example.org"), frame, guest=True)
        for n in range(GUESTS_REPORTS_AN_HOUR + 1)
    ]
    assert codes == [""] * GUESTS_REPORTS_AN_HOUR + ["many_guest_reports"]
    assert await on_the_page(setup, BEN, frame) == ""  # people with an account are not among them
