"""Hosting from the page, in a real Chromium: rules of the room, hands, people."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
from playwright.async_api import Browser, Page, expect

from spaces_bridge.core import commands as cmd
from spaces_bridge.core.ids import UserId
from spaces_bridge.core.live_space import LiveSpace
from spaces_bridge.core.roles import Role
from tests.e2e.states import CUT
from tests.web.browser import Watched, opened, text
from tests.web.world import ALICE, BOB, HOST, WallClock, WebWorld, guest_of, until

pytestmark = pytest.mark.e2e

COHOST = UserId("@cora:example.org")
LEVELS = {HOST: 90, COHOST: 60}

LOCK = """
(lock) => {
  lock.checked = true;
  lock.dispatchEvent(new Event("change"));
}
"""


@asynccontextmanager
async def hosting(
    world: WebWorld, browser: Browser, space: LiveSpace, user: UserId = HOST
) -> AsyncIterator[Watched]:
    """The page of a moderator, with the hosting panel open."""
    secret = await world.member(space.space, user, LEVELS[user])
    link = world.page(space, f"#t={secret}")
    async with opened(browser, link, before=CUT) as watched:
        await watched.page.click("#tab-control")
        await expect(watched.page.locator("#people > li")).not_to_have_count(0)
        yield watched


async def raise_hand(world: WebWorld, space: LiveSpace, user: UserId) -> None:
    await world.spaces.ask(space.space, cmd.RequestToSpeak(user, WallClock().now_ms()))


async def unfold(page: Page, user: UserId) -> list[str]:
    """Open what may be done about somebody; gives the words of its buttons."""
    row = page.locator(f"#people > li[data-key='{user}']")
    button = row.locator(".people-row")
    if await button.get_attribute("aria-expanded") == "false":
        await button.click()
    return await row.locator(".people-actions button").all_text_contents()


async def act(page: Page, user: UserId, action: str) -> None:
    """Press one of them."""
    await unfold(page, user)
    row = page.locator(f"#people > li[data-key='{user}']")
    await row.get_by_text(action, exact=True).click()


# --- the rules of the room --------------------------------------------------------------------


async def test_each_rule_of_the_room_is_set_and_seen_by_the_other_moderator(
    world: WebWorld, browser: Browser
) -> None:
    space = await world.create()
    async with (
        hosting(world, browser, space) as host,
        hosting(world, browser, space, COHOST) as cora,
    ):
        page, other = host.page, cora.page

        def now() -> LiveSpace:
            return world.view(space.space)

        choices: list[tuple[str, str, Callable[[], str]]] = [
            ("#policy", "everyone", lambda: now().speak_policy),
            ("#guests", "listen", lambda: now().guests),
            ("#queue-order", "airtime", lambda: now().queue_order),
            ("#captions-language", "de", lambda: now().language),
        ]
        for control, value, holds in choices:
            await page.select_option(control, value)
            await until(lambda holds=holds, value=value: holds() == value)  # type: ignore[misc]
            await expect(other.locator(control)).to_have_value(value)
        switches: list[tuple[str, bool, Callable[[], bool]]] = [
            ("#captions-on", False, lambda: now().captions),
            ("#chat-on", False, lambda: now().chat),
            ("#lock", True, lambda: now().locked),
        ]
        for control, on, is_on in switches:
            await page.click(control)  # what comes meanwhile may show it as it was, for a moment
            await until(lambda is_on=is_on, on=on: is_on() is on)  # type: ignore[misc]
            await expect(other.locator(control)).to_be_checked(checked=on)
        await page.fill("#title-text", "Roses, at length")
        await page.keyboard.press("Enter")
        await expect(other.locator("#title")).to_have_text("Roses, at length")
        await expect(other).to_have_title("Roses, at length")


async def test_what_the_server_refuses_goes_back(world: WebWorld, browser: Browser) -> None:
    space = await world.create("Garden hour")
    async with hosting(world, browser, space) as host:
        page = host.page
        await page.fill("#title-text", "x" * 201)
        await page.keyboard.press("Enter")
        await text(page, "#notice", "longer than 200 characters")
        await expect(page.locator("#title-text")).to_have_value("Garden hour")
        await page.locator("#lock").evaluate(LOCK)
        await until(lambda: world.view(space.space).locked)
        await page.locator("#lock").evaluate(LOCK)  # as if this page did not see it yet
        await text(page, "#notice", "locked already")
        await expect(page.locator("#lock")).to_be_checked()


async def test_without_a_connection_a_control_goes_back_at_once(
    world: WebWorld, browser: Browser
) -> None:
    space = await world.create()
    async with hosting(world, browser, space) as host:
        await host.page.evaluate("cutOff = true; sockets.at(-1).close()")
        await expect(host.page.locator("#link")).not_to_be_empty()
        await host.page.select_option("#policy", "everyone")
        await expect(host.page.locator("#policy")).to_have_value("request")


async def test_cohosts_and_listeners_see_what_is_theirs(world: WebWorld, browser: Browser) -> None:
    space = await world.create()
    async with hosting(world, browser, space, COHOST) as cora:
        for hidden in ("#policy", "#captions-on", "#captions-language", "#title-text", "#hosting"):
            await expect(cora.page.locator(hidden)).to_be_hidden()
        for shown in ("#guests", "#queue-order", "#chat-on", "#lock"):
            await expect(cora.page.locator(shown)).to_be_visible()
    listener = world.page(space, f"#t={await world.member(space.space, ALICE)}")
    async with opened(browser, listener) as alice:
        await expect(alice.page.locator("#tab-chat")).to_be_visible()
        await expect(alice.page.locator("#tab-control")).to_be_hidden()
        await expect(alice.page.locator("#control")).to_be_hidden()


# --- hands ------------------------------------------------------------------------------------


async def test_waiting_hands_are_counted_on_the_tab_and_in_the_title(
    world: WebWorld, browser: Browser
) -> None:
    space = await world.create("Garden hour")
    for user, name in ((ALICE, "Alice"), (BOB, "Bob")):
        await world.joined(space.space, user, name)
    async with hosting(world, browser, space) as host:
        page = host.page
        await expect(page.locator("#waiting")).to_be_hidden()
        await expect(page.locator("#next")).to_be_disabled()
        for user in (ALICE, BOB):
            await raise_hand(world, space, user)
        await expect(page).to_have_title("(2) Garden hour")
        await expect(page.locator("#waiting-shown")).to_have_text("2")
        tab = page.get_by_role("tab", name="Hosting 2 hands raised")
        await expect(tab).to_be_visible()
        await page.click("#next")
        await until(lambda: len(world.view(space.space).hands) == 1)
        assert world.view(space.space).is_accepted(ALICE), "who asked first"
        await expect(page).to_have_title("(1) Garden hour")
        await page.click("#clear-queue")
        await until(lambda: not world.view(space.space).hands)
        await expect(page).to_have_title("Garden hour")
        await expect(page.locator("#clear-queue")).to_be_disabled()


async def test_all_speakers_are_muted_at_once_and_one_by_one_heard_again(
    world: WebWorld, browser: Browser
) -> None:
    space = await world.create()
    for user, name in ((ALICE, "Alice"), (BOB, "Bob")):
        await world.seat(space.space, user, name)
    async with hosting(world, browser, space) as host:
        await host.page.click("#mute-all")
        await until(lambda: world.view(space.space).muted == {ALICE, BOB})
        await expect(host.page.locator("#mute-all")).to_be_disabled()
        await text(host.page, f"#people > [data-key='{BOB}']", "muted by a host")
        await act(host.page, BOB, "Lift the mute")
        await until(lambda: world.view(space.space).muted == {ALICE})
        await expect(host.page.locator("#mute-all")).to_be_enabled()


# --- people -----------------------------------------------------------------------------------


async def test_people_are_found_by_name_and_id(world: WebWorld, browser: Browser) -> None:
    space = await world.create()
    for number in range(12):
        user = UserId(f"@person{number}:example.org")
        await world.joined(space.space, user, f"Person {number}")
    async with hosting(world, browser, space) as host:
        page = host.page
        await expect(page.locator("#people-count")).to_have_text("13")
        await page.fill("#people-query", "SON1:EX")
        await expect(page.locator("#people > li")).to_have_count(1)
        await text(page, "#people", "Person 1")
        await page.fill("#people-query", "nobody at all")
        await expect(page.locator("#people-empty")).to_be_visible()
        await page.fill("#people-query", "")
        await expect(page.locator("#people > li")).to_have_count(13)
        await world.joined(space.space, ALICE, "Alice")
        await text(page, "#people", "Alice")


async def test_each_role_may_do_to_each_what_the_server_lets_it(
    world: WebWorld, browser: Browser
) -> None:
    space = await world.create()
    await world.seat(space.space, ALICE, "Alice")
    await world.joined(space.space, BOB, "Bob")
    async with world.feed(space, name="Maria") as maria:
        guest, _ = await guest_of(maria)
        async with (
            hosting(world, browser, space) as host,
            hosting(world, browser, space, COHOST) as cora,
        ):
            out, rise = ["Remove", "Block"], ["Make co-host", "Hand over"]
            await text(host.page, "#people", "Cora")
            expected = {
                HOST: [],
                COHOST: ["Mute", "No longer co-host", "Hand over", *out],
                ALICE: ["Mute", "Make listener", *rise, *out],
                BOB: ["Invite to speak", *rise, *out],
                guest: ["Invite to speak", "Remove"],
            }
            for user, actions in expected.items():
                assert await unfold(host.page, user) == actions, user
            expected = {
                HOST: [],
                COHOST: [],
                ALICE: ["Mute", "Make listener", *out],
                BOB: ["Invite to speak", *out],
                guest: ["Invite to speak", "Remove"],
            }
            for user, actions in expected.items():
                assert await unfold(cora.page, user) == actions, user


async def test_hands_and_roles_change_from_the_list_and_the_sheet(
    world: WebWorld, browser: Browser
) -> None:
    space = await world.create()
    await world.seat(space.space, ALICE, "Alice")
    await world.joined(space.space, BOB, "Bob")
    async with hosting(world, browser, space) as host:
        page = host.page
        await act(page, BOB, "Invite to speak")
        await until(lambda: BOB in world.view(space.space).offers)
        await text(page, f"#people > [data-key='{BOB}']", "invited to speak")
        await act(page, ALICE, "Make co-host")
        await until(lambda: world.view(space.space).appointments.get(ALICE) is Role.COHOST)
        await world.levels(space.space, {ALICE: 60})
        await text(page, f"#people > [data-key='{ALICE}']", "Co-host")
        await page.click(f"#stage [data-key='{ALICE}'] .person-open")
        sheet = page.locator("#person-actions")
        await sheet.get_by_text("No longer co-host").click()
        await until(lambda: world.view(space.space).appointments.get(ALICE) is Role.SPEAKER)
        await world.levels(space.space, {ALICE: 10})
        await page.click(f"#stage [data-key='{ALICE}'] .person-open")
        await sheet.get_by_text("Hand over").click()
        await text(page, "#sure-title", "Make Alice the host?")
        await page.click("#sure-yes")
        await until(lambda: world.view(space.space).appointments.get(ALICE) is Role.HOST)


async def test_how_loud_somebody_is_heard_is_set_on_their_sheet(
    world: WebWorld, browser: Browser
) -> None:
    space = await world.create()
    await world.seat(space.space, ALICE, "Alice")
    async with hosting(world, browser, space) as host:
        page = host.page
        await page.click(f"#stage [data-key='{ALICE}'] .person-open")
        now, slider = page.locator("#person-volume-now"), page.locator("#person-percent")
        await expect(now).to_have_text("Automatic")
        await slider.fill("80")
        await until(lambda: world.view(space.space).volumes == {ALICE: 80})
        await expect(now).to_have_text("80 %")
        assert world.stage.volumes == {ALICE: 80}
        await world.spaces.ask(space.space, cmd.SetVolume(HOST, ALICE, 120))  # as in chat
        await expect(now).to_have_text("120 %")
        await page.click("#person-volume-auto")
        await until(lambda: not world.view(space.space).volumes)
        await expect(now).to_have_text("Automatic")
        await page.click("#person-dialog [data-close]")
        await page.click(f"#stage [data-key='{HOST}'] .person-open")
        await expect(page.locator("#person-name")).to_be_visible()
        await expect(page.locator("#person-volume")).to_be_hidden()


async def test_somebody_is_removed_with_a_reason_and_let_in_again_by_the_other(
    world: WebWorld, browser: Browser
) -> None:
    space = await world.create()
    for user, name in ((ALICE, "Alice"), (BOB, "Bob")):
        await world.joined(space.space, user, name)
    async with (
        hosting(world, browser, space) as host,
        hosting(world, browser, space, COHOST) as cora,
    ):
        page = host.page
        await act(page, ALICE, "Remove")
        await text(page, "#remove-title", "Remove Alice?")
        await page.keyboard.press("Escape")
        await expect(page.locator("#remove-dialog")).to_be_hidden()
        assert ALICE not in world.view(space.space).removed
        await act(page, ALICE, "Remove")
        await page.fill("#remove-reason", "sells watches")
        await page.keyboard.press("Enter")
        await until(lambda: ALICE in world.view(space.space).removed)
        assert world.view(space.space).removed[ALICE].reason == "sells watches"
        await act(page, BOB, "Block")
        await text(page, "#remove-title", "Block Bob?")
        await page.click("#remove-yes")
        await until(lambda: BOB in world.view(space.space).removed)
        assert world.view(space.space).removed[BOB].blocked
        for user in (ALICE, BOB):
            await world.left(space.space, user)

        await cora.page.click("#removed summary")
        await expect(cora.page.locator("#removed-people > li")).to_have_count(2)
        await text(cora.page, "#removed-people", "removed until the end")
        await text(cora.page, "#removed-people", "blocked, also later")
        await cora.page.get_by_role("button", name="Let Alice in again").click()
        await until(lambda: ALICE not in world.view(space.space).removed)
        await expect(page.locator("#removed-count")).to_have_text("1")
