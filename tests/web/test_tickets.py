"""The stream over HTTP for those who can send no header."""

import pytest

from spaces_bridge.app.records import Token
from spaces_bridge.core import commands as cmd
from spaces_bridge.core.ids import SpaceId
from spaces_bridge.web.access import tickets as tickets_module
from spaces_bridge.web.access.tickets import GOOD_FOR_S, Tickets
from tests.support.edge import Clock
from tests.web.world import ALICE, HOST, WebWorld

pytestmark = pytest.mark.peers

TOKEN = Token("hash", SpaceId("space0000000000a"), ALICE, "", False, 0)


def test_a_ticket_stands_for_its_bearer_for_a_minute() -> None:
    clock = Clock()
    tickets = Tickets(clock)
    ticket = tickets.issue(TOKEN)
    assert tickets.bearer(ticket) == TOKEN
    assert tickets.bearer("guessed") is None
    clock.now += GOOD_FOR_S - 1
    assert tickets.bearer(ticket) == TOKEN
    clock.now += 1
    assert tickets.bearer(ticket) is None


def test_tickets_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tickets_module, "MOST", 2)
    tickets = Tickets(Clock())
    first, second, third = (tickets.issue(TOKEN) for _ in range(3))
    assert len({first, second, third}) == 3
    assert tickets.bearer(first) is None
    assert tickets.bearer(second) == tickets.bearer(third) == TOKEN


async def test_a_member_plays_a_private_one_by_a_ticket_that_is_not_the_token(
    world: WebWorld,
) -> None:
    space = await world.create(private=True)
    secret = await world.member(space.space, ALICE)
    address = world.page(space, "/live.ogg")
    assert await post(world, address) == (404, "")
    status, location = await post(world, address, secret)
    assert status == 201
    assert secret not in location
    assert await get(world, location) == (200, b"OggS-1OggS-2")
    assert await get(world, location) == (200, b"OggS-1OggS-2"), "a player may ask twice"
    assert (await get(world, f"{address}?ticket=guessed"))[0] == 404
    assert (await get(world, f"{address}?ticket={secret}"))[0] == 404


async def test_a_ticket_opens_no_other_live_space(world: WebWorld) -> None:
    mine = await world.create(private=True)
    other = await world.create(private=True, live=False)
    secret = await world.member(mine.space, ALICE)
    await world.joined(other.space, ALICE, "Alice")
    _, location = await post(world, world.page(mine, "/live.ogg"), secret)
    ticket = location.partition("?")[2]
    assert (await get(world, f"{world.page(other, '/live.ogg')}?{ticket}"))[0] == 404


async def test_a_ticket_is_worth_nothing_once_its_holder_was_removed(world: WebWorld) -> None:
    space = await world.create(private=True)
    secret = await world.member(space.space, ALICE)
    _, location = await post(world, world.page(space, "/live.ogg"), secret)
    await world.spaces.ask(space.space, cmd.RemovePerson(HOST, ALICE, "enough"))
    assert (await get(world, location))[0] in (403, 404)


async def test_who_needs_no_ticket_gets_a_plain_address(world: WebWorld) -> None:
    space = await world.create()
    status, location = await post(world, world.page(space, "/live.ogg"))
    assert (status, location) == (201, world.page(space, "/live.ogg"))


async def test_what_is_not_live_has_no_stream_to_give(world: WebWorld) -> None:
    space = await world.create(live=False)
    assert (await post(world, world.page(space, "/live.ogg")))[0] == 409


async def post(world: WebWorld, address: str, secret: str | None = None) -> tuple[int, str]:
    """Ask for an address; the status, and the whole address if there is one."""
    headers = {} if secret is None else {"Authorization": f"Bearer {secret}"}
    async with world.http.post(address, headers=headers) as response:
        location = response.headers.get("Location", "")
        origin = "/".join(address.split("/")[:3])
        return response.status, location and origin + location


async def get(world: WebWorld, address: str) -> tuple[int, bytes]:
    """Play an address as a player does, without a header."""
    async with world.http.get(address) as response:
        return response.status, await response.read()
