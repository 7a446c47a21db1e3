"""The numbers of calls: what was given, refused, and how it ended."""

from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
from livekit.protocol import rtc

from spaces_bridge.core.live_space import LiveSpace
from spaces_bridge.web.http.metric_table import keys_of
from tests.livekit.authorised import Authorised, authorised
from tests.livekit.call_world import BOB as GUEST
from tests.livekit.call_world import CallWorld, call_world
from tests.web.world import ALICE, BOB

pytestmark = pytest.mark.peers


@pytest.fixture
async def calls(tmp_path: Path) -> AsyncIterator[Authorised]:
    async with authorised(tmp_path) as running:
        yield running


@pytest.fixture
async def space(calls: Authorised) -> LiveSpace:
    """Live; Alice listens."""
    made = await calls.world.create()
    await calls.world.joined(made.space, ALICE, "Alice")
    return calls.world.view(made.space)


@pytest.fixture
async def world() -> AsyncIterator[CallWorld]:
    async with call_world() as running:
        await running.seat(GUEST, "Bob")
        yield running


async def test_tokens_and_refusals_are_counted(calls: Authorised, space: LiveSpace) -> None:
    await calls.grant("/sfu/get", calls.older(space, ALICE))
    await calls.refused("/sfu/get", calls.older(space, BOB))
    forged = calls.older(space, ALICE)
    forged["openid_token"] = {"access_token": "forged", "matrix_server_name": "example.org"}
    await calls.refused("/sfu/get", forged)
    assert space.room is not None
    calls.secrecy.away = True
    await calls.refused("/sfu/get", calls.older(space, ALICE))
    calls.secrecy.away = False
    calls.secrecy.rooms.add(space.room)
    await calls.refused("/sfu/get", calls.older(space, ALICE))
    numbers = await calls.service.numbers()
    assert numbers["tokens"] == 1
    assert numbers["tokens_refused"] == {
        "not_joined": 1,
        "M_UNAUTHORIZED": 1,
        "outage": 1,
        "encrypted": 1,
    }


async def test_delayed_leaves_are_counted(calls: Authorised, space: LiveSpace) -> None:
    delegates = {"delay_id": "syd_1", "delay_timeout": 3_600_000}
    await calls.grant("/sfu/get", calls.older(space, ALICE) | delegates)
    numbers = await calls.service.numbers()
    assert (numbers["leaves"], numbers["leaves_failing"], numbers["leaves_sent"]) == (1, 0, 0)
    calls.events.away = True
    again = {"delay_id": "syd_2", "delay_timeout": 3_600_000}
    await calls.grant("/sfu/get", calls.older(space, ALICE) | again)
    numbers = await calls.service.numbers()
    assert (numbers["leaves"], numbers["leaves_failing"]) == (1, 1)


async def test_who_is_in_calls_and_how_they_left_is_counted(world: CallWorld) -> None:
    async with world.raw(GUEST) as bob:
        await bob.next("join")
        numbers = world.rooms.numbers()
        assert (numbers["rooms"], numbers["participants"], numbers["ended"]) == (1, 1, {})
        await bob.socket.send_bytes(b"\xff")
        await bob.send(leave=rtc.LeaveRequest())
        await bob.closed()
    numbers = world.rooms.numbers()
    assert (numbers["rooms"], numbers["participants"]) == (0, 0)
    assert numbers["ended"] == {"left": 1}
    assert world.signalling.numbers()["messages_ignored"] == 1


async def test_joins_that_are_refused_are_counted(world: CallWorld) -> None:
    for token in ("forged", world.token(GUEST, join=False)):
        with pytest.raises(aiohttp.WSServerHandshakeError):
            await world.http.ws_connect(world.url("/rtc"), params={"access_token": token})
    assert world.signalling.numbers()["joins_refused"] == {"401": 2}


async def test_every_number_of_calls_is_listed(calls: Authorised, world: CallWorld) -> None:
    given = (await calls.service.numbers()).keys()
    found = {*given, *world.rooms.numbers(), *world.signalling.numbers()}
    assert found == keys_of("calls")
