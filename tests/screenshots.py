"""Pictures of the page in every state, from a real evening: `make screenshots`.

Homeserver, bridge, sound and captions are real; people are played. The pictures go to the folder
named on the command line.
"""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from playwright.async_api import Browser, Page, expect

from spaces_bridge_demo import speech
from spaces_bridge_demo.deployment import Deployment
from spaces_bridge_demo.feed import PageGuest
from spaces_bridge_demo.peer import SpeakerPeer
from tests.e2e.states import PATIENCE_MS, HostedSpace, Look, Visitor, shown, visitor, walk
from tests.support.world import model_directory
from tests.web.browser import chromium, opened

TITLE = "Gardens in the city"
PHONE, NIGHT = Look("phone"), Look("phone at night", dark=True)
WIDE = Look("wide", width=1280)


@asynccontextmanager
async def gardens(deployment: Deployment) -> AsyncIterator[HostedSpace]:
    """Ada hosts, Ben speaks, Mia has her hand up, Tom chats."""
    ada, ben, mia, tom = [await deployment.person(name) for name in ("ada", "ben", "mia", "tom")]
    for person in (ada, ben, mia, tom):
        await person.meet_bot()
    space = await ada.create_space(TITLE)
    await ada.start_space(space)
    for person in (ben, mia, tom):
        await person.join(space.alias)
    await ada.grant_floor(space, ben)
    async with (
        PageGuest(await ada.personal_link(space)) as ada_page,
        PageGuest(await ben.personal_link(space)) as ben_page,
    ):
        mouths = {
            speech.HOST: await ada_page.open_microphone(),
            speech.GUEST: await ben_page.open_microphone(),
        }
        await talk(mouths)
        await mia.react(space.room, space.card, "✋")
        await tom.send_text(space.room, "Rosemary survives nearly everything on my balcony.")
        await mia.send_text(space.room, "Which soil do you use?")
        yield HostedSpace(ada, space, ada_page)


async def talk(mouths: dict[speech.Voice, SpeakerPeer]) -> None:
    """The first lines of the demonstration, one after the other."""
    for line in speech.CONVERSATION[:5]:
        mouths[line.voice].say(speech.speak(line))
        mouths[line.voice].say(speech.silence(0.8))
        await mouths[line.voice].said()


async def plans(deployment: Deployment) -> None:
    """Something else on the directory than what is live."""
    eve = await deployment.person("eve")
    await eve.meet_bot()
    soon = datetime.now(UTC) + timedelta(days=3)
    await eve.create_space("Bread and its makers", f"--at {soon:%Y-%m-%d} 19:00")


async def guest_pictures(hosted: HostedSpace, browser: Browser, folder: Path) -> None:
    """All states, by day and by night."""

    async def take(state: str, guest: Visitor) -> None:
        name = f"{state.replace(' ', '-')}{'-night' if guest.look.dark else ''}"
        await picture(guest.page, folder / f"{name}.png")

    await walk(hosted, browser, (PHONE, NIGHT), take)


async def host_pictures(hosted: HostedSpace, browser: Browser, folder: Path) -> None:
    """The page of somebody who hosts."""
    link = await hosted.host.personal_link(hosted.space)
    for look in (PHONE, WIDE):
        async with opened(browser, link, width=look.width, height=900) as watched:
            page = watched.page
            await shown(page, "#tab-control")
            await picture(page, folder / f"host-{look.name}.png")
            await page.click("#tab-control")
            await expect(page.locator("#people li")).not_to_have_count(0, timeout=PATIENCE_MS)
            await picture(page, folder / f"hosting-{look.name}.png")


async def other_pictures(hosted: HostedSpace, browser: Browser, folder: Path) -> None:
    """Directory, chat, large captions, another language."""
    home = hosted.space.page.rpartition("/s/")[0] + "/"
    for look in (PHONE, WIDE):
        async with opened(browser, home, width=look.width, height=900) as watched:
            await picture(watched.page, folder / f"directory-{look.name}.png")
    async with visitor(browser, hosted.space, WIDE) as wide:
        await shown(wide.page, "#tab-chat")
        await wide.page.click("#tab-chat")
        await picture(wide.page, folder / "chat-wide.png")
    async with visitor(browser, hosted.space, Look("arabic", language="ar")) as arabic:
        await shown(arabic.page, "#bar")
        await picture(arabic.page, folder / "arabic.png")


async def picture(page: Page, path: Path) -> None:
    """What is in the window, once pictures and letters are there."""
    await page.evaluate("document.fonts.ready.then(() => {})")
    await page.screenshot(path=path)
    print(path)  # noqa: T201 - a tool for people


async def take_all(folder: Path) -> None:
    """Play the evening and take the pictures."""
    with model_directory() as models:
        async with (
            Deployment(models=models) as deployment,
            chromium() as browser,
            gardens(deployment) as hosted,
        ):
            await plans(deployment)
            await other_pictures(hosted, browser, folder)
            await host_pictures(hosted, browser, folder)
            await guest_pictures(hosted, browser, folder)


if __name__ == "__main__":
    pictures = Path(sys.argv[1])
    pictures.mkdir(parents=True, exist_ok=True)
    asyncio.run(take_all(pictures))
