"""Clients that hang up, hold back, pretend, or look for what is not there."""

import asyncio
import gzip
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
from yarl import URL

from spaces_bridge.web import service
from spaces_bridge.web.access import page_access
from spaces_bridge.web.feed import feed
from spaces_bridge.web.http import bodies
from tests.web.world import ALICE, PATIENCE_S, WebWorld, web_world

pytestmark = pytest.mark.peers

OFFER = {"Content-Type": "application/sdp"}


@asynccontextmanager
async def line_to(
    address: str,
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    url = URL(address)
    assert url.host is not None
    reader, writer = await asyncio.open_connection(url.host, url.port)
    try:
        yield reader, writer
    finally:
        writer.close()


def post(address: str, *headers: str, length: int = 500) -> bytes:
    lines = [f"POST {URL(address).path} HTTP/1.1", "Host: x", *headers]
    lines += ["Content-Type: application/sdp", f"Content-Length: {length}", "", "v=0"]
    return "\r\n".join(lines).encode()


@pytest.mark.parametrize("path", ["/whep", "/whip"])
async def test_who_hangs_up_in_the_middle_of_a_body_is_no_error(
    world: WebWorld, caplog: pytest.LogCaptureFixture, path: str
) -> None:
    space = await world.create()
    await world.seat(space.space, ALICE, "Alice")
    secret = await world.link(space.space, ALICE)
    address = world.page(space, path)
    ended = asyncio.Event()

    async def watched(request: aiohttp.web.Request) -> bytes:
        try:
            reading.set()
            return await read(request)
        finally:
            asyncio.get_running_loop().call_later(0.1, ended.set)

    read, reading = bodies.body_of, asyncio.Event()
    with pytest.MonkeyPatch.context() as patch, caplog.at_level(logging.WARNING):
        patch.setattr("spaces_bridge.web.http.whip.body_of", watched)
        async with line_to(address) as (_, writer), asyncio.timeout(PATIENCE_S):
            writer.write(post(address, f"Authorization: Bearer {secret}"))
            await reading.wait()
            writer.transport.abort()
            await ended.wait()
    assert not caplog.records


async def test_a_body_that_does_not_come_is_not_waited_for(
    world: WebWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bodies, "BODY_WITHIN_S", 0.2)
    address = world.page(await world.create(), "/whep")
    async with line_to(address) as (reader, writer), asyncio.timeout(PATIENCE_S):
        writer.write(post(address))
        assert (await reader.readline()).split()[1] == b"408"


async def test_headers_that_do_not_come_are_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "HEADERS_WITHIN_S", 0.3)
    async with web_world(tmp_path) as world:
        for base in (world.base, f"http://127.0.0.1:{world.service.ops_port}"):
            async with line_to(base) as (reader, writer), asyncio.timeout(PATIENCE_S):
                writer.write(b"GET / HTTP/1.1\r\nHost:")
                assert await reader.read() == b""


async def test_what_is_compressed_is_refused_and_never_inflated(world: WebWorld) -> None:
    address = world.page(await world.create(), "/whep")
    body = gzip.compress(b"v=0")
    async with world.http.post(
        address, data=body, headers=OFFER | {"Content-Encoding": "gzip"}
    ) as response:
        assert (response.status, (await response.json())["code"]) == (415, "encoded_body")
        assert response.headers["Accept-Encoding"] == "identity"
    assert not world.stage.sessions


async def test_pings_do_not_give_more_time_to_say_who_one_is(
    world: WebWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed, "AUTH_WITHIN_S", 1.0)
    space = await world.create()
    async with world.http.ws_connect(world.page(space, "/feed"), autoping=False) as page:

        async def ping() -> None:
            while not page.closed:
                await page.ping()
                await asyncio.sleep(0.1)

        pings = asyncio.create_task(ping())
        try:
            async with asyncio.timeout(PATIENCE_S):
                while (await page.receive()).type is not aiohttp.WSMsgType.CLOSE:
                    pass
        finally:
            pings.cancel()
            await asyncio.gather(pings, return_exceptions=True)
        assert page.close_code == 4408


@pytest.mark.usefixtures("nothing_grows_back")
async def test_one_address_looks_in_vain_so_often_and_learns_nothing_by_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page_access, "MISSES", 3)
    async with web_world(tmp_path) as world:
        public, private = await world.create(), await world.create(private=True, live=False)
        secret = await world.member(private.space, ALICE)

        async def look(address: str, **headers: str) -> int:
            async with world.http.get(address, headers=headers) as response:
                return response.status

        unknown = [world.settings.page(f"nobody-{n}") for n in range(9)]
        assert [await look(each) for each in unknown[:3]] == [404] * 3
        for each in (unknown[3], world.page(private), unknown[4] + "/transcript.txt"):
            assert await look(each) == 429
        assert await look(world.page(public)) == 200
        assert await look(world.page(private), Authorization=f"Bearer {secret}") == 200
        elsewhere = {"X-Forwarded-For": "203.0.113.9"}
        assert await look(unknown[5], **elsewhere) == 404
        async with world.feed(public) as page:
            await page.next("hello")


async def test_the_page_of_nobody_is_the_same_for_all_but_its_slug(world: WebWorld) -> None:
    pages = []
    for slug in ("nobody-1", "nobody-2"):
        for query in ("", "?lang=de", "?theme=dark", ""):
            async with world.http.get(world.settings.page(slug) + query) as response:
                assert response.status == 404
                pages.append((await response.text()).replace(slug, "SLUG"))
    assert pages[:4] == pages[4:]
    assert pages[0] == pages[3]
    assert len(set(pages)) == 3
    assert "SLUG" in pages[0]
