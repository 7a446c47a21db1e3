"""The page where little works: nothing but HTTP passes, the browser lacks or forbids something."""

from pathlib import Path

import pytest
from playwright.async_api import expect

from spaces_bridge_demo.ears import tone
from tests.e2e.far import HERTZ, ROUTE, drop_media, hears, inside, is_heard, takes_the_floor
from tests.support.netns import Network
from tests.support.world import World

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.slow,
    pytest.mark.needs("chromium", "network namespaces"),
]


PRESS_WITHOUT_A_PERSON = """
addEventListener("load", () => {
  const listen = document.getElementById("listen");
  const look = () => listen.textContent.includes("Tap to hear") && console.log("held back");
  const all = {subtree: true, childList: true, characterData: true};
  new MutationObserver(look).observe(listen, all);
  setTimeout(() => listen.click());
});
"""
"""As when the person's tap is long ago."""


async def test_where_only_http_passes_the_page_listens_by_that_and_says_so(
    far_world: World, line: Network, tmp_path: Path
) -> None:
    live = await far_world.on_air()
    drop_media(far_world, line)
    async with inside(line, tmp_path, live.space) as page:
        live.host_mic.say(tone(HERTZ, 240.0))
        await page.goto(live.space.page)
        await page.click("#listen")
        await expect(page.locator("#sound")).to_contain_text("plain HTTP")
        await expect(page.locator("#sound")).to_contain_text("seconds behind", timeout=180_000)
        await hears(page)
        line.drop_all()
        await expect(page.locator("#sound")).to_contain_text("Reconnecting")
        line.restore()
        await expect(page.locator("#sound")).to_have_text("", timeout=180_000)
        await hears(page)
        assert await page.evaluate(ROUTE) == "udp"


async def test_where_only_http_passes_a_speaker_is_told_in_a_sentence(
    far_world: World, line: Network, tmp_path: Path
) -> None:
    live = await far_world.on_air()
    drop_media(far_world, line)
    async with inside(line, tmp_path, live.space, speaks=True) as page:
        await takes_the_floor(page, live)
        await page.click("#microphone")
        await expect(page.locator("#sound")).to_contain_text("no way to the server")
        await expect(page.locator("#microphone")).to_contain_text("Turn on microphone")


async def test_a_member_hears_a_private_space_where_only_http_passes(
    far_world: World, line: Network, tmp_path: Path
) -> None:
    host = await far_world.person("ada")
    space = await host.create_space("Among us", "--private")
    await host.start_space(space)
    tab = await far_world.page(await host.personal_link(space))
    microphone = await tab.open_microphone()
    drop_media(far_world, line)
    async with inside(line, tmp_path, space) as page:
        asked: list[str] = []
        page.on("request", lambda made: asked.append(made.url))
        link = await host.personal_link(space)
        token = link.partition("#t=")[2]
        await page.goto(link)
        microphone.say(tone(HERTZ, 240.0))
        await page.click("#listen")
        await expect(page.locator("#sound")).to_contain_text("seconds behind", timeout=180_000)
        assert any("live.ogg?ticket=" in url for url in asked)
        assert [url for url in asked if token in url.partition("#")[0]] == []


# --- the browser -----------------------------------------------------------------


async def test_without_webrtc_the_page_listens_over_http_and_says_why_nobody_can_speak(
    far_world: World, line: Network, tmp_path: Path
) -> None:
    live = await far_world.on_air()
    async with inside(line, tmp_path, live.space, speaks=True) as page:
        await page.context.add_init_script("delete window.RTCPeerConnection;")
        await takes_the_floor(page, live)
        await page.click("#microphone")
        await expect(page.locator("#sound")).to_contain_text("has no WebRTC")


async def test_sound_held_back_until_a_tap_is_one_tap_away(
    far_world: World, line: Network, tmp_path: Path
) -> None:
    live = await far_world.on_air()
    flag = "--autoplay-policy=user-gesture-required"
    async with inside(line, tmp_path, live.space, flag) as page:
        live.host_mic.say(tone(HERTZ, 240.0))
        await page.add_init_script(PRESS_WITHOUT_A_PERSON)
        # looking at the page would count as a person's doing there: it speaks up itself
        async with page.expect_console_message(lambda said: said.text == "held back"):
            await page.goto(live.space.page)
        await expect(page.locator("#listen")).to_contain_text("Tap to hear")
        await page.click("#listen")
        await expect(page.locator("#listen")).to_contain_text("Stop listening")
        await hears(page)


async def test_of_two_tabs_of_one_person_the_newest_has_the_microphone(
    far_world: World, line: Network, tmp_path: Path
) -> None:
    live = await far_world.on_air()
    _, elsewhere = await far_world.speaker(live)
    link = f"{live.space.page}#t={elsewhere.token}"
    async with inside(line, tmp_path, live.space, speaks=True) as first:
        second = await first.context.new_page()
        for page in (first, second):
            await page.goto(link)
            await page.click("#microphone")
            await expect(page.locator("#floor-text")).to_contain_text("air")
        await is_heard(live.listener)
        await expect(first.locator("#sound")).to_contain_text("another tab")
        await expect(first.locator("#microphone")).to_contain_text("Turn on microphone")
        before = len(live.listener.pcm())
        await first.close()
        await is_heard(live.listener)
        await expect(second.locator("#floor-text")).to_contain_text("air")
        assert len(live.listener.pcm()) > before
