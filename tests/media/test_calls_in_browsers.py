"""Call peers with real browsers, which offer, hear and publish as LiveKit's SDK has them do."""

import asyncio
import contextlib
import dataclasses
import json
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from playwright.async_api import async_playwright

from spaces_bridge.media.stage import WorkerStage
from spaces_bridge.media.worker.values import RtpPacket
from tests.e2e.firefox import firefox
from tests.media.test_browser import CHROMIUM, FLAGS
from tests.support.call_client import CallClient, stream_of
from tests.support.call_page import CallPage, call_page
from tests.support.netns import network
from tests.support.sound import tone
from tests.support.stage import EAR, GUEST, HOST, SPACE, options, running, speaking, until

pytestmark = [pytest.mark.e2e, pytest.mark.needs("chromium", "firefox", "network namespaces")]

Ask: TypeAlias = Callable[[str], Awaitable[Any]]
"""Evaluates an expression in the page."""


@contextlib.asynccontextmanager
async def chromium_at(address: str) -> AsyncIterator[Ask]:
    async with async_playwright() as playwright:
        # else it gives no microphone to a page that comes by HTTP from elsewhere
        flags = [
            *FLAGS,
            f"--unsafely-treat-insecure-origin-as-secure={address}",
        ]
        if os.getuid() == 0:
            flags.append("--no-sandbox")
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=flags)
        try:
            page = await browser.new_page()
            await page.goto(address)
            yield page.evaluate
        finally:
            await browser.close()


@contextlib.asynccontextmanager
async def firefox_at(address: str) -> AsyncIterator[Ask]:
    async with firefox() as tab:
        await tab.goto(address)
        yield tab.ask


Browser: TypeAlias = Callable[[str], contextlib.AbstractAsyncContextManager[Ask]]
"""Opens an address."""

BROWSERS = [
    pytest.param(chromium_at, id="chromium"),
    pytest.param(firefox_at, id="firefox"),
]


@contextlib.asynccontextmanager
async def calling(
    tmp_path: Path, browser: Browser
) -> AsyncIterator[tuple[WorkerStage, CallPage, Ask]]:
    with network() as net:  # Firefox takes no part in a call on loopback
        async with calling_at(net.server, tmp_path, browser) as (stage, page, ask):
            yield stage, page, ask


@contextlib.asynccontextmanager
async def calling_at(
    host: str, tmp_path: Path, browser: Browser
) -> AsyncIterator[tuple[WorkerStage, CallPage, Ask]]:
    stage = WorkerStage(
        dataclasses.replace(options(tmp_path), addresses=(host,), hostnames=(host,))
    )
    async with running(stage), call_page(stage, EAR, host) as (page, address):
        stage.open_space(SPACE, 0)
        stage.set_gates(SPACE, [HOST, GUEST, EAR])
        async with browser(address) as ask:
            yield stage, page, ask


async def comes(page: CallPage, ask: Ask, track: str, packets: int = 50) -> dict[str, Any]:
    """Wait until so many more packets of a track have come, with sound in them."""
    assert page.answer is not None
    [mid] = [mid for mid, each in page.answer.sections.items() if each == track]
    return await comes_in(ask, mid, packets)


async def comes_in(ask: Ask, mid: str, packets: int = 50) -> dict[str, Any]:
    """Wait until so many more packets of a section have come, with sound in them."""
    before = (await ask("look()"))["streams"].get(mid, {"received": 0, "energy": 0})
    async with asyncio.timeout(60):
        while True:
            seen = (await ask("look()"))["streams"].get(mid)
            if (
                seen is not None
                and seen["received"] >= before["received"] + packets
                and seen["energy"] > before["energy"]
            ):
                return dict(seen)
            await asyncio.sleep(0.1)


@pytest.mark.parametrize("browser", BROWSERS)
async def test_a_browser_hears_each_speaker_by_its_own_stream(
    tmp_path: Path, browser: Browser
) -> None:
    async with (
        calling(tmp_path, browser) as (stage, page, ask),
        speaking(stage, HOST) as host,
        speaking(stage, GUEST) as guest,
    ):
        host.say(tone(440, 300))
        guest.say(tone(660, 300))
        page.streams = [stream_of(HOST)]
        await ask("negotiate()")
        await comes(page, ask, "TR_host")
        page.streams = [stream_of(HOST), stream_of(GUEST)]
        await ask("negotiate()")
        await comes(page, ask, "TR_guest")
        page.streams = [stream_of(GUEST)]
        await ask("negotiate()")
        await comes(page, ask, "TR_guest")
        page.streams = [stream_of(HOST), stream_of(GUEST)]
        await ask("negotiate()")
        await comes(page, ask, "TR_host")
        seen = await ask("look()")
        # a page is told each time a speaker's stream begins
        assert [each["stream"] for each in seen["tracks"]] == [
            "PA_host|TR_host", "PA_guest|TR_guest", "PA_host|TR_host",
        ]  # fmt: skip
        assert seen["state"] == "connected"


@pytest.mark.parametrize("browser", BROWSERS)
async def test_a_browser_is_heard_each_time_it_publishes(tmp_path: Path, browser: Browser) -> None:
    async with calling(tmp_path, browser) as (stage, page, ask):
        guest = CallClient(stage, GUEST)
        try:
            await guest.join([stream_of(EAR)])
            await ask("negotiate()")
            for _ in range(2):
                await ask("publish().then(() => negotiate())")
                assert page.answer is not None
                assert page.answer.microphone
                await until(lambda: stage.has_microphone(SPACE, EAR))
                await hears_more(guest, "TR_ear")
                await ask("(unpublish(), negotiate())")
                assert page.answer.microphone == ""
                assert not stage.has_microphone(SPACE, EAR)
            packets = guest.hears("TR_ear")
            assert_unbroken(packets)
            assert guest.wire.rejected == 0
        finally:
            guest.close()


async def hears_more(client: CallClient, track: str) -> None:
    """Wait for more packets of a track."""
    before = len(client.hears(track))
    await client.until(lambda: len(client.hears(track)) > before + 20)


def assert_unbroken(packets: Sequence[RtpPacket]) -> None:
    """One stream, of which nothing is missing."""
    numbers = sorted((each.sequence - packets[0].sequence) & 0xFFFF for each in packets)
    assert numbers == list(range(len(packets)))


@pytest.mark.parametrize("browser", BROWSERS)
async def test_a_browser_that_restarts_ice_goes_on_hearing(
    tmp_path: Path, browser: Browser
) -> None:
    async with (
        calling(tmp_path, browser) as (stage, page, ask),
        speaking(stage, HOST) as host,
    ):
        host.say(tone(440, 300))
        page.streams = [stream_of(HOST)]
        await ask("negotiate()")
        await comes(page, ask, "TR_host")
        assert page.answer is not None
        before, pairs = credentials(page.answer.sdp), set((await ask("look()"))["pairs"])
        await ask("negotiate(true)")
        assert credentials(page.answer.sdp) != before
        await pair_beside(ask, pairs)
        await comes(page, ask, "TR_host")
        assert (await ask("look()"))["state"] == "connected"


@pytest.mark.parametrize("browser", BROWSERS)
async def test_a_browser_takes_our_offers_and_hears_what_is_in_them(
    tmp_path: Path, browser: Browser
) -> None:
    async with (
        calling(tmp_path, browser) as (stage, _, ask),
        speaking(stage, HOST) as host,
        speaking(stage, GUEST) as guest,
    ):
        host.say(tone(440, 300))
        guest.say(tone(660, 300))
        session: str | None = None
        for streams in ([], [HOST], [HOST, GUEST], [GUEST], [HOST, GUEST]):
            offer = await stage.calls.offer_call(
                SPACE, EAR, session, [stream_of(user) for user in streams]
            )
            session = offer.session
            answer = await ask(f"accept({json.dumps(offer.sdp)})")
            await stage.calls.accept_call_answer(session, answer)
            for mid in offer.sections:
                await comes_in(ask, mid)
        assert [each["stream"] for each in (await ask("look()"))["tracks"]] == [
            "PA_host|TR_host", "PA_guest|TR_guest", "PA_host|TR_host",
        ]  # fmt: skip
        assert stage.listeners(SPACE) == 1


async def pair_beside(ask: Ask, known: set[str]) -> None:
    """Wait until another pair of candidates works than these."""
    async with asyncio.timeout(60):
        while True:
            if not set((await ask("look()"))["pairs"]) <= known:
                return
            await asyncio.sleep(0.1)


def credentials(sdp: str) -> set[str]:
    """The ICE credentials in a description."""
    return {line for line in sdp.split("\r\n") if line.startswith("a=ice-")}
