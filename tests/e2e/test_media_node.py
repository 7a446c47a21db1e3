"""A media node beside a whole bridge: a page hears the stage over another worker."""

from pathlib import Path

import pytest

from spaces_bridge_demo.deployment import Deployment
from tests.e2e.test_numbers import read
from tests.livekit.deployments import livekit_settings
from tests.livekit.livekit_server import free_place, livekit_server
from tests.matrix.support import eventually
from tests.support.nodes import SECRET, node
from tests.support.sound import tone
from tests.support.stage import hears
from tests.support.world import World

pytestmark = [pytest.mark.e2e, pytest.mark.needs("livekit-server")]


async def test_a_page_hears_the_stage_over_a_media_node(models: Path, tmp_path: Path) -> None:
    place = free_place()
    settings = livekit_settings(place)
    media = {**settings["media"], "node_secret": SECRET}
    livekit = {**settings["livekit"], "url": place.url.replace("http", "ws")}
    async with (
        livekit_server(tmp_path, place),
        Deployment(models=models, settings={"media": media, "livekit": livekit}) as deployment,
        node(deployment.bridge.url, tmp_path / "node", "far"),
        World(deployment) as world,
    ):

        async def is_connected() -> bool:
            return (await read(world))["spaces_media_nodes"] == {"": 1.0}

        await eventually(is_connected, "the node does not come")
        live = await world.on_air()
        live.host_mic.say(tone(440, 120))
        await hears(live.listener)

        guests = [live.listener]

        async def is_one_over_there() -> bool:
            """Another listener; once the node is in the call's room it is sent there."""
            guests.append(await (await world.page(live.space.page)).listen())
            await guests[-1].wait_packets(10)
            return (await read(world))["spaces_media_node_listeners"]["far"] > 0

        await eventually(is_one_over_there, "nobody is sent to the node")
        for guest in guests:
            await hears(guest)
