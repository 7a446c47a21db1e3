"""Who was removed or is blocked: cut at once, everywhere, and for good."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from spaces_bridge.app.ports import Direction
from spaces_bridge.app.records import PolicyRule
from spaces_bridge.core import commands as cmd
from spaces_bridge.core.ids import RoomId, SpaceId, UserId
from spaces_bridge.core.live_space import LiveSpace
from spaces_bridge.core.sentences import say
from tests.web.world import (
    ALICE,
    BOB,
    HOST,
    PATIENCE_S,
    WallClock,
    WebWorld,
    guest_of,
    sent_away,
    until,
    until_role,
    web_world,
)

pytestmark = pytest.mark.peers

OFFER = {"Content-Type": "application/sdp"}
LISTS = RoomId("!lists")
READABLE = ("/live.ogg", "/transcript.txt", "/feed", "")


def bearer(secret: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {secret}"}


async def get(world: WebWorld, address: str, secret: str | None = None) -> tuple[int, str]:
    """Status and code of a GET."""
    headers = bearer(secret) if secret else {}
    async with world.http.get(address, headers=headers) as response:
        problem = response.content_type == "application/problem+json"
        return response.status, (await response.json())["code"] if problem else ""


async def offer(
    world: WebWorld, space: LiveSpace, kind: str, secret: str | None = None
) -> tuple[int, str]:
    """Status and code of an offer to `whep` or `whip`."""
    headers = OFFER | (bearer(secret) if secret else {})
    address = world.page(space, f"/{kind}")
    async with world.http.post(address, data="v=0", headers=headers) as response:
        return response.status, "" if response.status == 201 else (await response.json())["code"]


async def refused_everywhere(world: WebWorld, space: LiveSpace, secret: str) -> None:
    async with world.feed(space, token=secret) as feed:
        await sent_away(feed, "removed")
    for kind in ("whep", "whip"):
        assert await offer(world, space, kind, secret) == (403, "removed")
    for path in READABLE:
        assert await get(world, world.page(space, path), secret) == (403, "removed"), path
    api = f"{world.base}/api/v1/spaces/{space.slug}"
    assert await get(world, api, secret) == (403, "removed")


async def seated(world: WebWorld, space: SpaceId, user: UserId) -> str:
    """Somebody with the floor, a microphone and an ear; the secret of their link."""
    secret = await world.member(space, user, 10)
    view = world.view(space)
    for kind in ("whep", "whip"):
        assert await offer(world, view, kind, secret) == (201, "")
    assert user in world.view(space).on_air
    return secret


# --- by a host ----------------------------------------------------------------------------------


async def test_who_is_removed_is_cut_everywhere_at_once_and_their_link_is_void(
    world: WebWorld,
) -> None:
    space = await world.create()
    secret = await seated(world, space.space, ALICE)
    async with (
        world.feed(space, token=secret) as page,
        world.feed(space, token=secret) as other_tab,
        world.feed(space, token=await world.link(space.space, HOST)) as host,
    ):
        for feed in (page, other_tab, host):
            await feed.next("hello")
        await host.send(type="remove", user=ALICE, reason="rude")
        await sent_away(page, "removed")
        await sent_away(other_tab, "removed")
    assert not world.stage.sessions
    assert not world.stage.open_microphones
    await until_void(world, secret)


async def until_void(world: WebWorld, secret: str) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while await world.sessions.identify(secret) is not None:  # noqa: ASYNC110
            await asyncio.sleep(0.02)


async def test_a_kick_from_any_client_does_the_same(world: WebWorld) -> None:
    space = await world.create()
    secret = await seated(world, space.space, ALICE)
    async with world.feed(space, token=secret) as page:
        await page.next("hello")
        kick = cmd.ObserveMember(ALICE, joined=False, kicked=True, by=HOST)
        await world.spaces.ask(space.space, kick)
        await sent_away(page, "removed")
    assert not world.stage.sessions
    await until_void(world, secret)


async def test_a_link_made_meanwhile_opens_no_door_also_after_a_restart(tmp_path: Path) -> None:
    async with web_world(tmp_path) as world:
        space = await world.create()
        await world.member(space.space, ALICE, 10)
        await world.spaces.ask(space.space, cmd.RemovePerson(HOST, ALICE))
        late = await world.link(space.space, ALICE)
        await refused_everywhere(world, space, late)
    async with web_world(tmp_path) as world:
        await refused_everywhere(world, space, late)
        assert await get(world, world.page(space)) == (200, "")


async def test_who_is_let_in_again_comes_in_by_a_new_link(world: WebWorld) -> None:
    space = await world.create()
    await world.member(space.space, ALICE)
    await world.spaces.ask(space.space, cmd.RemovePerson(HOST, ALICE))
    await world.spaces.ask(space.space, cmd.ReadmitPerson(HOST, ALICE))
    async with world.feed(space, token=await world.link(space.space, ALICE)) as page:
        await page.next("hello")


async def test_a_guest_is_removed_by_their_id(world: WebWorld) -> None:
    space = await world.create()
    async with world.feed(space, name="Troll") as page:
        user, secret = await guest_of(page)
        assert await offer(world, space, "whep", secret) == (201, "")
        await page.send(type="hand", raised=True)
        await until_role(page, hand="pending")
        await world.spaces.ask(space.space, cmd.RemovePerson(HOST, user))
        await sent_away(page, "removed")
    assert not world.stage.sessions
    await until_void(world, secret)
    # what the docs say plainly
    async with world.feed(space, name="Troll again") as page:
        again, _ = await guest_of(page)
    assert again != user


async def test_what_the_removed_had_on_the_way_is_not_obeyed(world: WebWorld) -> None:
    space = await world.create()
    async with world.feed(space, token=await world.member(space.space, ALICE)) as page:
        await page.next("hello")
        await world.spaces.ask(space.space, cmd.RemovePerson(HOST, ALICE))
        await page.send(type="react", emoji="👏")
        await page.send(type="report", user=HOST, reason="revenge")
        await page.send(type="follow")
        await sent_away(page, "removed")
    await until(lambda: world.hub.connections() == 0)
    assert world.service._tally.flush() == []
    assert await world.storage.reports.listing(10) == []
    assert await world.storage.followers.count(HOST) == 0


async def test_who_is_removed_while_an_offer_is_answered_hears_nothing(
    world: WebWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    space = await world.create()
    for kind, code in (("whep", "removed"), ("whip", "no_floor")):
        user = ALICE if kind == "whep" else BOB
        secret = await world.member(space.space, user, 10)

        async def remove(user: UserId = user) -> None:
            await world.spaces.ask(space.space, cmd.RemovePerson(HOST, user))

        monkeypatch.setattr(world.stage, "before_answering", remove)
        assert await offer(world, space, kind, secret) == (403, code)
        assert not world.stage.sessions


async def test_the_stream_over_http_ends_for_the_link_it_came_with(
    world: WebWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    space = await world.create()
    gone = streaming_until_told(world, monkeypatch)
    secret = await world.member(space.space, ALICE)
    address = world.page(space, "/live.ogg")
    async with world.http.get(address, headers=bearer(secret)) as response:
        assert await response.content.readexactly(10) == b"OggS-heard"
        await world.spaces.ask(space.space, cmd.RemovePerson(HOST, ALICE))
        gone.set()
        assert await response.content.read() == b""


def streaming_until_told(world: WebWorld, monkeypatch: pytest.MonkeyPatch) -> asyncio.Event:
    """The stage streams one page, waits for the event, and then streams secrets for ever."""
    told = asyncio.Event()

    async def mix(_space: SpaceId, _tags: object) -> AsyncIterator[bytes]:
        yield b"OggS-heard"
        await told.wait()
        while True:
            yield b"OggS-secret" * 5000

    monkeypatch.setattr(world.stage, "mix", mix)
    return told


# --- by a list ----------------------------------------------------------------------------------


async def test_who_is_blocked_is_kept_out_of_all_spaces_of_the_host(world: WebWorld) -> None:
    space, later = await world.create(), await world.create("Later", live=False)
    secret = await world.member(space.space, ALICE)
    for_later = await world.link(later.space, ALICE)
    async with (
        world.feed(space, token=secret) as page,
        world.feed(later, token=for_later) as page_of_later,
        world.feed(space, token=await world.link(space.space, HOST)) as host,
    ):
        for feed in (page, page_of_later, host):
            await feed.next("hello")
        await host.send(type="block", user=ALICE, reason="rude")
        await sent_away(page, "removed")
        await sent_away(page_of_later, "removed")
        assert "blocked" in str((await host.next("notice"))["text"])
        [block] = await world.storage.blocks.all()
        assert (block.host, block.target, block.by, block.reason) == (HOST, ALICE, HOST, "rude")
        late = await world.link(later.space, ALICE)
        async with world.feed(later, token=late) as again:
            await sent_away(again, "removed")
        await host.send(type="unblock", user=ALICE)
        assert "may come in again" in str((await host.next("notice"))["text"])
    assert await world.storage.blocks.all() == []
    assert not world.view(space.space).removed
    for at in (space, later):
        async with world.feed(at, token=await world.link(at.space, ALICE)) as page:
            await page.next("hello")


async def test_a_block_that_failed_half_way_is_completed_by_the_next_try(
    world: WebWorld,
) -> None:
    space = await world.create()
    await world.member(space.space, ALICE)
    await world.spaces.ask(space.space, cmd.RemovePerson(HOST, ALICE, blocked=True))
    async with world.feed(space, token=await world.link(space.space, HOST)) as host:
        await host.next("hello")
        await host.send(type="block", user=ALICE)
        assert "blocked" in str((await host.next("notice"))["text"])
        assert [b.target for b in await world.storage.blocks.all()] == [ALICE]
        # once more is no error: the list has the newer reason
        await host.send(type="block", user=ALICE, reason="rude")
        assert "blocked" in str((await host.next("notice"))["text"])
        assert [b.reason for b in await world.storage.blocks.all()] == ["rude"]


async def test_to_block_a_guest_removes_them_and_says_so(world: WebWorld) -> None:
    space = await world.create()
    async with (
        world.feed(space, name="Troll") as page,
        world.feed(space, token=await world.link(space.space, HOST)) as host,
    ):
        user, _ = await guest_of(page)
        await host.send(type="block", user=user)
        assert "no account" in str((await host.next("notice"))["text"])
        await sent_away(page, "removed")
    assert await world.storage.blocks.all() == []


@pytest.mark.parametrize(
    ("kind", "entity"), [("user", "@al*:example.org"), ("server", "*.org"), ("user", ALICE)]
)
async def test_a_policy_list_cuts_those_who_are_on_the_page_alone(
    world: WebWorld, kind: str, entity: str
) -> None:
    space = await world.create()
    secret = await world.link(space.space, ALICE)  # and not in the room
    only_sound = await world.link(space.space, BOB)
    assert await offer(world, space, "whep", only_sound) == (201, "")
    async with world.feed(space, token=secret) as page, world.feed(space) as nameless:
        for feed in (page, nameless):
            await feed.next("hello")
        rules = [PolicyRule(LISTS, kind, "1", entity, "spam")]
        await world.ban_lists.relearn(LISTS, rules)
        await sent_away(page, "removed")
        for_bob = [who for _, who, _ in world.stage.sessions.values() if who == BOB]
        assert bool(for_bob) is (kind == "user")
        world.hub.notice(space.space, say("still_here", "Still here."))
        assert (await nameless.next("notice"))["text"] == "Still here."
        await refused_everywhere(world, space, await world.link(space.space, ALICE))
        await world.ban_lists.unlearn(LISTS, kind, "1")
        async with world.feed(space, token=await world.link(space.space, ALICE)) as again:
            await again.next("hello")


async def test_with_a_new_host_their_list_counts(world: WebWorld) -> None:
    space = await world.create()
    await world.member(space.space, ALICE)
    await world.ban_lists.block(ALICE, BOB, ALICE, "rude")
    async with world.feed(space, token=await world.link(space.space, BOB)) as page:
        await page.next("hello")  # and not in the room
        await world.spaces.ask(space.space, cmd.HandOver(HOST, ALICE))
        await world.levels(space.space, {ALICE: 90})
        await sent_away(page, "removed")


async def test_a_list_of_the_server_is_not_overruled_by_a_host(world: WebWorld) -> None:
    space = await world.create()
    await world.ban_lists.learn(PolicyRule(LISTS, "user", "1", ALICE, "spam"))
    await world.joined(space.space, ALICE, "Alice")
    await until(lambda: ALICE in world.view(space.space).removed)
    async with world.feed(space, token=await world.link(space.space, HOST)) as host:
        await host.next("hello")
        await host.send(type="unblock", user=ALICE)
        assert (await host.next("error"))["code"] == "still_listed"
    assert ALICE in world.view(space.space).removed


async def test_sessions_of_an_earlier_run_end_with_the_removal(world: WebWorld) -> None:
    space = await world.create()
    await world.member(space.space, ALICE)
    for direction in Direction:
        # no request of this run: the worker has kept them up
        await world.stage.offer(space.space, ALICE, direction, "")
    await world.spaces.ask(space.space, cmd.RemovePerson(HOST, ALICE))
    assert not world.stage.sessions


async def test_the_end_lets_nobody_in_who_was_removed(world: WebWorld) -> None:
    space = await world.create()
    await world.member(space.space, ALICE)
    await world.spaces.ask(space.space, cmd.RemovePerson(HOST, ALICE))
    await world.spaces.ask(space.space, cmd.EndSpace(HOST, WallClock().now_ms()))
    late = await world.link(space.space, ALICE)
    assert await get(world, world.page(space, "/transcript.txt"), late) == (403, "removed")
    assert await get(world, world.page(space, "/transcript.txt")) == (200, "")
