"""What holds for every panel, sheet and shell, in every look: axe, targets, words, motion."""

from collections.abc import Awaitable, Callable

import pytest
from playwright.async_api import Browser, Page

from tests.web.looks import complaints, cut_labels, edgeless, moving, unbracketed
from tests.web.tour import LOOKS, MARK, Look, tour
from tests.web.world import WebWorld

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

AT_LEAST = 30
"""So many sights there are; a tour that saw fewer has lost its way."""


async def found(
    world: WebWorld, browser: Browser, look: Look, wrong: Callable[[Page], Awaitable[list[str]]]
) -> list[str]:
    """What is wrong, and where."""
    seen: dict[str, list[str]] = {}

    async def visit(name: str, page: Page) -> None:
        assert name not in seen
        seen[name] = await wrong(page)

    await tour(world, browser, look, visit)
    assert len(seen) >= AT_LEAST
    return [f"{name}: {one}" for name, complaints in seen.items() for one in complaints]


@pytest.mark.parametrize("look", LOOKS, ids=lambda look: look.name)
async def test_nothing_keeps_anybody_out(world: WebWorld, browser: Browser, look: Look) -> None:
    async def wrong(page: Page) -> list[str]:
        return [*await complaints(page), *await cut_labels(page)]

    assert await found(world, browser, look, wrong) == []


async def test_everything_is_said_in_the_readers_language(
    world: WebWorld, browser: Browser
) -> None:
    look = Look("pseudo", language="qps-ploc")
    assert await found(world, browser, look, lambda page: unbracketed(page, MARK)) == []


async def test_without_motion_and_colours_of_ones_own_all_is_there_and_still(
    world: WebWorld, browser: Browser
) -> None:
    async def wrong(page: Page) -> list[str]:
        await page.emulate_media(reduced_motion="reduce", forced_colors="active")
        return [*await moving(page), *await edgeless(page)]

    assert await found(world, browser, Look("calm"), wrong) == []
