"""Which live space is meant, and what is too much."""

from collections.abc import AsyncIterator

import pytest

from spaces_bridge.core.ids import RoomId, SpaceId, UserId
from tests.matrix.talk_town import COMMUNITY, DM, MIA, TalkTown
from tests.support.spaces import BEN, EVE, HOST

pytestmark = pytest.mark.unit


@pytest.fixture
async def town() -> AsyncIterator[TalkTown]:
    async with TalkTown() as town:
        yield town


async def test_several_candidates_are_listed_and_a_room_is_about_itself(town: TalkTown) -> None:
    await town.open()
    await town.plan(space=SpaceId("s2"), slug="later", title="Later")
    answer = await town.say(HOST, "title New", DM)
    assert "In which one?" in answer
    assert answer.count("•") == 2
    await town.say(HOST, "!space title New", RoomId("!s2"))
    assert town.view.title == "New"


async def test_a_community_room_is_about_what_was_announced_there_alone(town: TalkTown) -> None:
    await town.open()
    assert "I see no live space" in await town.say(HOST, "!space end", COMMUNITY)
    await town.plan(space=SpaceId("s2"), slug="s2", title="Here", community=COMMUNITY)
    assert "“Here” has ended" in await town.say(HOST, "!space end", COMMUNITY)


async def test_alone_with_the_bot_it_says_where_to_go_when_there_is_nothing(
    town: TalkTown,
) -> None:
    answer = await town.say(HOST, "end", DM)
    assert "I see no live space this could be about. Join its room first" in answer
    assert "to me alone" not in answer


async def test_a_number_of_the_queue_is_the_same_person_after_a_crash(town: TalkTown) -> None:
    await town.open()
    await town.say(BEN, "!space speak")
    await town.say(EVE, "!space speak")
    assert "Ben" in await town.say(HOST, "!space approve 1", event="$a")
    assert "Ben" in await town.say(HOST, "!space approve 1", event="$a")
    assert [hand.user for hand in town.view.hands] == [EVE]


async def test_a_flood_is_answered_once_and_then_ignored(town: TalkTown) -> None:
    await town.open()
    answers = [await town.say(BEN, "!space nonsense") for _ in range(22)]
    assert all("Did you" in a or "I do not know" in a for a in answers[:20])
    assert answers[20:] == ["❌ “First talk”: Too many commands at once: wait a minute.", ""]
    assert await town.say(BEN, "queue", DM) != ""
    assert await town.say(HOST, "!space queue") != ""
    town.notebook.now += 60_000
    assert await town.say(BEN, "!space queue") != ""


async def test_beyond_the_rooms_budget_answers_come_by_direct_message(town: TalkTown) -> None:
    await town.open()
    answers = [await town.say(who, "!space queue") for who in (BEN, MIA, EVE) for _ in range(4)]
    assert town.answered == ["command.reply"] * 8 + ["person.tell"] * 4
    assert answers[-1] == "“First talk”: No hand is up right now."
    for _ in range(6):
        assert (await town.say(HOST, "!space title")).startswith("❌ Write it like")
    assert (await town.say(HOST, "!space title")).startswith("❌ “First talk”: Write it like")
    town.notebook.now += 60_000
    assert await town.say(HOST, "!space queue") == "No hand is up right now."


async def test_a_mob_of_strangers_opens_no_direct_rooms(town: TalkTown) -> None:
    await town.open()
    mob = [UserId(f"@troll{number}:evil.example") for number in range(20)]
    town.strangers = set(mob)
    answers = [await town.say(troll, "!space queue") for troll in mob]
    assert town.answered == ["command.reply"] * 9
    assert "write to me alone" in answers[8]
    assert (await town.say(HOST, "!space queue")).endswith("No hand is up right now.")


async def test_moderators_have_more_patience_and_everybody_has_it_alone(town: TalkTown) -> None:
    await town.open()
    answers = [await town.say(HOST, "!space queue") for _ in range(61)]
    assert ["Too many" in answer for answer in answers] == [False] * 60 + [True]
    answers = [await town.say(BEN, "live", DM) for _ in range(61)]
    assert ["Too many" in answer for answer in answers] == [False] * 60 + [True]
