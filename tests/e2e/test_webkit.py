"""The page in Safari's engine. Debian's has no WebRTC: the stream over HTTP is all it can hear."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from spaces_bridge_demo import speech
from spaces_bridge_demo.ears import tone
from tests.e2e.webkit import WebKit, webkit
from tests.support.world import World

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.needs("webkit")]

TOLD = speech.CONVERSATION[1]
ENOUGH_S = 240.0
PLAYS = "document.getElementById('audio').currentTime > 1"
WORDS = "document.getElementById('captions').innerText.trim().split(/\\s+/).length"

SLOW = """(() => {
  const answer = fetch;
  window.fetch = async (...asked) => {
    window.fetch = answer;
    await new Promise((resolve) => setTimeout(resolve, 9000));
    return answer(...asked);
  };
})()"""
"""The engine forgets a tap after some seconds; the first answer takes longer, and is given up."""


@pytest.fixture
async def window(tmp_path: Path) -> AsyncIterator[WebKit]:
    """A browser that plays nothing but by a tap."""
    async with webkit(tmp_path, "--autoplay-policy=deny") as opened:
        yield opened


async def test_one_tap_is_enough_to_hear_and_words_come_along(
    world: World, window: WebKit
) -> None:
    live = await world.on_air("Gardens in the city")
    await window.go(live.space.page.partition("/s/")[0] + "/")
    await window.says("main", "Gardens in the city")
    assert await window.complaints() == []

    await window.go(live.space.page)
    live.host_mic.say(speech.speak(TOLD))
    live.host_mic.say(tone(440, ENOUGH_S))
    await window.run(SLOW)
    await window.click("#listen")
    await window.says("#sound", "some seconds behind")
    await window.holds(PLAYS)
    # most of them: how well a busy machine hears is another matter
    await window.holds(f"{WORDS} >= {round(0.5 * len(TOLD.text.split()))}")
    await window.click("#listen")
    await window.says("#listen", "Listen")
    assert await window.complaints() == []


async def test_who_cannot_speak_here_is_told_before_the_floor_is_theirs(
    world: World, window: WebKit
) -> None:
    host = await world.person("ada")
    space = await world.live_space(host)
    host_page = await world.page(await host.personal_link(space))
    asked = host_page.next_frame("roster", lambda roster: roster["queue"] != [])
    await window.go(space.page)
    await window.click("#ask")
    await window.type("#name", "Gil")
    await window.click("#name-form [type=submit]")
    await window.says("#sound", "it has no WebRTC")
    await window.says("#hands .mine", "You are next")
    user = (await asked)["queue"][0]["id"]
    await host_page.send({"type": "approve", "user": user})
    await window.click("#microphone")
    await window.says("#floor-text", "Nobody hears you right now")
    await window.says("#sound", "it has no WebRTC")
    assert await window.complaints() == []
