"""Moderators ask who is here; others are refused. And what those concerned are told."""

from contextlib import AsyncExitStack

import pytest

from spaces_bridge.core import commands as cmd
from spaces_bridge.core.ids import UserId
from tests.web.world import ALICE, BOB, HOST, WebWorld, guest_of, refused, until_role

pytestmark = pytest.mark.peers

COHOST = UserId("@cora:example.org")


def names(frame: dict[str, object], key: str = "people") -> list[str]:
    found = frame[key]
    assert isinstance(found, list)
    return [one["name"] for one in found]


async def test_hosts_and_cohosts_see_who_is_here_and_nobody_else_does(world: WebWorld) -> None:
    space = await world.create()
    await world.storage.followers.follow(HOST, BOB, 1)
    async with AsyncExitStack() as stack:
        for user, level in ((HOST, 90), (COHOST, 60)):
            link = await world.member(space.space, user, level)
            feed = await stack.enter_async_context(world.feed(space, token=link))
            guest = await stack.enter_async_context(world.feed(space, name="Maria"))
            await guest_of(guest)
            await feed.send(type="people", query="")
            answer = await feed.next("people")
            assert "Maria (guest)" in names(answer)
            assert answer["followers"] == (1 if user == HOST else 0)
        listener = await world.member(space.space, ALICE)
        for page in (
            world.feed(space, token=listener),
            world.feed(space, name="Zoe"),
            world.feed(space),
        ):
            feed = await stack.enter_async_context(page)
            hello = await feed.next("hello")
            await feed.send(type="people", query="")
            you = hello["you"]
            assert isinstance(you, dict)
            await refused(feed, "name_needed" if you["id"] is None else "not_moderator")


async def test_a_person_is_found_removed_seen_as_removed_and_let_in_again(
    world: WebWorld,
) -> None:
    space = await world.create()
    host_link = await world.member(space.space, HOST, 90)
    link = await world.member(space.space, ALICE, 10)
    async with world.feed(space, token=host_link) as host, world.feed(space, token=link) as page:
        await page.next("hello")
        await host.send(type="people", query="ALICE")
        found = await host.next("people")
        assert (names(found), found["total"], found["removed"]) == (["Alice"], 1, [])
        await host.send(type="remove", user=ALICE, reason="sells  watches")
        error = await page.next("error")
        assert (error["code"], error["with"]) == ("removed", {"reason": "sells watches"})
        assert await page.close_code() == 4403
        # the same reason when they come back, with whatever link they come back
        link = await world.link(space.space, ALICE)
        async with world.feed(space, token=link) as again:
            error = await again.next("error")
            assert (error["code"], error["with"]) == ("removed", {"reason": "sells watches"})
            assert await again.close_code() == 4403
        await world.left(space.space, ALICE)
        await host.send(type="people")
        gone = await host.next("people")
        assert (names(gone), names(gone, "removed")) == (["Host"], ["Alice"])
        await host.send(type="unblock", user=ALICE)
        notice = await host.next("notice")
        assert (notice["code"], notice["with"]) == ("readmitted", {"user": ALICE})
        await host.send(type="people")
        assert (await host.next("people"))["removed"] == []


async def test_who_loses_the_floor_is_told_and_who_gives_it_up_is_not(world: WebWorld) -> None:
    space = await world.create()
    links = {user: await world.member(space.space, user, 10) for user in (ALICE, BOB)}
    async with (
        world.feed(space, token=links[ALICE]) as alice,
        world.feed(space, token=links[BOB]) as bob,
    ):
        await alice.next("hello")
        await bob.next("hello")
        await bob.send(type="leave-stage")
        await until_role(bob, may_speak=False)
        await world.spaces.ask(space.space, cmd.DemoteSpeaker(HOST, ALICE))
        told = await alice.next("notice")
        assert (told["code"], told["with"]) == ("demoted", {})
        assert str(told["text"]).startswith("A host has ended your turn")
        await world.levels(space.space, {ALICE: None, BOB: None})  # the homeserver's echo
        await world.spaces.ask(space.space, cmd.LockSpace(HOST))
        for page in (alice, bob):
            assert (await page.next("notice"))["code"] == "room_locked"


async def test_who_loses_the_level_in_another_client_is_told_too(world: WebWorld) -> None:
    space = await world.create()
    async with world.feed(space, token=await world.member(space.space, ALICE, 10)) as page:
        await page.next("hello")
        await world.levels(space.space, {ALICE: None})
        assert (await page.next("notice"))["code"] == "demoted"
        await world.levels(space.space, {ALICE: 10})
        await world.spaces.ask(space.space, cmd.LockSpace(HOST))
        assert (await page.next("notice"))["code"] == "room_locked"


async def test_errors_say_their_numbers_apart_from_the_words(world: WebWorld) -> None:
    space = await world.create()
    async with world.feed(space, token=await world.link(space.space, HOST)) as host:
        await host.next("hello")
        await host.send(type="title", title="x" * 201)
        error = await host.next("error")
    assert error == {
        "type": "error",
        "code": "title_too_long",
        "text": "The title is longer than 200 characters.",
        "with": {"most": 200},
    }


async def test_a_lock_changes_what_people_are_told_they_may(world: WebWorld) -> None:
    space = await world.create()
    async with world.feed(space, token=await world.member(space.space, ALICE)) as page:
        hello = await page.next("hello")
        you = hello["you"]
        assert isinstance(you, dict)
        assert you["may_invite"] is True
        about = hello["space"]
        assert isinstance(about, dict)
        assert (about["max_speakers"], about["max_cohosts"]) == (10, 2)
        assert about["queue_order"] == "arrival"
        await world.spaces.ask(space.space, cmd.LockSpace(HOST))
        await until_role(page, may_invite=False)
        await world.spaces.ask(space.space, cmd.UnlockSpace(HOST))
        await until_role(page, may_invite=True)
