"""The numbers of a running bridge, as Prometheus reads them."""

from collections.abc import Mapping

import aiohttp
import pytest
from prometheus_client.parser import text_string_to_metric_families

from spaces_bridge.web.http.metric_table import METRICS, SOURCES, UP
from spaces_bridge_demo.deployment import Deployment
from tests.matrix.support import eventually
from tests.support.world import World

pytestmark = pytest.mark.e2e

EMBEDDED = SOURCES.keys() - {"relays"}
"""The parts of a bridge that joins no rooms at LiveKit servers."""


async def read(world: World) -> Mapping[str, Mapping[str, float]]:
    """Every metric's values by its labels' values."""
    async with (
        aiohttp.ClientSession() as http,
        http.get(f"{world.deployment.bridge.ops_url}/metrics") as answer,
    ):
        assert answer.status == 200
        text = await answer.text()
    return {
        family.name: {" ".join(s.labels.values()): s.value for s in family.samples}
        for family in text_string_to_metric_families(text)
    }


async def test_every_part_of_a_running_bridge_gives_its_numbers(world: World) -> None:
    async def all_are_up() -> bool:
        return (await read(world))[UP.name] == dict.fromkeys(EMBEDDED, 1.0)

    await eventually(all_are_up, "a part gives no numbers")
    shown = (await read(world)).keys()
    assert {row.name for row in METRICS if row.source in EMBEDDED} <= shown


@pytest.mark.needs("livekit-server")
async def test_the_process_that_joins_livekits_rooms_is_ready_and_counted(
    livekit: Deployment,
) -> None:
    wanted = {row.name for row in METRICS if row.source == "relays"}
    async with World(livekit) as world, aiohttp.ClientSession() as http:

        async def is_counted() -> bool:
            found = await read(world)
            return wanted <= found.keys() and found["spaces_media_sfu_client_up"] == {"": 1.0}

        await eventually(is_counted, "its numbers are not shown")
        async with http.get(f"{livekit.bridge.ops_url}/ready") as answer:
            assert (await answer.json())["parts"]["sfu_client"] == "ok"
