"""What evenings on real parts share: tabs of a phone, and what a plain Matrix client sees."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

from playwright.async_api import Browser, Locator, Page, expect

from spaces_bridge_demo.deployment import LIVE_STATE, LiveRoom, Person
from spaces_bridge_demo.expected import Expected
from tests.e2e.states import PATIENCE_MS
from tests.web.browser import Watched, opened

BUDGET_S = 180.0
"""What a room is told besides levels and bans may wait a minute for its budget of events."""

Content = Mapping[str, Any]
State = Callable[[Content], bool]


@asynccontextmanager
async def phone(browser: Browser, link: str, *, before: str = "") -> AsyncIterator[Watched]:
    """The page on a phone that allows its microphone."""
    async with opened(browser, link, width=390, height=844, before=before) as watched:
        await watched.page.context.grant_permissions(["microphone"])
        watched.page.set_default_timeout(PATIENCE_MS)
        yield watched


def next_state(person: Person, space: LiveRoom, wanted: State) -> Expected:
    """The next word of the room's state about the live space that is wanted."""
    return person.next_in(space.room, LIVE_STATE, lambda event: wanted(event["content"]), BUDGET_S)


def next_member(person: Person, space: LiveRoom, user: str, membership: str) -> Expected:
    """Somebody's next membership of that kind."""
    return person.next_in(
        space.room,
        "m.room.member",
        lambda event: event["state_key"] == user and event["content"]["membership"] == membership,
        BUDGET_S,
    )


async def seen(where: Page | Locator, selector: str, words: str | None = None) -> Locator:
    """It is there to be seen, and says so."""
    found = where.locator(selector)
    await expect(found).to_be_visible(timeout=PATIENCE_MS)
    if words is not None:
        await expect(found).to_contain_text(words, timeout=PATIENCE_MS)
    return found


async def unseen(where: Page | Locator, selector: str) -> None:
    """It is not there, or hidden."""
    await expect(where.locator(selector)).to_be_hidden(timeout=PATIENCE_MS)


def on_stage(page: Page, user: str) -> Locator:
    """Somebody's seat."""
    return page.locator(f"#stage [data-key='{user}']")
