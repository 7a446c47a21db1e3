"""On the page no guest passes for a host, whoever was there first."""

from pathlib import Path

import pytest

from spaces_bridge.core import commands as cmd
from tests.web.test_feed import until_queue
from tests.web.world import (
    ALICE,
    BOB,
    HOST,
    WebWorld,
    guest_of,
    refused,
    sent_away,
    until_role,
    web_world,
)

pytestmark = pytest.mark.peers


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("Αlice", "name_alike"),  # a Greek letter
        ("Alіce", "name_alike"),  # a Cyrillic one
        ("AIice", "name_alike"),
        ("Al\u200dice", "name_alike"),
        ("A\u0301lice!", "name_alike"),
        ("Alice (guest)", "name_alike"),
        ("Sраces", "name_alike"),
        ("Alice (hоst)", "name_misleads"),
        ("The Host", "name_misleads"),
        ("@alice:example.org", "name_misleads"),
        ("\u3164\u2800\u200b", "bad_name"),
    ],
)
async def test_a_guest_does_not_come_in_as_somebody_else(
    world: WebWorld, name: str, code: str
) -> None:
    space = await world.create()
    await world.seat(space.space, ALICE, "Alice")
    async with world.feed(space, name=name) as guest:
        await sent_away(guest, code, close=4400)
    async with world.feed(space, name="Алиса") as guest:
        await guest_of(guest)


async def test_whoever_becomes_a_host_takes_the_name_off_a_guest_who_looks_like_them(
    world: WebWorld,
) -> None:
    space = await world.create()
    await world.joined(space.space, BOB, "Bob")
    async with (
        world.feed(space, token=await world.link(space.space, HOST)) as host,
        world.feed(space, name="Воb") as guest,
    ):
        user, session = await guest_of(guest)
        await guest.send(type="hand", raised=True)
        assert (await until_queue(host))["name"] == "Воb (guest)"
        await world.levels(space.space, {BOB: 60})
        while (await until_queue(host))["name"] != "Guest (guest)":
            pass
        await host.send(type="people", query="guest")
        people = (await host.next("people"))["people"]
        assert isinstance(people, list)
        assert [one["name"] for one in people] == ["Guest (guest)"]
        await guest.send(type="hand", raised=False)
        await until_role(guest, hand=None)
        await guest.send(type="hand", raised=True)
        assert (await guest.next("notice"))["code"] == "name_hidden"
        async with world.feed(space, token=session) as again:
            assert (await guest_of(again))[0] == user
            assert (await again.next("notice"))["code"] == "name_hidden"


async def test_captions_of_a_hidden_guest_say_guest_before_and_after(world: WebWorld) -> None:
    space = await world.create()
    async with world.feed(space, name="Grace") as guest:
        user, _ = await guest_of(guest)
        await guest.send(type="hand", raised=True)
        await until_role(guest, hand="pending")
        await world.spaces.ask(space.space, cmd.ApproveSpeaker(HOST, user))
        await world.seat(space.space, user, "Grace (guest)")
        await world.caption(space.space, user, "Good evening.")
        assert (await guest.next("caption"))["name"] == "Grace (guest)"
        await world.seat(space.space, BOB, "Grасе")
        await world.caption(space.space, user, "It is me.", start_ms=3000)
        assert (await guest.next("caption"))["name"] == "Guest (guest)"
    async with world.feed(space) as later:
        captions = (await later.next("hello"))["captions"]
        assert isinstance(captions, list)
        assert [line["name"] for line in captions] == ["Guest (guest)"] * 2


async def test_what_a_guest_wrote_under_a_name_goes_on_without_it(tmp_path: Path) -> None:
    async with web_world(tmp_path, guest_chat=True) as world:
        space = await world.create()
        async with (
            world.feed(space, token=await world.link(space.space, HOST)) as host,
            world.feed(space, name="Grace") as guest,
        ):
            await guest_of(guest)
            await guest.send(type="chat", text="I am the one who decides.")
            assert (await host.next("chat"))["name"] == "Grace (guest)"
            await world.seat(space.space, BOB, "Grасe")
            await guest.send(type="chat", text="Listen to me.")
            assert (await host.next("chat"))["name"] == "Guest (guest)"
            async with world.feed(space, token=await world.link(space.space, HOST)) as again:
                lines = (await again.next("hello"))["chat_lines"]
            assert isinstance(lines, list)
            assert [line["name"] for line in lines] == ["Guest (guest)"] * 2


async def test_a_refused_guest_is_not_there_under_any_name(world: WebWorld) -> None:
    space = await world.create()
    async with world.feed(space, name="host") as guest:
        await refused(guest, "name_misleads")
        assert await guest.close_code() == 4400
    async with world.feed(space) as nobody:
        roster = (await nobody.next("hello"))["roster"]
        assert isinstance(roster, dict)
        assert roster["guests"] == 1
