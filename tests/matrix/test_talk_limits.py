"""Which live space is meant, and what is too much."""

from collections.abc import AsyncIterator

import pytest

from spaces_bridge.core.ids import RoomId, SpaceId, UserId
from tests.matrix.command_setup import COMMUNITY, DM, MIA, CommandSetup
from tests.support.spaces import BEN, EVE, HOST

pytestmark = pytest.mark.unit


@pytest.fixture
async def setup() -> AsyncIterator[CommandSetup]:
    async with CommandSetup() as setup:
        yield setup


async def test_several_candidates_are_listed_and_a_room_is_about_itself(
    setup: CommandSetup,
) -> None:
    await setup.open()
    await setup.plan(space=SpaceId("s2"), slug="later", title="Later")
    answer = await setup.say(HOST, "title New", DM)
    assert "In which one?" in answer
    assert answer.count("•") == 2
    await setup.say(HOST, "!space title New", RoomId("!s2"))
    assert setup.view.title == "New"


async def test_a_community_room_is_about_what_was_announced_there_alone(
    setup: CommandSetup,
) -> None:
    await setup.open()
    assert "I see no live space" in await setup.say(HOST, "!space end", COMMUNITY)
    await setup.plan(space=SpaceId("s2"), slug="s2", title="Here", community=COMMUNITY)
    assert "“Here” has ended" in await setup.say(HOST, "!space end", COMMUNITY)


async def test_alone_with_the_bot_it_says_where_to_go_when_there_is_nothing(
    setup: CommandSetup,
) -> None:
    answer = await setup.say(HOST, "end", DM)
    assert "I see no live space this could be about. Join its room first" in answer
    assert "to me alone" not in answer


async def test_a_number_of_the_queue_is_the_same_person_after_a_crash(setup: CommandSetup) -> None:
    await setup.open()
    await setup.say(BEN, "!space speak")
    await setup.say(EVE, "!space speak")
    assert "Ben" in await setup.say(HOST, "!space approve 1", event="$a")
    assert "Ben" in await setup.say(HOST, "!space approve 1", event="$a")
    assert [hand.user for hand in setup.view.hands] == [EVE]


async def test_a_flood_is_answered_once_and_then_ignored(setup: CommandSetup) -> None:
    await setup.open()
    answers = [await setup.say(BEN, "!space nonsense") for _ in range(22)]
    assert all("Did you" in a or "I do not know" in a for a in answers[:20])
    assert answers[20:] == ["❌ “First talk”: Too many commands at once: wait a minute.", ""]
    assert await setup.say(BEN, "queue", DM) != ""
    assert await setup.say(HOST, "!space queue") != ""
    setup.notebook.now += 60_000
    assert await setup.say(BEN, "!space queue") != ""


async def test_beyond_the_rooms_budget_answers_come_by_direct_message(setup: CommandSetup) -> None:
    await setup.open()
    answers = [await setup.say(who, "!space queue") for who in (BEN, MIA, EVE) for _ in range(4)]
    assert setup.answered == ["command.reply"] * 8 + ["person.tell"] * 4
    assert answers[-1] == "“First talk”: No hand is up right now."
    for _ in range(6):
        assert (await setup.say(HOST, "!space title")).startswith("❌ Write it like")
    assert (await setup.say(HOST, "!space title")).startswith("❌ “First talk”: Write it like")
    setup.notebook.now += 60_000
    assert await setup.say(HOST, "!space queue") == "No hand is up right now."


async def test_a_mob_of_strangers_opens_no_direct_rooms(setup: CommandSetup) -> None:
    await setup.open()
    mob = [UserId(f"@troll{number}:evil.example") for number in range(20)]
    setup.strangers = set(mob)
    answers = [await setup.say(troll, "!space queue") for troll in mob]
    assert setup.answered == ["command.reply"] * 9
    assert "write to me alone" in answers[8]
    assert (await setup.say(HOST, "!space queue")).endswith("No hand is up right now.")


async def test_moderators_have_more_patience_and_everybody_has_it_alone(
    setup: CommandSetup,
) -> None:
    await setup.open()
    answers = [await setup.say(HOST, "!space queue") for _ in range(61)]
    assert ["Too many" in answer for answer in answers] == [False] * 60 + [True]
    answers = [await setup.say(BEN, "live", DM) for _ in range(61)]
    assert ["Too many" in answer for answer in answers] == [False] * 60 + [True]
