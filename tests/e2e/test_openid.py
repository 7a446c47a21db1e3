"""The page as a widget: a real homeserver says who its own users are."""

from collections.abc import Mapping
from typing import Any

import aiohttp
import pytest

from spaces_bridge_demo.deployment import LiveRoom
from spaces_bridge_demo.expected import Expected
from spaces_bridge_demo.feed import PageGuest
from tests.support.world import World

pytestmark = [pytest.mark.e2e]


async def refusal(space: LiveRoom, openid: Mapping[str, Any]) -> tuple[str, int | None]:
    """The error's code, and that of the close."""
    async with (
        aiohttp.ClientSession() as http,
        http.ws_connect(f"{space.page}/feed") as socket,
    ):
        await socket.send_json({"type": "auth", "openid": openid})
        error = await socket.receive_json(timeout=60)
        await socket.receive(timeout=60)
        assert error["type"] == "error"
        return error["code"], socket.close_code


def next_arrival(page: PageGuest) -> Expected:
    """Armed now: one more person in the room, as the page sees it."""
    here = int(page.hello["roster"]["listeners"])
    return page.next_frame("roster", lambda frame: frame["listeners"] > here)


async def test_a_host_runs_the_space_from_the_widget_without_any_link(world: World) -> None:
    host, asker = await world.person("ada"), await world.person("mia")
    space = await world.live_space(host)
    openid, asking = await host.openid_token(), await asker.openid_token()
    async with PageGuest(space.page, openid=openid) as desktop:
        assert (desktop.id, desktop.hello["you"]["may_end"]) == (host.id, True)
        arrived = next_arrival(desktop)
        await asker.join(space.alias)
        await arrived
        async with PageGuest(space.page, openid=asking) as page:
            assert (page.id, page.hello["you"]["guest"]) == (asker.id, False)
            asked = desktop.next_frame("roster", lambda frame: bool(frame["queue"]))
            await page.send({"type": "hand", "raised": True})
            hand = (await asked)["queue"][0]
            offered = page.next_frame("role", lambda frame: frame["may_speak"])
            await desktop.send({"type": "approve", "user": hand["id"]})
            await offered
            await page.open_microphone()
        assert await refusal(space, openid) == ("openid_refused", 4401)
    forged = {**openid, "access_token": f"{openid['access_token']}x"}
    assert await refusal(space, forged) == ("openid_refused", 4401)
    log = world.deployment.bridge.log_text()
    for token in (openid["access_token"], asking["access_token"]):
        assert token not in log


async def test_a_private_space_opens_to_those_in_its_room_alone(world: World) -> None:
    host, friend = await world.person("ada"), await world.person("mia")
    outsider = await world.person("eve")
    space = await host.create_space("Among us", "--private")
    await host.start_space(space)
    assert await refusal(space, await outsider.openid_token()) == ("not_found", 4404)
    async with PageGuest(space.page, openid=await host.openid_token()) as desktop:
        arrived = next_arrival(desktop)
        await host.request("POST", f"rooms/{space.room}/invite", {"user_id": friend.id})
        await friend.join(space.room)
        await arrived
    async with PageGuest(space.page, openid=await friend.openid_token()) as page:
        assert page.id == friend.id


async def test_the_rooms_widget_is_the_page_and_says_so(world: World) -> None:
    host = await world.person("ada")
    space = await host.create_space("Shown inside")
    widget = await host.state(space.room, "im.vector.modular.widgets", "spaces")
    page, _, query = str(widget["url"]).partition("?")
    assert page == space.page
    assert query.startswith("widget=1&")
    assert "theme=$org.matrix.msc2873.client_theme" in query
    assert "lang=$org.matrix.msc2873.client_language" in query
