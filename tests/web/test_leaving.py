"""Who leaves a live space's room: what ends with that, and what stays."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from spaces_bridge.app.ports import Direction
from spaces_bridge.core import commands as cmd
from spaces_bridge.core.ids import SpaceId, UserId
from spaces_bridge.core.live_space import LiveSpace
from tests.web.world import ALICE, BOB, HOST, PATIENCE_S, WebWorld, refused, until

pytestmark = pytest.mark.peers

OFFER = {"Content-Type": "application/sdp"}


def bearer(secret: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {secret}"}


async def test_the_stream_of_a_private_space_ends_for_who_was_removed(
    world: WebWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    space = await world.create(private=True)
    await world.joined(space.space, ALICE, "Alice")
    removed = asyncio.Event()

    async def mix(_space: SpaceId, _tags: object) -> AsyncIterator[bytes]:
        yield b"OggS-heard"
        await removed.wait()
        while True:
            yield b"OggS-secret"

    monkeypatch.setattr(world.stage, "mix", mix)
    headers = bearer(await world.link(space.space, ALICE))
    async with world.http.get(world.page(space, "/live.ogg"), headers=headers) as response:
        assert await response.content.readexactly(10) == b"OggS-heard"
        await world.left(space.space, ALICE)
        removed.set()
        async with asyncio.timeout(PATIENCE_S):
            assert await response.content.read() == b""


async def test_who_is_removed_while_an_offer_is_answered_hears_nothing(
    world: WebWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    space = await world.create(private=True)
    await world.joined(space.space, ALICE, "Alice")
    headers = OFFER | bearer(await world.link(space.space, ALICE))

    async def leave() -> None:
        await world.left(space.space, ALICE)

    monkeypatch.setattr(world.stage, "before_answering", leave)
    async with world.http.post(
        world.page(space, "/whep"), data="v=0", headers=headers
    ) as response:
        assert response.status == 404
    assert not world.stage.sessions
    assert len(world.stage.hung_up) == 1


async def test_connections_of_an_earlier_run_end_with_the_membership(world: WebWorld) -> None:
    space = await world.create(private=True)
    for user in (ALICE, BOB):
        await world.joined(space.space, user, user)
        # no request of this run: the worker has kept them up
        await world.stage.offer(space.space, user, Direction.LISTEN, "")
    await world.left(space.space, ALICE)
    assert [what[1] for what in world.stage.sessions.values()] == [BOB]


async def guest_asks(world: WebWorld, space: LiveSpace, guest: UserId) -> None:
    """Nobody brings a guest's ghost into the room before that."""
    await world.spaces.ask(space.space, cmd.RequestToSpeak(guest, 1, name="Maria", guest=True))


async def test_a_link_is_void_when_its_person_has_left_also_a_public_space(
    world: WebWorld,
) -> None:
    space = await world.create()
    await world.joined(space.space, ALICE, "Alice")
    links = {user: await world.link(space.space, user) for user in (ALICE, HOST)}
    async with world.feed(space, name="Maria") as guest:
        hello = await guest.next("hello")
    assert isinstance(hello["you"], dict)
    ghost = UserId(str(hello["you"]["id"]))
    await guest_asks(world, space, ghost)
    await world.joined(space.space, ghost, "Maria (guest)")
    for user in (ALICE, HOST, ghost):
        await world.left(space.space, user)

    async with asyncio.timeout(PATIENCE_S):
        while await world.sessions.identify(links[ALICE]) is not None:  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    async with world.feed(space, token=links[ALICE]) as feed:
        await refused(feed, "token_unknown")
    for secret in (links[HOST], str(hello["session"])):
        async with world.feed(space, token=secret) as feed:
            await feed.next("hello")
    await until(lambda: world.hub.connections() == 0)
