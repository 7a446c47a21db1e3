"""How much one address may ask for, and what strangers see when something breaks."""

import asyncio
import logging
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from spaces_bridge.core import commands as cmd
from spaces_bridge.core.ids import SpaceId
from spaces_bridge.web.access import page_access
from spaces_bridge.web.access.addresses import Addresses
from spaces_bridge.web.access.limits import Places
from spaces_bridge.web.access.page_access import PageAccess
from spaces_bridge.web.feed import feed
from spaces_bridge.web.http import whip
from spaces_bridge.web.problems import Problem
from tests.support.logged import json_lines
from tests.web.world import ALICE, HOST, WallClock, WebWorld, refused, web_world

pytestmark = pytest.mark.peers

OFFER = {"Content-Type": "application/sdp"}


@pytest.mark.usefixtures("nothing_grows_back")
async def test_one_address_may_make_so_many_offers(world: WebWorld) -> None:
    address = world.page(await world.create(), "/whep")
    statuses = []
    for _ in range(whip.OFFERS_BURST + 20):
        async with world.http.post(address, data="v=0", headers=OFFER) as response:
            statuses.append(response.status)
            if response.status == 429:
                assert int(response.headers["Retry-After"]) > 0
                break
    assert statuses.count(201) >= whip.OFFERS_BURST
    assert statuses[-1] == 429
    elsewhere = OFFER | {"X-Forwarded-For": "203.0.113.9"}
    async with world.http.post(address, data="v=0", headers=elsewhere) as response:
        assert response.status == 201


@pytest.mark.parametrize("code", ["busy", "crowded", "full"])
async def test_a_crowd_of_connections_is_asked_to_wait(world: WebWorld, code: str) -> None:
    world.stage.refusal, world.stage.refusal_code = "Too many people come in.", code
    address = world.page(await world.create(), "/whep")
    async with world.http.post(address, data="v=0", headers=OFFER) as response:
        assert (response.status, (await response.json())["code"]) == (503, code)
        assert int(response.headers["Retry-After"]) > 0


async def test_one_address_may_open_so_many_feeds_and_streams(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page_access, "MOST_AT_ONCE", 2)
    async with web_world(tmp_path) as world:
        space = await world.create()
        async with world.feed(space) as one, world.feed(space) as other:
            for page in (one, other):
                await page.next("hello")
            with pytest.raises(aiohttp.WSServerHandshakeError) as refusal:
                await world.http.ws_connect(world.page(space, "/feed"))
            assert refusal.value.status == 429
            async with world.http.get(world.page(space, "/live.ogg")) as response:
                assert response.status == 200


def test_a_place_is_free_again_when_it_was_left() -> None:
    places = Places(1)
    with places.one("a"), places.one("b"), pytest.raises(Problem), places.one("a"):
        pass
    with places.one("a"):
        pass


async def test_named_guests_of_one_network_share_one_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed, "CROWD_BURST", 3)
    monkeypatch.setattr(feed, "CROWD_PER_S", 0.001)
    async with web_world(tmp_path) as world:
        space = await world.create()
        async with world.feed(space, name="Maria") as maria, world.feed(space, name="Jo") as jo:
            for _ in range(3):
                await maria.send(type="dance")
                await refused(maria, "unknown")
            await jo.send(type="dance")
            await refused(jo, "too_fast")


async def test_a_bug_is_a_plain_answer_and_a_traceback_without_the_address(
    world: WebWorld, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    space = await world.create()

    async def broken(_access: PageAccess, _request: web.Request) -> None:
        raise KeyError("a bug")

    monkeypatch.setattr(PageAccess, "from_request", broken)
    with caplog.at_level(logging.DEBUG), json_lines("spaces_bridge.web.problems") as lines:
        async with world.http.get(f"{world.base}/api/v1/spaces/{space.slug}") as response:
            assert response.status == 500
            assert response.content_type == "application/problem+json"
            assert (await response.json())["code"] == "internal"
        reader, writer = await asyncio.open_connection("127.0.0.1", world.settings.port)
        writer.write(b"this is no HTTP\r\n\r\n")
        assert (await reader.read()).startswith(b"HTTP/1.")
        writer.close()
        await writer.wait_closed()
    [record] = [r for r in caplog.records if r.levelno >= logging.ERROR]
    assert record.name == "spaces_bridge.web.problems"
    assert "a bug" in caplog.text
    assert [bool(line["request_id"]) for line in lines()] == [True]
    assert "127.0.0.1" not in "".join(
        r.getMessage() for r in caplog.records if r.name.startswith(("aiohttp.server", "spaces"))
    )


async def test_a_bug_in_the_middle_of_an_answer_ends_the_connection(
    world: WebWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    space = await world.create()

    async def mix(_space: SpaceId, _tags: object) -> AsyncIterator[bytes]:
        yield b"OggS"
        raise KeyError("a bug")

    monkeypatch.setattr(world.stage, "mix", mix)
    async with world.http.get(world.page(space, "/live.ogg")) as response:
        assert await response.content.readexactly(4) == b"OggS"
        with pytest.raises(aiohttp.ClientError):
            await response.content.read()


async def test_a_refused_second_microphone_leaves_the_first_one_running(world: WebWorld) -> None:
    space = await world.create()
    await world.seat(space.space, ALICE, "Alice")
    headers = OFFER | {"Authorization": f"Bearer {await world.link(space.space, ALICE)}"}
    address = world.page(space, "/whip")
    async with world.http.post(address, data="v=0", headers=headers) as response:
        assert response.status == 201
    world.stage.refusal = "Offer one audio track."
    async with world.http.post(address, data="v=0", headers=headers) as response:
        assert response.status == 400
    assert len(world.stage.sessions) == 1
    assert world.view(space.space).on_air == {ALICE}


async def test_an_ended_space_is_kept_for_readers_for_five_minutes_at_most(
    world: WebWorld,
) -> None:
    space = await world.create()
    now = [0.0]
    with_clock = PageAccess(
        world.spaces, world.sessions, Addresses(()), world.ban_lists, clock=lambda: now[0]
    )
    await world.spaces.ask(space.space, cmd.EndSpace(HOST, WallClock().now_ms()))
    seated = await with_clock.enter(space.slug, None, "here")
    assert seated is world.view(space.space)
    await world.caption(space.space, HOST, "Last words.")
    assert (await with_clock.enter(space.slug, None, "here")).caption_lines

    await world.spaces.stop()
    world.spaces._actors.clear()
    first = await with_clock.enter(space.slug, None, "here")
    assert await with_clock.enter(space.slug, None, "here") is first
    now[0] = page_access.ENDED_KEPT_S
    again = await with_clock.enter(space.slug, None, "here")
    assert again is not first
    assert again == first
