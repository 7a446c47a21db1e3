"""The live feed: words while they are being said."""

import pytest

from spaces_bridge.app.ports import Draft
from spaces_bridge.core import commands as cmd
from spaces_bridge.core.ids import UserId, UtteranceId
from spaces_bridge.core.live_space import LiveSpace
from spaces_bridge.web.feed.outgoing import QUEUE_MAX, encode
from spaces_bridge.web.views import tone
from tests.web.world import ALICE, BOB, HOST, WebWorld

pytestmark = pytest.mark.peers


async def on_air(world: WebWorld, space: LiveSpace, user: UserId = ALICE) -> LiveSpace:
    """Somebody speaks."""
    await world.seat(space.space, user, user[1:].partition(":")[0].title())
    await world.spaces.ask(space.space, cmd.OpenMicrophone(user))
    return world.view(space.space)


def draft(user: UserId = ALICE, text: str = "Roses want wa", committed: int = 10) -> Draft:
    return Draft(UtteranceId(f"{user}:2000"), user, text, committed, 2000, 2700, "en")


async def test_what_is_being_said_reaches_every_page_and_its_final_takes_its_place(
    world: WebWorld,
) -> None:
    space = await on_air(world, await world.create())
    async with world.feed(space) as one, world.feed(space, name="Maria") as two:
        for feed in (one, two):
            await feed.next("hello")
        world.hub.draft(space.space, draft())
        await world.caption(space.space, ALICE, "Roses want water.", start_ms=2000)
        world.hub.draft(space.space, draft(text=""))
        await world.caption(space.space, ALICE, "Every day.", start_ms=4000)
        for feed in (one, two):
            partial, final, other = [await feed.next("caption") for _ in range(3)]
            assert partial == {
                "type": "caption",
                "id": f"{ALICE}:2000",
                "speaker": ALICE,
                "name": "Alice",
                "guest": False,
                "text": "Roses want wa",
                "committed": 10,
                "final": False,
                "start_ms": 2000,
                "end_ms": 2700,
                "language": "en",
                "tone": tone(ALICE),
            }
            assert (final["id"], final["final"]) == (partial["id"], True)
            assert (final["text"], other["text"]) == ("Roses want water.", "Every day.")
    assert [line.text for line in world.view(space.space).caption_lines] == [
        "Roses want water.",
        "Every day.",
    ]


async def test_what_came_to_nothing_is_taken_back(world: WebWorld) -> None:
    space = await on_air(world, await world.create())
    async with world.feed(space) as page:
        await page.next("hello")
        world.hub.draft(space.space, draft(BOB, text=""))
        world.hub.draft(space.space, draft())
        world.hub.draft(space.space, draft(text=""))
        shown, gone = [await page.next("caption") for _ in range(2)]
        assert gone == shown | {"text": "", "committed": 0}


@pytest.mark.parametrize(
    "ending",
    [
        cmd.MuteSpeaker(HOST, ALICE),
        cmd.DemoteSpeaker(HOST, ALICE),
        cmd.RemovePerson(HOST, ALICE),
        cmd.CloseMicrophone(ALICE),
        cmd.ObserveMember(ALICE, joined=False),
        cmd.SetCaptions(HOST, on=False),
        cmd.EndSpace(HOST, 9_000_000_000_000),
    ],
)
async def test_the_words_of_somebody_who_is_not_heard_any_more_go_at_once(
    world: WebWorld, ending: cmd.Command
) -> None:
    space = await on_air(world, await world.create())
    async with world.feed(space) as page:
        await page.next("hello")
        world.hub.draft(space.space, draft())
        assert (await page.next("caption"))["text"] == "Roses want wa"
        await world.spaces.ask(space.space, ending)
        gone = await page.next("caption")
        assert (gone["id"], gone["text"], gone["final"]) == (f"{ALICE}:2000", "", False)


async def test_the_words_of_others_stay(world: WebWorld) -> None:
    space = await on_air(world, await on_air(world, await world.create()), BOB)
    async with world.feed(space) as page:
        await page.next("hello")
        world.hub.draft(space.space, draft(ALICE))
        world.hub.draft(space.space, draft(BOB))
        await world.spaces.ask(space.space, cmd.MuteSpeaker(HOST, ALICE))
        await world.caption(space.space, BOB, "Yes.", start_ms=2000)
        seen = [await page.next("caption") for _ in range(4)]
    assert [(frame["speaker"], frame["text"]) for frame in seen] == [
        (ALICE, "Roses want wa"),
        (BOB, "Roses want wa"),
        (ALICE, ""),
        (BOB, "Yes."),
    ]


async def test_a_slow_page_loses_drafts_and_nothing_else(world: WebWorld) -> None:
    space = await on_air(world, await world.create())
    async with world.feed(space) as page:
        await page.next("hello")
        [client] = world.hub._channels[space.space].clients
        said = {"type": "notice", "code": "x", "with": {}}
        heavy, light = (encode({**said, "text": "x" * n}) for n in (1 << 20, 1))
        while not client.outgoing._frames:  # until the system's buffers take no more
            client.outgoing.put(heavy)
            client.outgoing.put(light)
        for number in range(QUEUE_MAX * 3):
            world.hub.draft(space.space, draft(text=f"draft {number}"))
        world.hub.draft(space.space, draft(text=""))
        shown = 0
        while (frame := await page.next("caption"))["text"]:
            assert str(frame["text"]).startswith("draft ")
            shown += 1
        assert shown < QUEUE_MAX
