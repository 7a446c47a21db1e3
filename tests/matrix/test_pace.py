"""How fast we write."""

import asyncio

import pytest

from spaces_bridge.matrix.client.errors import Away
from spaces_bridge.matrix.client.http import retry_after_s
from spaces_bridge.matrix.client.pace import Pacer

pytestmark = pytest.mark.unit


class Hand:
    """A clock set by hand."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.mark.parametrize(
    ("header", "field", "seconds"),
    [
        ("3", 9000, 3.0),
        ("", 1500, 1.5),
        ("soon", 1500, 1.5),
        ("", "1500", None),
        ("", True, None),
        ("", -5, None),
        ("99999999", None, 3600.0),
        ("", None, None),
    ],
)
def test_the_header_says_when_to_come_back_before_the_field(
    header: str, field: object, seconds: float | None
) -> None:
    assert retry_after_s({"Retry-After": header}, {"retry_after_ms": field}) == seconds


async def wanted() -> bool:
    return True


async def unwanted() -> bool:
    return False


async def test_turns_are_evenly_spaced_and_in_the_order_of_asking() -> None:
    loop = asyncio.get_running_loop()
    pacer = Pacer(3000, loop.time)
    begun, order, times = loop.time(), list[int](), list[float]()

    async def ask(number: int) -> None:
        await pacer.turn(wanted)
        order.append(number)
        times.append(loop.time() - begun)

    await asyncio.gather(*(ask(number) for number in range(10)))
    assert order == list(range(10))
    assert times[0] >= 0.019, "not even the first one at once: there may have been a start"
    assert times[-1] >= 0.19


async def test_a_turn_that_is_not_wanted_any_more_costs_nothing() -> None:
    clock = Hand()
    pacer = Pacer(60_000_000, clock)
    clock.now = 1.0
    assert not await pacer.turn(unwanted)
    assert await pacer.turn(wanted)


async def test_whoever_is_turned_away_in_turn_holds_up_nobody() -> None:
    async def refuse() -> bool:
        raise Away("its server does not answer")

    pacer = Pacer(60_000, asyncio.get_running_loop().time)
    turns = [pacer.turn(refuse), pacer.turn(wanted)]
    away, last = await asyncio.gather(*turns, return_exceptions=True)
    assert isinstance(away, Away)
    assert last is True
