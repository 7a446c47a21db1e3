"""Letting invitations out: few at once, and a server that does not answer in nobody's way."""

import asyncio

import pytest

from spaces_bridge.matrix.client.pace import Pacer
from spaces_bridge.matrix.invites.throttle import AT_ONCE, AT_ONCE_PER_SERVER, ServerThrottle
from tests.matrix.support import eventually

pytestmark = pytest.mark.unit


async def wanted() -> bool:
    return True


class Writers:
    """People who write invitations, and take their time about it."""

    def __init__(self) -> None:
        clock = asyncio.get_running_loop().time
        self.throttle = ServerThrottle(Pacer(60_000_000, clock), "home", clock)
        self.inside = 0
        self.most = 0
        self.go = asyncio.Event()

    async def write(self, server: str) -> None:
        async with self.throttle.turn(server, wanted) as is_wanted:
            assert is_wanted
            self.inside += 1
            self.most = max(self.most, self.inside)
            await self.go.wait()
            self.inside -= 1

    async def are_inside(self, number: int) -> None:
        """Returns when so many are writing."""
        await eventually(lambda: self.inside == number, f"not {number} are writing")


async def test_a_slow_homeserver_has_only_so_many_to_do_at_once() -> None:
    writers = Writers()
    writing = [asyncio.create_task(writers.write("home")) for _ in range(3 * AT_ONCE)]
    await writers.are_inside(AT_ONCE)
    writers.go.set()
    await asyncio.gather(*writing)
    assert writers.most == AT_ONCE


async def test_a_server_that_hangs_leaves_places_for_the_others() -> None:
    writers = Writers()
    hanging = [asyncio.create_task(writers.write("hangs")) for _ in range(50)]
    await writers.are_inside(AT_ONCE_PER_SERVER)
    others = [asyncio.create_task(writers.write("home")) for _ in range(5)]
    await writers.are_inside(AT_ONCE_PER_SERVER + 5)
    writers.go.set()
    await asyncio.gather(*hanging, *others)
