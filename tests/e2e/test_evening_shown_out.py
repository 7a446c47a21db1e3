"""Removed in mid-sentence, by a plain Matrix client: silent at once, told why, and not back."""

from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from playwright.async_api import Browser, Page, expect

from spaces_bridge_demo.deployment import until
from tests.e2e.evenings import on_stage, phone, seen, unseen
from tests.e2e.states import PATIENCE_MS
from tests.support.stage import comes
from tests.support.world import OnAir, World, last
from tests.web.browser import Watched, chromium, comes_true

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.needs("chromium")]

REMEMBER = """
window.tracks = [];
window.sockets = [];
window.peers = [];
const getUserMedia = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
navigator.mediaDevices.getUserMedia = async (wanted) => {
  const stream = await getUserMedia(wanted);
  tracks.push(...stream.getTracks());
  return stream;
};
window.WebSocket = class extends WebSocket {
  constructor(url) {
    super(url);
    sockets.push(this);
  }
};
window.RTCPeerConnection = class extends RTCPeerConnection {
  constructor(...options) {
    super(...options);
    peers.push(this);
  }
};
"""
"""Keeps what the page has opened, to look whether it lets go of it."""

LET_GO = """
() => tracks.length > 0 && tracks.every((track) => track.readyState === "ended")
  && sockets.every((socket) => socket.readyState === WebSocket.CLOSED)
  && peers.length > 1 && peers.every((peer) => peer.connectionState === "closed")
  && document.getElementById("audio").srcObject === null
"""

COME_BACK = """
async (session) => {
  const headers = { Authorization: `Bearer ${session}`, "Content-Type": "application/sdp" };
  const answer = await fetch(`${location.href}/whip`, { method: "POST", headers, body: "v=0" });
  const socket = new WebSocket(`${location.href}/feed`.replace("http", "ws"));
  socket.onopen = () => socket.send(JSON.stringify({ type: "auth", token: session }));
  const frame = await new Promise((resolve) => {
    socket.onmessage = ({ data }) => resolve(JSON.parse(data));
  });
  socket.close();
  return [answer.status, frame.type, frame.code];
}
"""
"""What microphone and feed answer a session."""

ShowOut = Callable[[OnAir, str], Awaitable[object]]
WAYS: dict[str, ShowOut] = {
    "kick": lambda live, user: live.host.kick(live.space.room, user),
    "ban": lambda live, user: live.host.ban(live.space.room, user),
    "command": lambda live, user: live.host.send_text(
        live.space.room, f"!space remove {user} shouts"
    ),
}


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    """A browser whose microphone beeps."""
    async with chromium() as running:
        yield running


def beeps(live: OnAir, seconds: float) -> bool:
    """Whether anything was heard in the last seconds."""
    return bool(abs(last(live.listener, seconds).astype(int)).max(initial=0) > 300)


async def seated(page: Page, live: OnAir) -> str:
    """Ask, get the floor, and be heard; gives who that is."""
    asked = live.host_page.next_frame("roster", lambda roster: bool(roster["queue"]))
    await page.click("#ask")
    await page.fill("#name", "Gil")
    await page.click("#name-form [type=submit]")
    user = str((await asked)["queue"][0]["id"])
    await live.host_page.send({"type": "approve", "user": user})
    await page.click("#microphone")
    await expect(on_stage(page, user)).to_have_class("person on-air speaking", timeout=PATIENCE_MS)

    async def heard() -> bool:
        return beeps(live, 0.5)

    await until(heard, "the guest at the listener")
    return user


@pytest.mark.parametrize("way", WAYS)
async def test_a_speaking_guest_shown_out_is_silent_told_and_gone(
    world: World, browser: Browser, way: str
) -> None:
    live = await world.on_air()
    async with phone(browser, live.space.page, before=REMEMBER) as watched:
        page = watched.page
        user = await seated(page, live)
        others = live.host_page.next_frame(
            "roster", lambda roster: user not in [person["id"] for person in roster["stage"]]
        )
        await WAYS[way](live, user)
        await seen(page, "#sorry-title", "You are not in here any more")
        await seen(page, "#sorry-text", "A host has removed you")
        for selector in ("#space", "#bar", "#link"):
            await unseen(page, selector)
        await comes_true(page, LET_GO)
        await others
        await until(lambda: is_out(live, user), "the ghost's going")
        await nothing_more_is_heard(live)
        await stays_out(watched, live, user)


async def is_out(live: OnAir, user: str) -> bool:
    """Whether the room has the guest's ghost no more."""
    member = await live.host.state(live.space.room, "m.room.member", user)
    return member["membership"] in {"leave", "ban"} and user not in await live.host.levels(
        live.space.room
    )


async def nothing_more_is_heard(live: OnAir) -> None:
    """Beeps come once a second: two seconds of silence arrive."""
    await comes(live.listener, lambda pcm: abs(pcm.astype(int)).max() <= 300, 2.0)


async def stays_out(watched: Watched, live: OnAir, user: str) -> None:
    """No feed was opened since; the session opens nothing; a reload makes one a nameless guest."""
    page = watched.page
    opened = await page.evaluate("sockets.length")
    await page.evaluate("dispatchEvent(new Event('online'))")
    session = await page.evaluate(f"sessionStorage.getItem('spaces:{live.space.slug}')")
    assert await page.evaluate("sockets.length") == opened
    assert await page.evaluate(COME_BACK, session) == [403, "error", "token_unknown"]
    await page.reload()
    await seen(page, "#ask", "Ask to speak")
    await unseen(page, "#microphone")
    await expect(on_stage(page, user)).to_have_count(0)
    stored = await page.evaluate(f"sessionStorage.getItem('spaces:{live.space.slug}')")
    assert stored != session
