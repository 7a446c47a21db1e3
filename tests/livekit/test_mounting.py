"""Where the addresses of calls are: below one path of the listener, and in no other's way."""

from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import pytest
from aiohttp import web

from spaces_bridge.livekit.service import BELOW
from spaces_bridge.web.http.cors import Cors
from tests.livekit.authorised import Parts, authorised
from tests.web.world import web_world

pytestmark = pytest.mark.peers

ADDRESSES: Mapping[tuple[str, str], str] = {
    ("POST", "/sfu/get"): "POST",
    ("POST", "/get_token"): "POST",
    ("POST", "/delegate_delayed_leave"): "POST",
    ("POST", "/sfu_webhook"): "",
    ("GET", "/healthz"): "GET, HEAD",
}
"""Method and path of what the authoriser serves, and what other origins' pages may send."""


@pytest.fixture
async def parts(tmp_path: Path) -> AsyncIterator[Parts]:
    made = Parts()
    async with web_world(tmp_path, mounts=made.mounts):
        yield made


async def test_the_authoriser_serves_what_is_listed(parts: Parts) -> None:
    router = web.UrlDispatcher()
    parts.service.routes(router, "/spaces")
    found = set()
    for route in router.routes():
        assert route.resource is not None
        path = route.resource.canonical
        assert path.startswith(f"/spaces{BELOW}/")
        found.add((route.method, path.removeprefix(f"/spaces{BELOW}")))
    assert {each for each in found if each[0] != "HEAD"} == ADDRESSES.keys()


@pytest.mark.parametrize(("address", "methods"), ADDRESSES.items())
def test_browsers_may_ask_from_any_origin_what_browsers_ask(
    address: tuple[str, str], methods: str
) -> None:
    for path in (f"/spaces{BELOW}{address[1]}", BELOW + address[1]):
        assert Cors("/spaces").methods(path) == (f"{methods}, OPTIONS" if methods else "")


@pytest.mark.parametrize("path", ["/rtc/validate", "/rtc/v1/validate"])
def test_livekits_client_may_ask_why_it_cannot_connect(path: str) -> None:
    assert Cors("").methods(BELOW + path) == "GET, HEAD, OPTIONS"
    for other in ("/rtc", "/rtc/v1", "/twirp/livekit.RoomService/ListRooms", "/"):
        assert not Cors("").methods(BELOW + other)


async def test_the_pages_stay_where_they_are(tmp_path: Path) -> None:
    async with authorised(tmp_path) as calls:
        space = await calls.world.create()
        for address in (calls.world.base + "/", calls.world.page(space)):
            async with calls.world.http.get(address) as response:
                assert response.status == 200


async def test_without_calls_there_is_nothing(tmp_path: Path) -> None:
    async with (
        web_world(tmp_path) as world,
        world.http.post(f"{world.base}{BELOW}/sfu/get", json={}) as response,
    ):
        assert response.status == 404
