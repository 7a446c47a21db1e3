"""A stage that has too much to do, as pages and clients learn of it."""

import pytest

from spaces_bridge.app.ports import Direction, Overload
from tests.web.test_shown_out import offer
from tests.web.world import ALICE, WebWorld

pytestmark = pytest.mark.peers


def step_in(frame: dict[str, object]) -> object:
    about = frame["space"]
    assert isinstance(about, dict)
    return about["overload"]


async def test_pages_learn_what_is_given_up_when_they_open_and_when_it_changes(
    world: WebWorld,
) -> None:
    space = await world.create()
    async with world.feed(space) as early:
        assert step_in(await early.next("hello")) == 0
        world.hub.overloaded(Overload.LONG_FRAMES)
        assert step_in(await early.next("space")) == 2
        async with world.feed(space) as late:
            assert step_in(await late.next("hello")) == 2
            world.hub.overloaded(Overload.LONG_FRAMES)  # nothing new, nothing told
            world.hub.overloaded(Overload.CALM)
            for page in (early, late):
                assert step_in(await page.next("space")) == 0


async def test_only_who_has_the_floor_is_let_in_to_a_crowded_stage(world: WebWorld) -> None:
    space = await world.create()
    await world.seat(space.space, ALICE, "Alice")
    speaker = await world.link(space.space, ALICE)
    for secret in (None, speaker):
        assert await offer(world, space, "whep", secret) == (201, "")
    assert await offer(world, space, "whip", speaker) == (201, "")
    assert [(direction, has_floor) for _, direction, has_floor in world.stage.offers] == [
        (Direction.LISTEN, False),
        (Direction.LISTEN, True),
        (Direction.SPEAK, True),
    ]
    world.stage.refusal, world.stage.refusal_code = "Too many people.", "crowded"
    assert await offer(world, space, "whep") == (503, "crowded")
