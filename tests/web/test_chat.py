"""The chat on the pages: who reads what, who may write, and what is gone."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from spaces_bridge.app.chat import ChatLine, LinesFound, LinesGone
from spaces_bridge.core import commands as cmd
from spaces_bridge.core.access import GuestPolicy
from spaces_bridge.core.ids import EventId, SpaceId, UserId
from tests.web.world import ALICE, BOB, HOST, Feed, WebWorld, guest_of, refused, web_world

pytestmark = pytest.mark.peers


@pytest.fixture
async def open_world(tmp_path: Path) -> AsyncIterator[WebWorld]:
    """A server that lets guests write."""
    async with web_world(tmp_path, guest_chat=True) as world:
        yield world


def said(number: int = 1, user: UserId = ALICE, text: str = "hello") -> ChatLine:
    """A message of the room."""
    event = EventId(f"${number}")
    return ChatLine(event, user, "Alice", text, number, event=event)


def tell(world: WebWorld, space: SpaceId, line: ChatLine) -> None:
    """What the Matrix side does with a message."""
    news = world.spaces.context.chat.add(space, line)
    assert news is not None
    world.hub.chatted(space, news)


async def chat_tasks(world: WebWorld) -> list[str]:
    """What waits for the room."""
    rows = await world.storage.outbox.pending(0, 100)
    return [str(row.effect.body) for row in rows if row.effect.kind == "chat.post"]


async def opened(feed: Feed) -> dict[str, object]:
    return await feed.next("hello")


async def test_what_is_said_in_the_room_is_on_every_page_and_gone_when_taken_back(
    world: WebWorld,
) -> None:
    space = (await world.create()).space
    book = world.spaces.context.chat
    async with world.feed(world.view(space)) as feed:
        assert (await opened(feed))["chat_lines"] == []
        tell(world, space, said(text="<b>hi</b>"))
        line = await feed.next("chat")
        assert isinstance(line.pop("tone"), int)
        assert line == {
            "type": "chat",
            "id": "$1",
            "user": ALICE,
            "name": "Alice",
            "text": "<b>hi</b>",
            "at_ms": 1,
            "guest": False,
            "kind": "text",
            "edited": False,
        }
        edited = book.reword(space, EventId("$1"), ALICE, "better")
        assert isinstance(edited, ChatLine)
        world.hub.chatted(space, edited)
        again = await feed.next("chat")
        assert (again["id"], again["text"], again["edited"]) == ("$1", "better", True)
        gone = book.take_back(space, EventId("$1"))
        assert isinstance(gone, LinesGone)
        world.hub.chatted(space, gone)
        assert await feed.next("chat") == {"type": "chat", "id": "$1", "removed": True}


async def test_a_newcomer_gets_the_last_lines_and_those_found_later(world: WebWorld) -> None:
    space = (await world.create()).space
    for number in range(60):
        tell(world, space, said(number, text=str(number)))
    async with world.feed(world.view(space)) as feed:
        lines = (await opened(feed))["chat_lines"]
        assert isinstance(lines, list)
        assert [line["text"] for line in lines] == [str(n) for n in range(10, 60)]
        world.hub.chatted(space, LinesFound((said(7, text="of before"),)))
        found = (await feed.next("chat"))["lines"]
        assert isinstance(found, list)
        assert [line["text"] for line in found] == ["of before"]
    world.hub.chatted(space, LinesGone(("$7",)))  # nobody is there any more


async def test_a_members_words_are_on_the_page_at_once_and_wait_for_the_room(
    world: WebWorld,
) -> None:
    space = await world.create()
    link = await world.member(space.space, ALICE)
    async with world.feed(space, link) as mine, world.feed(space) as other:
        hello = await opened(mine)
        await opened(other)
        assert isinstance(hello["you"], dict)
        assert (hello["you"]["may_chat"], hello["guest_chat"]) == (True, False)
        await mine.send(type="chat", text="one\ntwo", nonce="n-1")
        for feed in (mine, other):
            line = await feed.next("chat")
            assert (line["user"], line["name"], line["text"]) == (ALICE, "Alice", "one\ntwo")
            assert line["nonce"] == "n-1"
        await mine.send(type="chat", text="one\ntwo", nonce="n-1")
        await mine.send(type="chat", text="three")
        assert (await other.next("chat"))["text"] == "three"
    assert len(await chat_tasks(world)) == 2


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        ({}, "no_text"),
        ({"text": 5}, "bad_frame"),
        ({"text": "\u200b"}, "no_text"),
        ({"text": "x" * 2001}, "too_long"),
        ({"text": "x" * 5000}, "too_long"),
        ({"text": "x", "nonce": "a b"}, "bad_frame"),
        ({"text": "x", "nonce": "é" * 3}, "bad_frame"),
        ({"text": "x", "nonce": ["n"]}, "bad_frame"),
    ],
)
async def test_odd_frames_are_refused(
    world: WebWorld, frame: dict[str, object], code: str
) -> None:
    space = await world.create()
    link = await world.member(space.space, ALICE)
    async with world.feed(space, link) as feed:
        await feed.send(type="chat", **frame)
        await refused(feed, code)


async def test_guests_and_the_nameless_read_and_do_not_write(world: WebWorld) -> None:
    space = await world.create()
    async with world.feed(space) as nameless, world.feed(space, name="Zoe") as guest:
        await nameless.send(type="chat", text="hello")
        await refused(nameless, "name_needed")
        await guest.send(type="chat", text="hello")
        await refused(guest, "guest_chat_off")
    assert await chat_tasks(world) == []


async def test_without_chat_and_locked_the_page_says_so_and_keeps_it(world: WebWorld) -> None:
    space = await world.create()
    link = await world.member(space.space, ALICE)
    async with world.feed(space, link) as feed:
        await opened(feed)
        for command, code in (
            (cmd.SetChat(HOST, False), "chat_off"),
            (cmd.LockSpace(HOST), "locked_chat"),
        ):
            await world.spaces.ask(space.space, command)
            await feed.send(type="chat", text="hello")
            await refused(feed, code)
        await world.spaces.ask(space.space, cmd.UnlockSpace(HOST))
        await world.spaces.ask(space.space, cmd.SetChat(HOST, True))
        while not (await feed.next("role"))["may_chat"]:
            pass
        await feed.send(type="chat", text="again")
        assert (await feed.next("chat"))["text"] == "again"


@pytest.mark.usefixtures("nothing_grows_back")
async def test_one_person_writes_so_fast_and_no_faster(world: WebWorld) -> None:
    space = await world.create()
    link = await world.member(space.space, ALICE)
    other = await world.member(space.space, BOB)
    async with world.feed(space, link) as feed, world.feed(space, other) as calm:
        await opened(calm)
        for number in range(7):
            await feed.send(type="chat", text=f"{number}")
        await refused(feed, "chat_too_fast")
        await calm.send(type="chat", text="slowly")
        while (await calm.next("chat"))["text"] != "slowly":
            pass


async def test_nothing_of_a_removed_or_barred_person_stays(world: WebWorld) -> None:
    space = await world.create()
    for user in (ALICE, BOB):
        await world.joined(space.space, user, "Somebody")
        tell(world, space.space, replace(said(), id=user, user=user, event=None))
    await world.left(space.space, BOB)
    async with world.feed(space) as feed:
        await opened(feed)
        await world.spaces.ask(space.space, cmd.RemovePerson(HOST, ALICE))
        assert await feed.next("chat") == {"type": "chat", "user": ALICE, "removed": True}
        await world.ban_lists.block(HOST, BOB, HOST, "")
        assert await feed.next("chat") == {"type": "chat", "user": BOB, "removed": True}
    async with world.feed(space) as feed:
        assert (await opened(feed))["chat_lines"] == []


# --- guests who may write -----------------------------------------------------------------------


async def test_a_guests_name_is_for_moderators_and_for_nobody_in_the_room(
    open_world: WebWorld,
) -> None:
    world = open_world
    space = await world.create()
    host = await world.link(space.space, HOST)
    async with (
        world.feed(space, name="Zoe") as guest,
        world.feed(space, host) as moderator,
        world.feed(space) as listener,
    ):
        user, _ = await guest_of(guest)
        assert (await opened(moderator))["guest_chat"] is True
        await opened(listener)
        await guest.send(type="chat", text="hello")
        names = [(await feed.next("chat"))["name"] for feed in (guest, moderator, listener)]
        assert names == ["Zoe (guest)", "Zoe (guest)", None]
        (chat_task,) = await chat_tasks(world)
        assert "A guest" in chat_task
        assert "Zoe" not in chat_task
        async with world.feed(space) as late:
            lines = (await opened(late))["chat_lines"]
            assert isinstance(lines, list)
            assert [(line["name"], line["guest"]) for line in lines] == [(None, True)]
        await world.seat(space.space, user, "Zoe (guest)")
        await guest.send(type="chat", text="from the stage")
        assert (await listener.next("chat"))["name"] == "Zoe (guest)"
        assert "Zoe (guest)" in (await chat_tasks(world))[1]


@pytest.mark.usefixtures("nothing_grows_back")
async def test_a_crowd_of_guests_is_held_back_as_one(open_world: WebWorld) -> None:
    space = await open_world.create()
    for name in ("first", "second"):
        async with open_world.feed(space, name=name) as feed:
            await opened(feed)
            for number in range(5):
                await feed.send(type="chat", text=f"{number}")
            for number in range(5):
                assert (await feed.next("chat"))["text"] == f"{number}"
    async with open_world.feed(space, name="one too many") as feed:
        for _ in range(5):
            await feed.send(type="chat", text="hello")
        await refused(feed, "chat_crowded")


async def test_who_only_wrote_can_be_reported(open_world: WebWorld) -> None:
    space = await open_world.create()
    link = await open_world.member(space.space, ALICE)
    async with open_world.feed(space, name="Zoe") as guest, open_world.feed(space, link) as feed:
        user, _ = await guest_of(guest)
        await opened(feed)
        await guest.send(type="chat", text="something bad")
        await feed.next("chat")
        await feed.send(type="report", user=user, reason="rude")
        await feed.next("notice")
    (report,) = await open_world.storage.reports.listing(1)
    assert report.context == f"guest in “{space.title}”\nwrote: “something bad”"


async def test_guests_who_only_listen_do_not_write(open_world: WebWorld) -> None:
    space = await open_world.create()
    async with open_world.feed(space, name="Zoe") as feed:
        await opened(feed)
        await open_world.spaces.ask(space.space, cmd.SetGuests(HOST, GuestPolicy.LISTEN))
        await feed.send(type="chat", text="hello")
        await refused(feed, "guest_chat_off")
