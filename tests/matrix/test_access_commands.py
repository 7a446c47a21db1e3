"""Commands about access: lock, remove, block, report."""

from collections.abc import AsyncIterator

import pytest

from spaces_bridge.core import commands as cmd
from spaces_bridge.core.access import GuestPolicy
from spaces_bridge.core.ids import UserId
from tests.matrix.command_setup import DM, MIA, CommandSetup
from tests.support.spaces import BEN, EVE, GUEST, HOST

pytestmark = pytest.mark.unit


@pytest.fixture
async def setup() -> AsyncIterator[CommandSetup]:
    async with CommandSetup() as setup:
        yield setup


async def test_a_live_space_is_locked_and_opened(setup: CommandSetup) -> None:
    await setup.open()
    # the room has a notice of its own, so the answer there says only what that does not
    assert await setup.say(HOST, "!space lock") == "✅ `unlock` opens it again."
    assert "no hands right now" in await setup.say(BEN, "!space speak")
    assert "locked" in await setup.say(HOST, "!space invite @zoe:example.org")
    assert "locked" in await setup.say(HOST, "!space invite followers")
    assert await setup.say(HOST, "!space unlock") == "✅"
    assert "Locked" in await setup.say(HOST, "lock", DM)
    assert "Open" in await setup.say(HOST, "unlock", DM)
    assert "on the stage" in await setup.say(HOST, "!space chat off")
    assert not setup.view.chat
    assert "Guests only listen" in await setup.say(HOST, "!space guests listen")
    assert setup.view.guests is GuestPolicy.LISTEN
    assert "is let in" in await setup.say(HOST, "!space guests off")


@pytest.mark.parametrize(
    ("text", "user", "reason"),
    [
        ("remove Mia Maier bad words", MIA, "bad words"),
        ("remove mia bad words", MIA, "bad words"),
        ("remove “Mia Maier” bad words", MIA, "bad words"),
        ("remove @mia:example.org bad words", MIA, "bad words"),
        ("remove @mia:example.org: bad words", MIA, "bad words"),
        ("remove https://matrix.to/#/@eve:elsewhere.net", EVE, ""),
        ("remove @zoe:example.org never came", UserId("@zoe:example.org"), "never came"),
        ("remove 1 too loud", GUEST, "too loud"),
        (f"remove {GUEST}", GUEST, ""),
    ],
)
async def test_whom_to_remove_and_why(
    setup: CommandSetup, text: str, user: UserId, reason: str
) -> None:
    await setup.open()
    await setup.does(cmd.RequestToSpeak(GUEST, 3_000, name="Gus", guest=True))
    assert "is out until this ends" in await setup.say(HOST, f"!space {text}")
    assert {u: r.reason for u, r in setup.view.removed.items()} == {user: reason}
    assert setup.lists.blocks == {}


async def test_a_pill_is_whom_it_links_to(setup: CommandSetup) -> None:
    await setup.open()
    pills = (("Ben", MIA),)  # somebody who calls herself Ben
    await setup.say(HOST, "!space remove Ben for that", pills=pills)
    assert setup.view.removed.keys() == {MIA}
    assert setup.view.removed[MIA].reason == "for that"


async def test_a_reason_does_not_make_half_a_name_whole(setup: CommandSetup) -> None:
    await setup.open()
    answer = await setup.say(HOST, "!space remove be quiet")
    assert "Nobody called “be”" in answer


async def test_block_and_unblock_a_person(setup: CommandSetup) -> None:
    await setup.open()
    await setup.gives(BEN, 60)
    assert "Eve is blocked" in await setup.say(BEN, "!space block eve spam")
    assert setup.view.removed[EVE].blocked
    block = setup.lists.blocks[HOST, EVE]
    assert (block.by, block.reason) == (BEN, "spam")
    assert "may come in again" in await setup.say(BEN, "!space unblock eve")
    assert EVE not in setup.view.removed
    assert setup.lists.blocks == {}


async def test_a_removed_person_may_be_blocked_later_and_readmitted_by_the_host(
    setup: CommandSetup,
) -> None:
    await setup.open()
    await setup.say(HOST, "!space remove eve")
    assert "is blocked" in await setup.say(HOST, f"!space block {EVE}")
    assert "is blocked" in await setup.say(HOST, f"!space block {EVE} once more")
    assert "may come in" in await setup.say(HOST, "!space unblock eve", event="$once")
    assert "may come in" in await setup.say(HOST, "!space unblock eve", event="$once")
    await setup.ban_lists.stop()
    assert setup.lists.blocks == {}


async def test_a_guest_is_only_removed_and_that_is_said(setup: CommandSetup) -> None:
    await setup.open()
    await setup.does(cmd.RequestToSpeak(GUEST, 3_000, name="Gus", guest=True))
    assert "`guests off`" in await setup.say(HOST, "!space block 1")
    assert not setup.view.removed[GUEST].blocked
    assert setup.lists.blocks == {}


@pytest.mark.parametrize(
    ("word", "target"),
    [
        ("elsewhere.net", "@*:elsewhere.net"),
        ("*where.net", "@*:*where.net"),
        ("@e*:elsewhere.net", "@e*:elsewhere.net"),
        ("@?ve:*.NET", "@?ve:*.net"),
    ],
)
async def test_a_server_or_pattern_is_blocked_at_once(
    setup: CommandSetup, word: str, target: str
) -> None:
    await setup.open()
    assert target in await setup.say(HOST, f"!space block {word} all spam")
    assert setup.lists.blocks.keys() == {(HOST, target)}
    await setup.settled()
    assert setup.view.removed.keys() == {EVE}
    assert "may come in" in await setup.say(HOST, f"!space unblock {word}")
    await setup.settled()
    assert setup.view.removed == {}


async def test_who_is_readmitted_beneath_a_wider_rule_is_still_kept_out(
    setup: CommandSetup,
) -> None:
    await setup.open()
    assert "is blocked" in await setup.say(HOST, "!space block eve")
    await setup.say(HOST, "!space block elsewhere.net too many names")
    answer = await setup.say(HOST, "!space unblock eve")
    assert "Nothing was changed: @*:elsewhere.net is blocked, too" in answer
    assert setup.lists.blocks.keys() == {(HOST, EVE), (HOST, "@*:elsewhere.net")}
    assert EVE in setup.view.removed
    assert "may come in" in await setup.say(HOST, "!space unblock elsewhere.net")
    assert "may come in" in await setup.say(HOST, "!space unblock eve")
    assert not setup.lists.blocks


async def test_a_cohost_blocks_neither_by_pattern_nor_hosts(setup: CommandSetup) -> None:
    await setup.open()
    await setup.gives(BEN, 60)
    await setup.gives(EVE, 60)
    assert "Only the host blocks by pattern" in await setup.say(BEN, "!space block evil.example")
    assert "keep out the host" in await setup.say(BEN, "!space block @b*:example.org")
    assert setup.lists.blocks == {}
    assert "own rank" in await setup.say(BEN, "!space block eve")
    assert "own rank" in await setup.say(BEN, "!space remove ada")


async def test_a_host_keeps_the_list_without_a_live_space(setup: CommandSetup) -> None:
    assert "no live space of yours" in await setup.say(HOST, "block evil.example", DM)
    assert "no live space of yours" in await setup.say(HOST, f"block {EVE} rude", DM)
    assert setup.lists.blocks[HOST, EVE].reason == "rude"
    assert "Say who" in await setup.say(HOST, "block eve", DM)
    assert "keep out" in await setup.say(HOST, "block @a*:example.org", DM)
    assert "may come in" in await setup.say(HOST, "unblock evil.example", DM)
    assert "may come in" in await setup.say(HOST, f"unblock {EVE}", DM)
    assert "neither blocked" in await setup.say(HOST, f"unblock {EVE}", DM)
    assert setup.lists.blocks == {}


async def test_a_report_is_stored_forwarded_and_thanked_for_quietly(setup: CommandSetup) -> None:
    await setup.open()
    await setup.gives(EVE, 10)
    for number in range(7):
        await setup.does(
            cmd.CaptionUtterance(
                f"u{number}",  # type: ignore[arg-type]  # an id is any text
                EVE,
                number * 1000,
                number * 1000 + 900,
                f"word {number}",
                "en",
            )
        )
    assert await setup.say(BEN, "!space report Eve she shouts", event="$r") == "✅"
    assert await setup.say(BEN, "!space report Eve she shouts", event="$r") == "✅"
    ((source, report),) = setup.lists.reports.items()
    assert (source, report.reporter, report.reported) == ("$r", BEN, EVE)
    assert report.reason == "she shouts"
    assert report.context.splitlines()[0] == "Eve · speaker in “First talk”"
    assert report.context.count("word") == 5
    assert "word 6" in report.context
    assert [
        e.body["report"] for e in setup.notebook.effects.values() if e.kind == "report.forward"
    ]
    assert setup.notebook.effects["thanks:$r"].body["user"] == BEN
    assert "Thank you" in await setup.say(BEN, "report ada is rude", DM)


async def test_a_report_by_command_is_normalised_as_one_of_the_page_is(
    setup: CommandSetup,
) -> None:
    await setup.open()
    assert await setup.say(BEN, "!space report eve  she   shouts " + "x" * 600) == "✅"
    ((_, report),) = setup.lists.reports.items()
    assert report.reason.startswith("she shouts xxx")
    assert len(report.reason) == 500


async def test_reports_have_a_limit(setup: CommandSetup) -> None:
    await setup.open()
    for number in range(5):
        assert await setup.say(BEN, f"!space report eve {number}") == "✅"
    assert "within an hour" in await setup.say(BEN, "!space report eve 5")
    assert len(setup.lists.reports) == 5
    setup.notebook.now += 3_600_000
    assert await setup.say(BEN, "!space report eve 6") == "✅"
