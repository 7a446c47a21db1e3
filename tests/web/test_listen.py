"""`live.ogg`: what it says of itself, and how many may listen."""

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from tests.web.test_shown_out import streaming_until_told
from tests.web.world import PATIENCE_S, WebWorld, web_world

pytestmark = pytest.mark.peers


async def test_players_are_told_what_they_play(world: WebWorld) -> None:
    space = await world.create("Grüße\r\nX-Evil: 1 – 夜の会 \u2028end", host_name="Zoë\x00 M.")
    for method in ("GET", "HEAD"):
        async with world.http.request(method, world.page(space, "/live.ogg")) as response:
            assert response.status == 200
            assert response.headers["icy-name"] == "Grüße X-Evil: 1 – 夜の会 end"
            assert response.headers["icy-description"] == "Zoë M."
            assert response.headers["icy-url"] == world.page(space)
            assert "X-Evil" not in response.headers
            await response.read()
    [tags] = world.stage.tags
    assert tags == {"TITLE": "Grüße X-Evil: 1 – 夜の会 end", "ARTIST": "Zoë M."}


async def test_nobody_is_told_of_a_private_one_who_may_not_listen(world: WebWorld) -> None:
    space = await world.create("Secret plans", private=True)
    for method in ("GET", "HEAD", "POST"):
        async with world.http.request(method, world.page(space, "/live.ogg")) as response:
            assert response.status == 404
            assert not [name for name in response.headers if name.lower().startswith("icy")]
            assert "Secret" not in await response.text()
    assert not world.stage.tags


async def test_so_many_listen_over_http_and_a_place_is_free_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with web_world(tmp_path, http_listeners_max=2) as world:
        space = await world.create()
        told = streaming_until_told(world, monkeypatch)
        address = world.page(space, "/live.ogg")
        async with AsyncExitStack() as stack:
            streams = [await stack.enter_async_context(world.http.get(address)) for _ in range(2)]
            for stream in streams:
                assert await stream.content.readexactly(10) == b"OggS-heard"
            async with world.http.get(address) as response:
                assert (response.status, (await response.json())["code"]) == (503, "streams_full")
                assert int(response.headers["Retry-After"]) > 0
            async with world.http.get(world.page(space)) as page:
                assert page.status == 200
            streams[0].close()
            told.set()
            async with asyncio.timeout(PATIENCE_S):
                while await _status(world, address) == 503:  # noqa: ASYNC110 - nobody tells
                    await asyncio.sleep(0.02)
            assert await _status(world, address) == 200


async def _status(world: WebWorld, address: str) -> int:
    async with world.http.get(address) as response:
        return response.status
