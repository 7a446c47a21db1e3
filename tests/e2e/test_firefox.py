"""The page in Debian's Firefox: hearing, reacting by keyboard, speaking, sound that is held back.

Firefox runs in the network of this machine and knows the page by an address other than 127.0.0.1:
so it does as everywhere else, where it hides its addresses and uses only one of them.
"""

import numpy as np
import pytest

from spaces_bridge_demo.deployment import until
from spaces_bridge_demo.ears import tone
from spaces_bridge_demo.peer import RATE, ListenerPeer
from tests.e2e.firefox import PATIENCE_S, TONE_HZ, Tab, firefox
from tests.support.world import OnAir, World, last

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.slow,
    pytest.mark.needs("firefox", "network namespaces"),
]

HERTZ = 440
WEBRTC_AGAIN_S = 150.0
"""A starved browser may miss its 6 s for WebRTC: it tries again after a minute over HTTP."""
ENERGY = """(async () => {
  let energy = 0;
  for (const connection of connections)
    if (connection.connectionState === "connected")
      for (const stat of (await connection.getStats()).values())
        if (stat.type === "inbound-rtp") energy += stat.totalAudioEnergy;
  return energy;
})()"""
"""Of all that was heard by connections that stand: 0 as long as it was silence."""

PRESS_WITHOUT_A_PERSON = """() => addEventListener("load", () =>
  setTimeout(() => document.getElementById("listen").click()))"""
"""As when the person's tap is long ago."""

PLAY_WITHOUT_A_SOUND_CARD = """() => addEventListener("DOMContentLoaded", () =>
  document.getElementById("audio").mozCaptureStream())"""
"""Firefox plays files where nothing can be heard only if somebody else takes the sound."""

LEFT, RIGHT, ENTER = "\ue012", "\ue014", "\ue006"


@pytest.fixture
async def live(far_world: World) -> OnAir:
    """A live space whose host gives a tone."""
    made = await far_world.on_air()
    made.host_mic.say(tone(HERTZ, 400.0))
    return made


async def hears(tab: Tab) -> None:
    """Until more is heard than silence, from now on."""
    await tab.holds(f"(await {ENERGY}) > {await tab.ask(ENERGY)} + 0.01", WEBRTC_AGAIN_S)


async def is_heard(listener: ListenerPeer, hertz: int) -> None:
    """Until the last half second somebody else heard is this tone."""

    async def loudest_is_it() -> bool:
        heard = last(listener, 0.5)
        spectrum = np.abs(np.fft.rfft(heard * np.hanning(len(heard))))
        loudest = int(spectrum.argmax()) * RATE / max(len(heard), 1)
        return bool(np.abs(heard).max(initial=0) > 1000 and abs(loudest - hertz) < 20)

    await until(loudest_is_it, f"{hertz} Hz from Firefox", PATIENCE_S)


async def takes_the_floor(tab: Tab, live: OnAir) -> None:
    """Ask as a guest, and be let on stage."""
    await tab.press("#ask")
    await tab.holds("document.activeElement.id === 'name'")
    await tab.type("Gil")
    asked = live.host_page.next_frame("roster", lambda frame: frame["queue"] != [], PATIENCE_S)
    await tab.press("#name-form [type=submit]")
    hand = (await asked)["queue"][0]
    assert hand["name"].startswith("Gil")
    await live.host_page.send({"type": "approve", "user": hand["id"]})
    await tab.shows("#microphone")


async def test_firefox_hears_the_host_and_reacts_by_keyboard_alone(live: OnAir) -> None:
    async with firefox() as tab:
        await tab.goto(live.space.page)
        await tab.press("#listen")
        await tab.says("#listen", "Stop listening")
        await tab.holds("document.getElementById('audio').currentTime > 0")
        await hears(tab)
        await tab.holds("document.getElementById('sound').innerText === ''")

        reacted = live.host_page.next_frame("reactions", timeout=PATIENCE_S)
        await tab.press("#more-reactions")
        await tab.holds("document.activeElement.dataset.base === '👍'")
        await tab.type(RIGHT + RIGHT + LEFT)
        await tab.holds("document.activeElement.dataset.base === '👎'")
        await tab.type(ENTER)
        await tab.holds("document.activeElement.id === 'more-reactions'")
        assert (await reacted)["counts"] == {"👎": 1}
        await tab.is_clean()


async def test_a_guest_in_firefox_asks_is_let_speaks_and_is_heard(live: OnAir) -> None:
    async with firefox() as tab:
        await tab.goto(live.space.page)
        await takes_the_floor(tab, live)
        live.host_mic.stop_saying()
        await tab.press("#microphone")
        await tab.says("#floor-text", "on air")
        await is_heard(live.listener, TONE_HZ)
        await tab.says("#listen", "Stop listening")

        await tab.press("#open-settings")
        await tab.press("#push-to-talk")
        await tab.press("#settings-dialog [type=submit]")
        await tab.type("m")
        await tab.says("#floor-text", "is muted")
        await tab.hold(" ")
        await tab.says("#floor-text", "on air")
        await is_heard(live.listener, TONE_HZ)
        await tab.let_go(" ")
        await tab.says("#floor-text", "is muted")
        assert not await tab.ask("document.querySelector('dialog[open]') !== null")
        await tab.is_clean()


async def test_firefox_holds_sound_back_says_so_and_one_tap_is_enough(live: OnAir) -> None:
    async with firefox() as tab:
        await tab.before(PRESS_WITHOUT_A_PERSON)
        await tab.goto(live.space.page)
        await tab.says("#sound", "holds the sound back until you tap")
        assert "Tap to hear" in await tab.text("#listen")
        assert await tab.ask("document.getElementById('audio').paused")
        await tab.press("#listen")
        await tab.says("#listen", "Stop listening")
        await tab.holds("document.getElementById('audio').currentTime > 0")
        await hears(tab)
        await tab.is_clean()


async def test_firefox_without_webrtc_listens_over_http_and_says_why_it_cannot_speak(
    live: OnAir,
) -> None:
    async with firefox({"media.peerconnection.enabled": False}) as tab:
        await tab.before(PLAY_WITHOUT_A_SOUND_CARD)
        await tab.goto(live.space.page)
        await tab.press("#listen")
        await tab.says("#sound", "seconds behind")
        await tab.holds("document.getElementById('audio').currentTime > 2")
        await takes_the_floor(tab, live)
        await tab.press("#microphone")
        await tab.says("#sound", "has no WebRTC")
        await tab.is_clean()
