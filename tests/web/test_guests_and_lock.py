"""`guests off`, `guests listen` and `lock`, wherever somebody comes in."""

from contextlib import AsyncExitStack

import aiohttp
import pytest

from spaces_bridge.core import commands as cmd
from spaces_bridge.core.access import GuestPolicy
from spaces_bridge.core.ids import SpaceId, UserId
from spaces_bridge.core.sentences import say
from tests.web.test_shown_out import bearer, get, offer, streaming_until_told
from tests.web.world import (
    ALICE,
    HOST,
    Feed,
    WallClock,
    WebWorld,
    guest_of,
    refused,
    sent_away,
    until,
    until_role,
)

pytestmark = pytest.mark.peers

OFF = cmd.SetGuests(HOST, GuestPolicy.OFF)
LISTEN = cmd.SetGuests(HOST, GuestPolicy.LISTEN)
SPEAK = cmd.SetGuests(HOST, GuestPolicy.SPEAK)
LOCK = cmd.LockSpace(HOST)


# --- guests off ---------------------------------------------------------------------------------


async def test_guests_off_cuts_those_who_are_here_and_spares_members(
    world: WebWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    space = await world.create()
    told = streaming_until_told(world, monkeypatch)
    member = await world.member(space.space, ALICE)
    async with AsyncExitStack() as stack:
        pages = [
            await stack.enter_async_context(world.feed(space, token=token, name=name))
            for token, name in ((None, None), (None, "Maria"), (member, None))
        ]
        hellos = [await page.next("hello") for page in pages]
        guest = str(hellos[1]["session"])
        for secret in (None, guest, member):
            assert await offer(world, space, "whep", secret) == (201, "")
        address = world.page(space, "/live.ogg")
        streams = [
            await stack.enter_async_context(world.http.get(address, headers=headers))
            for headers in ({}, bearer(guest), bearer(member))
        ]
        for stream in streams:
            assert await stream.content.readexactly(10) == b"OggS-heard"

        await world.spaces.ask(space.space, OFF)

        for page in pages[:2]:
            await sent_away(page, "guests_off")
        assert [what[1] for what in world.stage.sessions.values()] == [ALICE]
        told.set()
        for stream in streams[:2]:
            assert await stream.content.read() == b""
        assert await streams[2].content.readexactly(11) == b"OggS-secret"
        world.hub.notice(space.space, say("still_here", "Still here."))
        assert (await pages[2].next("notice"))["text"] == "Still here."


async def test_guests_off_admits_members_alone_and_the_page_can_be_read(world: WebWorld) -> None:
    space = await world.create()
    member = await world.member(space.space, ALICE)
    async with world.feed(space, name="Maria") as page:
        _, guest = await guest_of(page)
    await world.spaces.ask(space.space, OFF)
    for token, name in ((None, None), (None, "Jo"), (guest, None)):
        async with world.feed(space, token=token, name=name) as page:
            await sent_away(page, "guests_off")
    for secret in (None, guest, "unknown"):
        for kind in ("whep", "whip"):
            assert await offer(world, space, kind, secret) == (403, "guests_off")
        stream = await get(world, world.page(space, "/live.ogg"), secret)
        assert stream == (403, "guests_off")
    assert await get(world, world.page(space)) == (200, "")
    async with world.feed(space, token=member) as page:
        await page.next("hello")
    assert await offer(world, space, "whep", member) == (201, "")
    assert await get(world, world.page(space, "/live.ogg"), member) == (200, "")

    await world.spaces.ask(space.space, SPEAK)
    async with world.feed(space, token=guest) as page:
        await page.next("hello")


async def test_guests_go_off_while_one_comes_in(
    world: WebWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    space = await world.create()

    async def switch_off() -> None:
        await world.spaces.ask(space.space, OFF)

    monkeypatch.setattr(world.stage, "before_answering", switch_off)
    assert await offer(world, space, "whep") == (403, "guests_off")
    assert not world.stage.sessions
    await world.spaces.ask(space.space, SPEAK)
    meanwhile(world, monkeypatch, OFF)
    async with world.feed(space, name="Maria") as page:
        await sent_away(page, "guests_off")


def meanwhile(world: WebWorld, monkeypatch: pytest.MonkeyPatch, command: cmd.Command) -> None:
    """Something happens while a new guest's session is being stored."""
    mint = world.sessions.mint

    async def minted(space: SpaceId, user: UserId, name: str, *, guest: bool) -> str:
        secret = await mint(space, user, name, guest=guest)
        await world.spaces.ask(space, command)
        return secret

    monkeypatch.setattr(world.sessions, "mint", minted)


async def test_an_ended_space_can_be_read_again_by_guests(world: WebWorld) -> None:
    space = await world.create()
    await world.spaces.ask(space.space, OFF)
    await world.spaces.ask(space.space, cmd.EndSpace(HOST, WallClock().now_ms()))
    async with world.feed(space) as page:
        await page.next("hello")


# --- guests listen ------------------------------------------------------------------------------


async def test_guests_who_only_listen_lose_the_floor_and_ask_in_vain(world: WebWorld) -> None:
    space = await world.create()
    async with world.feed(space, name="Maria") as page, world.feed(space, name="Jo") as other:
        user, secret = await guest_of(page)
        await page.send(type="hand", raised=True)
        await until_role(page, hand="pending")
        await world.spaces.ask(space.space, cmd.ApproveSpeaker(HOST, user))
        await world.seat(space.space, user, "Maria (guest)")
        for kind in ("whip", "whep"):
            assert await offer(world, space, kind, secret) == (201, "")
        assert user in world.view(space.space).on_air

        await world.spaces.ask(space.space, LISTEN)

        await until_role(page, may_speak=False, on_air=False)
        assert [what[2] for what in world.stage.sessions.values()] == ["listen"]
        assert await offer(world, space, "whip", secret) == (403, "guests_listen")
        await other.send(type="hand", raised=True)
        await refused(other, "guests_listen")


async def test_a_level_of_another_client_lets_no_guest_speak_where_they_listen(
    world: WebWorld,
) -> None:
    space = await world.create()
    await world.spaces.ask(space.space, LISTEN)
    async with world.feed(space, name="Maria") as page:
        user, secret = await guest_of(page)
        await world.seat(space.space, user, "Maria (guest)")
        assert world.view(space.space).may_speak(user)
        assert await offer(world, space, "whip", secret) == (403, "guests_listen")
    assert not world.view(space.space).on_air


# --- locked -------------------------------------------------------------------------------------


async def test_a_locked_space_lets_nobody_new_in(world: WebWorld) -> None:
    space = await world.create()
    member = await world.member(space.space, ALICE)
    async with (
        world.feed(space, name="Maria") as guest_page,
        world.feed(space) as nameless,
        world.feed(space, token=await world.link(space.space, HOST)) as host,
    ):
        _, guest = await guest_of(guest_page)
        for feed in (nameless, host):
            await feed.next("hello")
        await host.send(type="lock")
        for feed in (guest_page, nameless):
            assert "locked" in str((await feed.next("notice"))["text"])

        for name in (None, "Troll"):
            async with world.feed(space, name=name) as page:
                await sent_away(page, "locked", close=4423)
        assert await offer(world, space, "whep") == (403, "locked")
        assert await offer(world, space, "whep", "unknown") == (403, "locked")
        assert await get(world, world.page(space, "/live.ogg")) == (403, "locked")
        assert await get(world, world.page(space)) == (200, "")
        await guest_page.send(type="hand", raised=True)
        await refused(guest_page, "locked_hands")

        for secret in (guest, member):
            async with world.feed(space, token=secret) as page:
                await page.next("hello")
            assert await offer(world, space, "whep", secret) == (201, "")
            stream = await get(world, world.page(space, "/live.ogg"), secret)
            assert stream == (200, "")

        await host.send(type="unlock")
        assert "open again" in str((await nameless.next("notice"))["text"])
        async with world.feed(space, name="Jo") as page:
            await page.next("hello")


async def test_the_lock_falls_while_somebody_comes_in(
    world: WebWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    space = await world.create()

    async def lock() -> None:
        await world.spaces.ask(space.space, LOCK)

    monkeypatch.setattr(world.stage, "before_answering", lock)
    assert await offer(world, space, "whep") == (403, "locked")
    assert not world.stage.sessions
    await world.spaces.ask(space.space, cmd.UnlockSpace(HOST))
    meanwhile(world, monkeypatch, LOCK)
    async with world.feed(space, name="Troll") as page:
        await sent_away(page, "locked", close=4423)
    assert world.hub.guests(space.space) == 0


async def test_two_hundred_guests_with_hands_up_are_silenced_by_one_lock(
    world: WebWorld,
) -> None:
    space = await world.create()
    async with AsyncExitStack() as stack:
        host = await stack.enter_async_context(
            world.feed(space, token=await world.link(space.space, HOST))
        )
        crowd = await stack.enter_async_context(
            aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))
        )
        trolls = []
        for number in range(200):
            user = UserId(f"@spaces_{number:016x}:example.org")
            secret = await world.sessions.mint(space.space, user, f"Troll {number}", guest=True)
            headers = {"X-Forwarded-For": f"203.0.113.{number}"}
            socket = await stack.enter_async_context(
                crowd.ws_connect(world.page(space, "/feed"), headers=headers)
            )
            troll = Feed(socket)
            await troll.send(type="auth", token=secret)
            await troll.send(type="hand", raised=True)
            trolls.append(troll)
        await until(lambda: len(world.view(space.space).hands) == 200)
        await host.send(type="lock")
        await until(lambda: not world.view(space.space).requests)
        for troll in trolls[:10]:
            await troll.send(type="hand", raised=True)
            await refused(troll, "locked_hands")
    assert not world.view(space.space).requests
