"""What the page shows of mutes, invitations, lock and removal, in a real Chromium."""

import pytest
from playwright.async_api import Browser, expect

from spaces_bridge.core import commands as cmd
from spaces_bridge.core.access import GuestPolicy
from spaces_bridge.core.floor import RequestState
from tests.web.browser import opened, text
from tests.web.world import ALICE, HOST, WebWorld, until

pytestmark = pytest.mark.e2e


async def test_a_speaker_muted_by_the_host_sees_it_and_asks_with_the_hand(
    world: WebWorld, browser: Browser
) -> None:
    space = await world.create()
    secret = await world.member(space.space, ALICE, 10)
    async with opened(browser, world.page(space, f"#t={secret}")) as speaker:
        await text(speaker.page, "#floor", "You have the floor")
        await world.spaces.ask(space.space, cmd.MuteSpeaker(HOST, ALICE))
        await text(speaker.page, "#floor", "A host has muted you")
        await expect(speaker.page.locator("#microphone")).to_be_hidden()
        role = speaker.page.locator("#stage .person", has_text="Alice").locator(".person-role")
        await expect(role).to_have_attribute("title", "muted by a host")
        await speaker.page.click("#ask")
        await text(speaker.page, "#hands", "You are next")
        await world.spaces.ask(space.space, cmd.ApproveSpeaker(HOST, ALICE))
        await text(speaker.page, "#floor", "You have the floor")


async def test_who_is_invited_to_speak_accepts_or_declines(
    world: WebWorld, browser: Browser
) -> None:
    space = await world.create()
    secret = await world.member(space.space, ALICE)
    async with opened(browser, world.page(space, f"#t={secret}"), width=320) as page:
        await until(lambda: world.hub.connections() == 1)
        for answer in ("Decline", "Accept"):
            await world.spaces.ask(space.space, cmd.BringSpeaker(HOST, ALICE))
            await text(page.page, "#floor", "You are invited to speak")
            await page.page.click(f"#invitation >> text={answer}")
            await expect(page.page.locator("#floor")).to_be_hidden()
        await until(
            lambda: (
                ALICE in world.view(space.space).requests
                and world.view(space.space).requests[ALICE].state is RequestState.ACCEPTED
            )
        )


async def test_a_lock_shows_and_newcomers_are_told(world: WebWorld, browser: Browser) -> None:
    space = await world.create()
    async with opened(browser, world.page(space)) as early:
        await until(lambda: world.hub.connections() == 1)
        await expect(early.page.locator("#locked")).to_be_hidden()
        await world.spaces.ask(space.space, cmd.LockSpace(HOST))
        await expect(early.page.locator("#locked")).to_be_visible()
        async with opened(browser, world.page(space)) as late:
            await text(late.page, "#sorry", "Locked right now")
            await expect(late.page.locator("#space")).to_be_hidden()
            await expect(late.page.locator("#link")).to_be_hidden()
        await world.spaces.ask(space.space, cmd.UnlockSpace(HOST))
        await expect(early.page.locator("#locked")).to_be_hidden()
        await expect(early.page.locator("#space")).to_be_visible()


async def test_who_is_shown_out_is_told_and_stays_out(world: WebWorld, browser: Browser) -> None:
    space = await world.create()
    secret = await world.member(space.space, ALICE)
    async with (
        opened(browser, world.page(space, f"#t={secret}")) as removed,
        opened(browser, world.page(space)) as guest,
    ):
        await until(lambda: world.hub.connections() == 2)
        await world.spaces.ask(space.space, cmd.RemovePerson(HOST, ALICE, "sells watches"))
        await text(removed.page, "#sorry", "A host has removed you")
        await text(removed.page, "#sorry", "Reason: sells watches")
        await world.spaces.ask(space.space, cmd.SetGuests(HOST, GuestPolicy.OFF))
        await text(guest.page, "#sorry", "For members only")
        for page in (removed.page, guest.page):
            await expect(page.locator("#space")).to_be_hidden()
            await expect(page.locator("#bar")).to_be_hidden()
            await expect(page.locator("#link")).to_be_hidden()
        await removed.page.reload()
        await expect(removed.page.locator("#sorry")).to_be_visible()
        await until(lambda: world.hub.connections() == 0)
