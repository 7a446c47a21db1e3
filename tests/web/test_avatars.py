"""Pictures of people on the page: whose are shown, to whom, and as what."""

from collections.abc import Mapping

import numpy as np
import pytest
from playwright.async_api import Browser

from spaces_bridge.app.ports import Avatar
from spaces_bridge.core import commands as cmd
from spaces_bridge.core.ids import UserId
from spaces_bridge.core.live_space import LiveSpace
from spaces_bridge.web import views
from tests.web.browser import opened
from tests.web.world import ALICE, BOB, HOST, WallClock, WebWorld, guest_of
from tools.pictures import png

PICTURE = Avatar("image/png", png.encode(np.full((8, 8, 4), 200, np.uint8)))


async def status(world: WebWorld, space: LiveSpace, user: UserId) -> int:
    async with world.http.get(world.page(space, f"/face/{views.face(user)}")) as response:
        return response.status


def person(people: object, user: UserId) -> Mapping[str, object]:
    assert isinstance(people, list)
    found: Mapping[str, object] = next(p for p in people if p["id"] == user)
    return found


@pytest.mark.peers
async def test_host_stage_and_queue_are_seen_and_nobody_else(world: WebWorld) -> None:
    space = await world.create()
    world.album.avatars = dict.fromkeys((HOST, ALICE, BOB), PICTURE)
    await world.seat(space.space, ALICE, "Alice")
    await world.joined(space.space, BOB, "Bob")
    assert await status(world, space, HOST) == 200
    assert await status(world, space, ALICE) == 200
    assert await status(world, space, BOB) == 404
    assert world.album.asked == [HOST, ALICE]
    await world.spaces.ask(space.space, cmd.RequestToSpeak(BOB, WallClock().now_ms()))
    assert await status(world, space, BOB) == 200
    await world.spaces.ask(space.space, cmd.CancelRequest(BOB))
    assert await status(world, space, BOB) == 404


@pytest.mark.peers
async def test_the_addresses_of_the_view_lead_to_the_pictures(world: WebWorld) -> None:
    space = await world.create()
    world.album.avatars = {HOST: PICTURE}
    await world.joined(space.space, BOB, "Bob")
    await world.spaces.ask(space.space, cmd.RequestToSpeak(BOB, WallClock().now_ms()))
    async with world.feed(space, name="Maria") as page:
        guest, _ = await guest_of(page)
        await page.send(type="hand", raised=True)
        while True:
            roster = await page.next("roster")
            if roster["hands"] == 2:
                break
    async with world.http.get(f"{world.base}/api/v1/spaces/{space.slug}") as response:
        about = await response.json()
    address = about["host"]["picture"]
    assert person(about["stage"], HOST)["picture"] == address
    assert person(roster["stage"], HOST)["picture"] == address
    assert person(roster["queue"], BOB)["picture"] == world.page(space, f"/face/{views.face(BOB)}")
    assert person(roster["queue"], guest)["picture"] is None
    assert await status(world, space, guest) == 404
    async with world.http.get(address) as response:
        assert response.status == 200
        assert await response.read() == PICTURE.body
        headers = response.headers
    assert headers["Content-Type"] == "image/png"
    assert headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert headers["Cache-Control"] == "public, max-age=3600"


@pytest.mark.peers
async def test_who_has_no_picture_is_not_found(world: WebWorld) -> None:
    space = await world.create()
    async with world.http.get(world.page(space, f"/face/{views.face(HOST)}")) as response:
        assert response.status == 404
        assert (await response.json())["code"] == "no_picture"
        assert response.headers["Cache-Control"] == "public, max-age=300"
    blank = world.page(space, f"/face/{views.face(HOST)}?or=blank")
    async with world.http.get(blank) as response:
        assert response.status == 200
        assert response.headers["Content-Type"] == "image/gif"


@pytest.mark.peers
async def test_a_private_space_shows_no_pictures_and_does_not_exist(world: WebWorld) -> None:
    space = await world.create(private=True)
    world.album.avatars = {HOST: PICTURE}
    secret = await world.member(space.space, ALICE)
    answers = []
    headers = {"Authorization": f"Bearer {secret}"}
    for address in (world.page(space), f"{world.base}/s/nothing-here"):
        face = f"{address}/face/{views.face(HOST)}"
        async with world.http.get(face, headers=headers) as response:
            answers.append((response.status, await response.read()))
    assert answers[0] == answers[1]
    assert answers[0][0] == 404
    assert world.album.asked == []
    async with world.feed(space, token=secret) as page:
        about = (await page.next("hello"))["space"]
    assert isinstance(about, dict)
    assert about["host"]["picture"] is None


@pytest.mark.e2e
async def test_a_browser_shows_them_under_the_pages_policy(
    world: WebWorld, browser: Browser
) -> None:
    space = await world.create()
    world.album.avatars = {HOST: PICTURE}
    address = world.page(space, f"/face/{views.face(HOST)}")
    show = """async (address) => {
      const image = new Image();
      image.src = address;
      document.body.append(image);
      await image.decode();
      return image.naturalWidth;
    }"""
    async with opened(browser, world.base + "/") as visitor:
        assert await visitor.page.evaluate(show, address) == 8
