"""The chat through everything: a member's client, Synapse, the bridge, a page, and back."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import pytest

from spaces_bridge_demo.deployment import Deployment, LiveRoom, Person, until
from spaces_bridge_demo.expected import Wanted
from spaces_bridge_demo.matrix_user import MatrixError
from tests.e2e.proxy import Proxy
from tests.support.world import World

pytestmark = pytest.mark.e2e

CHAT = "io.spacesbridge.chat"
SOON_S = 60.0
HOSTILE = '<img src=x onerror=alert(1)>\u202e"]}\n</script>'
CLEAN = HOSTILE.replace("\u202e", "")


def text_is(text: str) -> Wanted:
    return lambda frame: frame.get("text") == text


def gone(**what: str) -> Wanted:
    return lambda frame: frame.get("removed") is True and what.items() <= frame.items()


async def said_for(reader: Person, space: LiveRoom, user: str) -> list[Mapping[str, object]]:
    """What the bot has said in the room for somebody on the page, line by line."""
    blocks = [event["content"].get(CHAT) for event in await reader.messages(space.room)]
    lines = [x for b in blocks if b is not None for x in (b if isinstance(b, list) else [b])]
    return [line for line in lines if line.get("user") == user]


async def test_a_room_and_its_page_read_the_same_chat(world: World) -> None:
    ada, ben = await world.person("ada"), await world.person("ben")
    space = await world.live_space(ada)
    await ben.join(space.alias)
    listener = await world.page(space.page)
    mine = await world.page(await ben.personal_link(space))

    heard = listener.next_frame("chat", text_is(CLEAN), SOON_S)
    event = await ben.send_text(space.room, HOSTILE)
    assert (await heard)["name"] == ben.name

    relation = {"rel_type": "m.replace", "event_id": event}
    better = {"msgtype": "m.text", "body": "better"}
    edited = listener.next_frame("chat", text_is("better"), SOON_S)
    await ben.send(
        space.room,
        "m.room.message",
        {**better, "body": "* better", "m.new_content": better, "m.relates_to": relation},
    )
    assert ((await edited)["id"], (await edited)["edited"]) == (event, True)

    taken = listener.next_frame("chat", gone(id=event), SOON_S)
    await ada.redact(space.room, event)
    await taken

    in_room = ada.next_message(space.room, f"{ben.name}: ", world.deployment.bridge.bot)
    on_page = listener.next_frame("chat", text_is(CLEAN), SOON_S)
    await mine.send({"type": "chat", "text": HOSTILE})
    line = await on_page
    assert (await in_room)["content"][CHAT]["text"] == CLEAN

    late = await world.page(space.page)
    assert [shown["id"] for shown in late.hello["chat_lines"]] == [line["id"]]
    removed = listener.next_frame("chat", gone(user=ben.id), SOON_S)
    await ada.kick(space.room, ben.id)
    await removed
    assert (await world.page(space.page)).hello["chat_lines"] == []


@pytest.mark.parametrize("command", ["chat off", "lock"])
async def test_off_or_locked_listeners_write_neither_here_nor_there(
    world: World, command: str
) -> None:
    ada, ben = await world.person("ada"), await world.person("ben")
    space = await world.live_space(ada)
    await ben.join(space.alias)
    mine, hers = [await world.page(await person.personal_link(space)) for person in (ben, ada)]
    quiet = ada.next_in(
        space.room, "m.room.power_levels", lambda event: event["content"]["events_default"] == 10
    )
    await ada.send_text(space.room, f"!space {command}")
    await quiet
    with pytest.raises(MatrixError) as refusal:
        await ben.send_text(space.room, "no")
    assert refusal.value.errcode == "M_FORBIDDEN"
    refused = mine.next_frame("error", timeout=SOON_S)
    await mine.send({"type": "chat", "text": "no"})
    assert (await refused)["code"] == {"chat off": "chat_off", "lock": "locked_chat"}[command]
    hosts = mine.next_frame("chat", text_is("yes"), SOON_S)
    await hers.send({"type": "chat", "text": "yes"})
    await hosts


@pytest.fixture
async def doomed(models: Path) -> AsyncIterator[tuple[World, Proxy]]:
    """A deployment of its own that lets guests write; a proxy is between bridge and homeserver."""
    async with Proxy() as proxy:
        deployment = Deployment(
            models=models,
            homeserver_seen_at=proxy.url,
            settings={"captions": {"enabled": False}, "web": {"guest_chat": True}},
        )
        proxy.target = deployment.homeserver.url
        async with deployment, World(deployment) as world:
            yield world, proxy


async def test_the_bridge_killed_while_the_room_takes_it_says_it_once(
    doomed: tuple[World, Proxy],
) -> None:
    world, proxy = doomed
    bridge = world.deployment.bridge
    ada, ben = await world.person("ada"), await world.person("ben")
    space = await world.live_space(ada)
    await ben.join(space.alias)
    page = await world.page(await ben.personal_link(space))
    killed = asyncio.Event()

    async def kill() -> None:
        await bridge.kill9()
        killed.set()

    proxy.cut(lambda method, path: method == "PUT" and "/send/m.room.message" in path, kill)
    frame = {"type": "chat", "text": "only once", "nonce": "n1"}
    await page.send(frame)
    async with asyncio.timeout(60):
        await killed.wait()
    await bridge.start()
    await page.open()
    # a page that was not answered writes again
    shown = page.next_frame("chat", text_is("and on"))
    await page.send(frame)
    await page.send({"type": "chat", "text": "and on"})
    await shown

    async def both() -> bool:
        return len(await said_for(ada, space, ben.id)) >= 2

    await until(both, "both lines in the room")
    said = [line["text"] for line in await said_for(ada, space, ben.id)]
    assert said == ["only once", "and on"]
    late = await world.page(space.page)
    assert [line["text"] for line in late.hello["chat_lines"]] == ["only once", "and on"]


async def test_where_guests_may_write_the_room_knows_no_name(
    doomed: tuple[World, Proxy],
) -> None:
    world, _ = doomed
    ada = await world.person("ada")
    space = await world.live_space(ada)
    host = await world.page(await ada.personal_link(space))
    guest = await world.page(space.page, "Zoe")
    said = ada.next_message(space.room, "A guest: hello", world.deployment.bridge.bot)
    shown = host.next_frame("chat", text_is("hello"), SOON_S)
    await guest.send({"type": "chat", "text": "hello"})
    assert ((await shown)["name"], (await shown)["user"]) == ("Zoe (guest)", guest.id)
    content = (await said)["content"]
    assert not [known for known in ("Zoe", guest.id) if known in str(content)]
    removed = host.next_frame("chat", gone(user=guest.id), SOON_S)
    await host.send({"type": "remove", "user": guest.id})
    await removed
