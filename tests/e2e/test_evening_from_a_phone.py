"""A host runs a whole live space from a phone, and the room follows; and the other way round."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest
from playwright.async_api import Browser, Locator, Page, expect

from spaces_bridge_demo.deployment import LiveRoom, Person, until
from spaces_bridge_demo.expected import Expected
from spaces_bridge_demo.feed import PageGuest
from tests.e2e.evenings import (
    BUDGET_S,
    next_member,
    next_state,
    on_stage,
    phone,
    seen,
    unseen,
)
from tests.e2e.states import PATIENCE_MS
from tests.support.world import World, last
from tests.web.browser import chromium

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.needs("chromium")]

LINK = "https://bread.example.org/starter"


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as running:
        yield running


@dataclass
class PhoneSetup:
    """A host's phone, the host's and two other Matrix clients."""

    world: World
    space: LiveRoom
    ada: Person
    ben: Person
    eve: Person
    page: Page

    async def in_people(self, user: str) -> Locator:
        """Somebody's unfolded row in the list of people."""
        row = await seen(self.page, f"#people > [data-key='{user}']")
        if await row.locator(".people-row").get_attribute("aria-expanded") == "false":
            await row.locator(".people-row").click()
        return row

    async def act(self, user: str, label: str) -> None:
        """Press what the list offers about somebody."""
        row = await self.in_people(user)
        await row.get_by_role("button", name=f"{label}: ").click()

    async def is_level(self, user: str, level: int | None) -> None:
        """Until the homeserver holds that level."""

        async def holds() -> bool:
            return (await self.ben.levels(self.space.room)).get(user) == level

        await until(holds, f"level {level} of {user}")


async def settled(world: World, page: Page, ada: Person, space: LiveRoom) -> PhoneSetup:
    ben, eve = await world.person("ben"), await world.person("eve", met=False)
    for person in (ben, eve):
        await person.join(space.alias)
    return PhoneSetup(world, space, ada, ben, eve, page)


@asynccontextmanager
async def hosted(world: World, browser: Browser, title: str) -> AsyncIterator[PhoneSetup]:
    """A scheduled live space on its host's phone, which stays on that page."""
    ada = await world.person("ada")
    space = await ada.create_space(title, "--at in 2 hours")
    async with phone(browser, await ada.personal_link(space)) as watched:
        address = watched.page.url
        yield await settled(world, watched.page, ada, space)
        assert watched.page.url == address


# A room has so many events a minute: two evenings, so that neither waits for them.


async def test_a_host_fills_and_clears_the_stage_from_a_phone(
    world: World, browser: Browser
) -> None:
    async with hosted(world, browser, "Bread and its makers") as setup:
        await goes_live_and_speaks(setup)
        await setup.page.click("#tab-control")
        await shows_out_and_lets_in(setup)
        gil = await lets_a_guest_speak(setup)
        lin = await takes_the_next(setup)
        await brings_a_member(setup)
        await mutes_one_and_all(setup, gil, lin)
        await names_a_cohost(setup)


async def test_a_host_changes_rules_talks_and_ends_from_a_phone(
    world: World, browser: Browser
) -> None:
    async with hosted(world, browser, "Bread") as setup:
        await goes_live_and_speaks(setup)
        await setup.page.click("#tab-control")
        told = await changes_the_rules(setup)
        await writes_and_shares(setup)
        for each in told:
            await each
        await locks_the_space(setup)
        await setup.page.click("label:has(#captions-on)")
        await expect(setup.page.locator("#fine-captions")).to_be_visible(timeout=PATIENCE_MS)
        await ends(setup)


async def goes_live_and_speaks(setup: PhoneSetup) -> None:
    page, ada = setup.page, setup.ada
    await seen(page, "#state", "Coming up")
    await seen(page, "#when", "Starts")
    live = next_state(setup.ben, setup.space, lambda state: state["state"] == "live")
    await page.get_by_role("button", name="Go live").click()
    await live
    await expect(page.locator("#space")).to_have_attribute("data-state", "live")
    await (await seen(page, "#microphone")).click()
    await expect(on_stage(page, ada.id)).to_have_class("person on-air", timeout=PATIENCE_MS)
    listener = await (await setup.world.page(setup.space.page)).listen()

    async def audible() -> bool:
        return bool(abs(last(listener, 1.0).astype(int)).max(initial=0) > 1000)

    await until(audible, "the host's microphone at a listener")


async def lets_a_guest_speak(setup: PhoneSetup) -> PageGuest:
    gil = await setup.world.page(setup.space.page, "Gil")
    await gil.send({"type": "hand", "raised": True})
    row = await seen(setup.page, f"#hands [data-key^='{gil.id} ']", "Gil")
    joined = next_member(setup.ben, setup.space, gil.id, "join")
    granted = setup.ben.next_level(setup.space, gil.id, 10)
    await row.get_by_role("button", name="Let Gil speak").click()
    assert (await joined)["content"]["displayname"] == "Gil (guest)"
    await granted
    await seen(setup.page, f"#stage [data-key='{gil.id}']", "Gil")
    return gil


async def takes_the_next(setup: PhoneSetup) -> PageGuest:
    page = setup.page
    lin = await setup.world.page(setup.space.page, "Lin")
    await expect(page.locator("#next")).to_be_disabled()
    await lin.send({"type": "hand", "raised": True})
    granted = setup.ben.next_level(setup.space, lin.id, 10)
    await page.click("#next")
    await granted
    await seen(page, f"#stage [data-key='{lin.id}']", "Lin")
    await unseen(page, "#queue")
    return lin


async def brings_a_member(setup: PhoneSetup) -> None:
    ben = setup.ben
    asked = ben.next_message(ben.dm, "invites you to speak", setup.world.deployment.bridge.bot)
    await setup.act(ben.id, "Invite to speak")
    question = await asked
    await seen(setup.page, f"#people > [data-key='{ben.id}']", "invited to speak")
    granted = setup.eve.next_level(setup.space, ben.id, 10)
    await ben.react(question["room_id"], question["event_id"], "✅")
    await granted
    await seen(setup.page, f"#stage [data-key='{ben.id}']", ben.name)


async def mutes_one_and_all(setup: PhoneSetup, gil: PageGuest, lin: PageGuest) -> None:
    page, ada, ben = setup.page, setup.ada, setup.ben
    told = lin.next_frame("role", lambda role: role["muted"])
    await setup.act(lin.id, "Mute")
    await told
    # the card says so when the room's events are in budget: the bot's answers do at once
    await refused(ada, f"mute {lin.id}", "muted already")
    may = lin.next_frame("role", lambda role: role["may_speak"])
    await setup.act(lin.id, "Lift the mute")
    await may
    await refused(ada, f"unmute {lin.id}", "No host has muted")
    everybody = [each.next_frame("role", lambda role: role["muted"]) for each in (gil, lin)]
    await page.click("#mute-all")
    for each in everybody:
        await each
    await expect(page.locator("#mute-all")).to_be_disabled(timeout=PATIENCE_MS)
    await refused(ada, f"mute {ben.id}", "muted already")
    await setup.act(ben.id, "Lift the mute")
    await expect(page.locator("#mute-all")).to_be_enabled(timeout=PATIENCE_MS)
    await refused(ada, f"unmute {ben.id}", "No host has muted")


async def refused(person: Person, command: str, why: str) -> None:
    """What a command in the direct chat is refused with tells how things stand."""
    answer = person.next_message(person.dm, "❌", person.bot)
    await person.send_text(person.dm, command)
    assert why in (await answer)["content"]["body"]


async def names_a_cohost(setup: PhoneSetup) -> None:
    ben, eve, space = setup.ben, setup.eve, setup.space
    role = on_stage(setup.page, ben.id).locator(".person-role")
    for label, level, shown in (
        ("Make co-host", 60, "Co-host"),
        ("No longer co-host", 10, "Speaker"),
    ):
        granted = eve.next_level(space, ben.id, level)
        await setup.act(ben.id, label)
        await granted
        await expect(role).to_contain_text(shown, timeout=PATIENCE_MS)


async def changes_the_rules(setup: PhoneSetup) -> list[Expected]:
    """What the room is told of it comes when there is budget for it."""
    page, ben, space = setup.page, setup.ben, setup.space
    changed = {"title": "Bread and roses", "speak_policy": "followed", "captions": False}
    written = next_state(ben, space, lambda state: changed.items() <= state.items())
    renamed = ben.next_in(
        space.room,
        "m.room.name",
        lambda event: "Bread and roses" in event["content"]["name"],
        BUDGET_S,
    )
    await page.fill("#title-text", "Bread and roses")
    await page.get_by_role("button", name="Save").click()
    await seen(page, "#title", "Bread and roses")
    await page.select_option("#policy", "followed")
    await page.click("label:has(#captions-on)")
    await unseen(page, "#fine-captions")
    await expect(page.locator("#policy")).to_have_value("followed")
    return [written, renamed]


async def writes_and_shares(setup: PhoneSetup) -> None:
    page, ben, space = setup.page, setup.ben, setup.space
    bot = setup.world.deployment.bridge.bot
    await page.click("#tab-chat")
    await ben.send_text(space.room, "How long does it rest?")
    await expect(page.locator("#chat-lines")).to_contain_text("How long", timeout=PATIENCE_MS)
    written = ben.next_message(space.room, "One night, in the cold.", bot, BUDGET_S)
    await page.fill("#chat-text", "One night, in the cold.")
    await page.click("#chat-send")
    await expect(page.locator("#chat-lines")).to_contain_text("One night", timeout=PATIENCE_MS)
    shared = ben.next_message(space.room, LINK, bot, BUDGET_S)
    pinned = ben.next_in(space.room, "m.room.pinned_events", timeout=BUDGET_S)
    await page.click("#share")
    await page.fill("#share-url", LINK)
    await page.click("#share-form [type=submit]")
    await seen(page, "#posts-newest", "bread.example.org/starter")
    await unseen(page, "#share-dialog")
    assert (await written)["content"]["body"].startswith(f"{setup.ada.name}: ")
    post = (await shared)["event_id"]
    assert post in (await pinned)["content"]["pinned"]


async def locks_the_space(setup: PhoneSetup) -> None:
    page, ben, space = setup.page, setup.ben, setup.space
    await page.click("#tab-control")
    for level, badge in ((10, True), (0, False)):
        written = next_silence(ben, space, level)
        await page.click("label:has(#lock)")
        await written
        await expect(page.locator("#locked")).to_be_visible(visible=badge, timeout=PATIENCE_MS)


def next_silence(person: Person, space: LiveRoom, level: int) -> Expected:
    """The next power levels by which that level is needed to write."""
    return person.next_in(
        space.room,
        "m.room.power_levels",
        lambda event: event["content"]["events_default"] == level,
        BUDGET_S,
    )


async def shows_out_and_lets_in(setup: PhoneSetup) -> None:
    page, ben, eve, space = setup.page, setup.ben, setup.eve, setup.space
    fay = await setup.world.person("fay", met=False)
    await fay.join(space.alias)
    for person, label in ((eve, "Remove"), (fay, "Block")):
        banned = next_member(ben, space, person.id, "ban")
        await setup.act(person.id, label)
        await seen(page, "#remove-title", person.name)
        await page.fill("#remove-reason", "shouts")
        await page.click("#remove-yes")
        assert "shouts" in (await banned)["content"]["reason"]
        await unseen(page, f"#people > [data-key='{person.id}']")
    await expect(page.locator("#removed-count")).to_have_text("2", timeout=PATIENCE_MS)
    await page.click("#removed summary")
    await seen(page, f"#removed-people [data-key='{fay.id} true']", "blocked")
    freed = next_member(ben, space, eve.id, "leave")
    await page.click(f"#removed-people [data-key='{eve.id} false'] button")
    await freed
    await expect(page.locator("#removed-count")).to_have_text("1", timeout=PATIENCE_MS)
    await eve.join(space.alias)
    await setup.in_people(eve.id)


async def ends(setup: PhoneSetup) -> None:
    page, ben, space = setup.page, setup.ben, setup.space
    over = next_state(ben, space, lambda state: state["state"] == "ended")
    await page.get_by_role("button", name="End", exact=True).click()
    await page.click("#sure-yes")
    await seen(page, "#notice", "has ended")  # which goes by itself, and the room may take longer
    await unseen(page, "#bar")
    content = (await over)["content"]
    assert (content["title"], content["captions"]) == ("Bread and roses", True)


async def test_what_a_matrix_client_changes_is_on_the_hosts_page(
    world: World, browser: Browser
) -> None:
    ada = await world.person("ada")
    space = await ada.create_space("Bread")
    async with phone(browser, await ada.personal_link(space)) as watched:
        page = watched.page
        setup = await settled(world, page, ada, space)
        await seen(page, "#state", "Coming up")
        await ada.start_space(space)
        await seen(page, "#state", "Live")
        await page.click("#tab-control")
        await the_stage_by_levels_and_commands(setup)
        await the_rules_by_command(setup)
        await removes_by_kick_ban_and_command(setup)
        await ada.send_text(space.room, "!space end")
        await seen(page, "#notice", "has ended")


async def the_stage_by_levels_and_commands(setup: PhoneSetup) -> None:
    page, ada, ben, space = setup.page, setup.ada, setup.ben, setup.space
    hand = page.locator(f"#hands [data-key^='{ben.id} ']")
    await ben.send_text(space.room, "!space speak")
    await expect(hand).to_be_visible(timeout=PATIENCE_MS)
    await ada.send_text(space.room, "!space next")
    role = on_stage(page, ben.id).locator(".person-role")
    await expect(role).to_contain_text("Speaker", timeout=PATIENCE_MS)
    await expect(hand).to_have_count(0, timeout=PATIENCE_MS)
    await ada.send_text(space.room, f"!space mute {ben.id}")
    await expect(role).to_have_attribute("title", "muted by a host", timeout=PATIENCE_MS)
    await ada.send_text(space.room, f"!space unmute {ben.id}")
    await expect(role).to_have_attribute("title", "microphone off", timeout=PATIENCE_MS)
    await ada.send_text(space.room, f"!space cohost {ben.id}")
    await expect(role).to_contain_text("Co-host", timeout=PATIENCE_MS)
    await setup.is_level(ben.id, 60)
    await ada.send_text(space.room, f"!space uncohost {ben.id}")
    await expect(role).to_contain_text("Speaker", timeout=PATIENCE_MS)
    await setup.is_level(ben.id, 10)
    await ada.set_level(space.room, ben.id, 0)
    await expect(on_stage(page, ben.id)).to_have_count(0, timeout=PATIENCE_MS)
    await ada.set_level(space.room, ben.id, 10)
    await expect(on_stage(page, ben.id)).to_be_visible(timeout=PATIENCE_MS)


async def the_rules_by_command(setup: PhoneSetup) -> None:
    page, ada, space = setup.page, setup.ada, setup.space

    async def say(command: str) -> None:
        await ada.send_text(space.room, f"!space {command}")

    await say("title Bread and roses")
    await expect(page.locator("#title")).to_have_text("Bread and roses", timeout=PATIENCE_MS)
    await expect(page.locator("#title-text")).to_have_value("Bread and roses", timeout=PATIENCE_MS)
    await say("policy followed")
    await expect(page.locator("#policy")).to_have_value("followed", timeout=PATIENCE_MS)
    await say("guests listen")
    await expect(page.locator("#guests")).to_have_value("listen", timeout=PATIENCE_MS)
    await say("captions off")
    await expect(page.locator("#captions-on")).not_to_be_checked(timeout=PATIENCE_MS)
    await say("captions de")
    await expect(page.locator("#captions-language")).to_have_value("de", timeout=PATIENCE_MS)
    await expect(page.locator("#captions-on")).to_be_checked(timeout=PATIENCE_MS)
    await say("chat off")
    await expect(page.locator("#chat-on")).not_to_be_checked(timeout=PATIENCE_MS)
    await say("lock")
    await expect(page.locator("#lock")).to_be_checked(timeout=PATIENCE_MS)
    await say("unlock")
    await expect(page.locator("#lock")).not_to_be_checked(timeout=PATIENCE_MS)
    await say(f"share {LINK}")
    await seen(page, "#posts-newest", "bread.example.org/starter")


async def removes_by_kick_ban_and_command(setup: PhoneSetup) -> None:
    page, ada, ben, eve, space = (
        setup.page, setup.ada, setup.ben, setup.eve, setup.space,
    )  # fmt: skip
    await page.click("#tab-control")
    count = page.locator("#removed-count")
    await ada.kick(space.room, ben.id)
    await expect(on_stage(page, ben.id)).to_have_count(0, timeout=PATIENCE_MS)
    await expect(count).to_have_text("1", timeout=PATIENCE_MS)
    await ada.ban(space.room, eve.id)
    await expect(count).to_have_text("2", timeout=PATIENCE_MS)
    await expect(page.locator(f"#people > [data-key='{eve.id}']")).to_have_count(0)
    await ada.let_in_again(space, ben.id)
    await expect(count).to_have_text("1", timeout=PATIENCE_MS)
    await ada.send_text(space.room, f"!space unblock {eve.id}")
    await expect(page.locator("#removed")).to_be_hidden(timeout=PATIENCE_MS)
