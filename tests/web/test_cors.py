"""What pages of other origins may use: open addresses, whatever they answer. Nothing else."""

import pytest
from aiohttp import ClientResponse

from spaces_bridge.web.http.cors import Cors
from tests.web.world import WebWorld

pytestmark = pytest.mark.peers

READ, MEDIA = {"GET", "HEAD"}, {"POST", "PATCH", "DELETE"}
ORIGIN = {"Origin": "https://elsewhere.example"}


def asks(method: str) -> dict[str, str]:
    """What a browser asks before it sends something with a token."""
    return ORIGIN | {
        "Access-Control-Request-Method": method,
        "Access-Control-Request-Headers": "authorization,content-type",
    }


def methods_of(response: ClientResponse) -> set[str]:
    return set(response.headers["Access-Control-Allow-Methods"].split(", "))


def is_open(response: ClientResponse) -> bool:
    return response.headers.get("Access-Control-Allow-Origin") == "*"


@pytest.mark.parametrize(
    ("below", "methods"),
    [
        ("/s/SLUG/whep", MEDIA),
        ("/s/SLUG/whip", MEDIA),
        ("/s/SLUG/whip/session-1", MEDIA),
        ("/s/SLUG/live.ogg", READ | {"POST"}),
        ("/s/SLUG/transcript.vtt", READ),
        ("/s/SLUG/transcript.json", READ),
        ("/s/SLUG/event.ics", READ),
        ("/s/SLUG/qr.svg", READ),
        ("/s/SLUG/face/0a", READ),
        ("/api/v1/spaces", READ | {"POST"}),
        ("/api/v1/you", READ),
        ("/api/v1/spaces/SLUG", READ),
        ("/api/v1/nothing", READ),
        ("/api/openapi.json", READ),
    ],
)
async def test_open_addresses_answer_what_is_asked_first_and_show_every_answer(
    world: WebWorld, below: str, methods: set[str]
) -> None:
    space = await world.create()
    for slug in (space.slug, "unknown", "UNKNOWN"):
        address = world.base + below.replace("SLUG", slug)
        for method in sorted(methods):
            async with world.http.options(address, headers=asks(method)) as response:
                assert response.status == 204
                assert is_open(response)
                assert methods_of(response) == methods | {"OPTIONS"}
                allowed = response.headers["Access-Control-Allow-Headers"].lower()
                assert {"authorization", "content-type", "*"} <= set(allowed.split(", "))
                assert response.headers["Access-Control-Max-Age"] == "86400"
        for method in ("GET", "POST", "PATCH", "DELETE"):
            async with world.http.request(method, address, headers=ORIGIN) as response:
                assert is_open(response), (method, response.status)
                assert "Retry-After" in response.headers["Access-Control-Expose-Headers"]


async def test_a_page_elsewhere_sees_that_patch_is_not_for_it(world: WebWorld) -> None:
    space = await world.create()
    async with world.http.patch(world.page(space, "/whip/x"), headers=ORIGIN) as response:
        assert response.status == 405
        assert is_open(response)
        assert set(response.headers["Allow"].split(",")) == {"DELETE", "OPTIONS"}


async def test_a_page_elsewhere_sees_when_it_may_come_again(world: WebWorld) -> None:
    address = world.page(await world.create(), "/live.ogg")
    statuses = set()
    for _ in range(70):
        async with world.http.post(address, headers=ORIGIN) as response:
            assert is_open(response)
            statuses.add(response.status)
            if response.status == 429:
                assert response.headers["Retry-After"]
    assert statuses == {201, 429}


async def test_pages_feed_and_the_admin_are_for_our_own_origin(world: WebWorld) -> None:
    space = await world.create()
    ops = f"http://127.0.0.1:{world.service.ops_port}"
    addresses = (
        world.base + "/",
        world.page(space),
        world.page(space, "/feed"),
        world.base + "/static/0/page.js",
        f"{ops}/ready",
        f"{ops}/metrics",
        f"{ops}/admin/v1/spaces",
    )
    for address in addresses:
        for method in ("OPTIONS", "GET", "POST"):
            async with world.http.request(method, address, headers=asks("GET")) as response:
                told = [name for name in response.headers if name.startswith("Access-Control")]
                assert not told, address
                assert method != "OPTIONS" or response.status in (401, 403, 404, 405)


@pytest.mark.unit
def test_a_prefix_may_be_stripped_by_the_proxy_or_not() -> None:
    cors = Cors("/spaces")
    for path in ("/spaces/api/v1/you", "/api/v1/spaces/a", "/spaces/s/a/qr.svg", "/s/a/qr.svg"):
        assert cors.methods(path) == "GET, HEAD, OPTIONS"
    for path in (
        "/spacesapi/v1",
        "/other/api/v1",
        "/s/a/feed",
        "/s/a",
        "/s/api/",
        "/s/a/whep/b/c",
    ):
        assert not cors.methods(path)
