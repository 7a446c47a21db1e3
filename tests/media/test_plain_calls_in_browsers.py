"""Plain calls with real browsers, which call, are called, hold, press keys and restart ICE."""

import asyncio
import contextlib
import dataclasses
import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from spaces_bridge.media.stage import WorkerStage
from tests.media.test_calls_in_browsers import BROWSERS, Ask, Browser
from tests.media.test_plain_calls import CallsNoted
from tests.support.netns import network
from tests.support.plain_page import PlainPage, plain_page
from tests.support.sound import LOUD, loudness, tone
from tests.support.stage import (
    EAR,
    GUEST,
    HOST,
    SPACE,
    comes,
    options,
    running,
    speaking,
    until,
)
from tests.support.stage import listening as listening_at

pytestmark = [pytest.mark.e2e, pytest.mark.needs("chromium", "firefox", "network namespaces")]


@contextlib.asynccontextmanager
async def calling(
    tmp_path: Path, browser: Browser
) -> AsyncIterator[tuple[WorkerStage, CallsNoted, PlainPage, Ask]]:
    """A stage where the host speaks, and a browser with the page."""
    with network() as net:  # Firefox takes no part in a call on loopback
        host = net.server
        stage, calls = (
            WorkerStage(
                dataclasses.replace(options(tmp_path), addresses=(host,), hostnames=(host,))
            ),
            CallsNoted(),
        )
        stage.plain_calls.attend_plain_calls(calls)
        async with running(stage), plain_page(stage.plain_calls, GUEST, host) as (page, address):
            stage.open_space(SPACE, 0)
            stage.set_gates(SPACE, [HOST])
            async with speaking(stage, HOST) as speaker, browser(address) as ask:
                speaker.say(tone(440, 300))
                yield stage, calls, page, ask


async def looks(ask: Ask, holds: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """Wait until what the page sees is as it should be."""
    async with asyncio.timeout(60):
        while True:
            seen = dict(await ask("look()"))
            if holds(seen):
                return seen
            await asyncio.sleep(0.1)


async def hears_more(ask: Ask) -> dict[str, Any]:
    """Wait for a second of sound, from now on."""
    before = await ask("look()")
    return await looks(
        ask,
        lambda seen: (
            seen["received"] >= before["received"] + 50 and seen["energy"] > before["energy"]
        ),
    )


async def sends_more(ask: Ask) -> None:
    """Wait until it has sent some packets, from now on."""
    before = (await ask("look()"))["sent"]
    await looks(ask, lambda seen: bool(seen["sent"] >= before + 10))


@pytest.mark.parametrize("browser", BROWSERS)
async def test_a_browser_calls_hears_presses_keys_and_is_heard_with_the_floor(
    tmp_path: Path, browser: Browser
) -> None:
    async with calling(tmp_path, browser) as (stage, calls, page, ask):
        await ask("call()")
        await hears_more(ask)
        assert calls.connected == [page.session]
        await ask("press('*1#0')")
        await until(lambda: calls.keys.get(page.session) == "*1#0")
        async with listening_at(stage, EAR) as ear:
            stage.close_microphone(SPACE, HOST)
            stage.plain_calls.use_microphone(page.session)
            stage.open_microphone(SPACE, GUEST)
            await comes(ear, lambda pcm: loudness(pcm) > LOUD)
        await ask("pc.close()")
        await until(lambda: calls.ended == {page.session: "the client left"})


@pytest.mark.parametrize("browser", BROWSERS)
async def test_a_browser_that_holds_gets_nothing_and_hears_again_afterwards(
    tmp_path: Path, browser: Browser
) -> None:
    async with calling(tmp_path, browser) as (_, calls, page, ask):
        await ask("call()")
        await hears_more(ask)
        for _ in range(2):
            await ask("turn('sendonly')")
            held = await ask("look()")
            await sends_more(ask)
            assert (await ask("look()"))["received"] - held["received"] <= 2  # on their way
            await ask("turn('sendrecv')")
            await hears_more(ask)
        assert page.held == [True, False, True, False]
        assert calls.ended == {}


@pytest.mark.parametrize("browser", BROWSERS)
async def test_a_browser_that_restarts_ice_goes_on_hearing(
    tmp_path: Path, browser: Browser
) -> None:
    async with calling(tmp_path, browser) as (_, calls, _, ask):
        await ask("call()")
        known = set((await hears_more(ask))["pairs"])
        await ask("negotiate(true)")
        await looks(ask, lambda seen: not set(seen["pairs"]) <= known)
        assert (await hears_more(ask))["state"] == "connected"
        assert calls.ended == {}


@pytest.mark.parametrize("browser", BROWSERS)
async def test_a_browser_takes_our_call(tmp_path: Path, browser: Browser) -> None:
    async with calling(tmp_path, browser) as (stage, calls, page, ask):
        offer = await stage.plain_calls.dial(SPACE, GUEST)
        page.session = offer.session
        answer = await ask(f"accept({json.dumps(offer.sdp)})")
        await stage.plain_calls.accept(offer.session, answer)
        await hears_more(ask)
        assert calls.connected == [offer.session]
        await ask("press('1')")
        await until(lambda: calls.keys == {offer.session: "1"})
        await ask("negotiate(true)")
        await hears_more(ask)
        assert calls.ended == {}
