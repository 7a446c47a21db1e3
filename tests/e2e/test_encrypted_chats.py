"""Encrypted chats with the bot, by clients that others have written, on a stock Synapse.

matrix-js-sdk is set to believe and to serve only devices that their owners have signed.
"""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from spaces_bridge_demo.deployment import link_in, until
from tests.clients.chat import ChatClient, all_is_well, ask, message
from tests.clients.opening import Kind, chat_client
from tests.support.world import World

pytestmark = [pytest.mark.e2e, pytest.mark.needs("chromium", "matrix-js-sdk")]

VERBS = ("approve", "demote", "follow")


@pytest.fixture
def bot(world: World) -> str:
    """The bot's user id."""
    return world.deployment.bridge.bot


@pytest.fixture(params=["nio", "js-sdk"])
async def client(
    request: pytest.FixtureRequest, world: World, tmp_path: Path
) -> AsyncIterator[ChatClient]:
    """A client of each kind."""
    kind: Kind = request.param
    async with chat_client(kind, world.deployment.homeserver, tmp_path) as opened:
        yield opened


async def greeted(client: ChatClient, bot: str) -> str:
    """An encrypted DM in which the bot has greeted; its id."""
    dm = await client.open_dm(bot)
    await message(client, dm, "create", sender=bot)
    return dm


async def invited(client: ChatClient) -> str:
    """The room that the client is invited to."""

    async def is_invited() -> bool:
        return bool(await client.invites())

    await until(is_invited, "an invitation")
    (room,) = await client.invites()
    return room


async def test_a_host_runs_a_live_space_from_an_encrypted_chat(
    client: ChatClient, world: World, bot: str
) -> None:
    dm = await greeted(client, bot)
    await ask(client, dm, "create Tea at eight", of=bot, part="/s/tea-at-eight")
    room = await client.join(await invited(client))
    started = await ask(client, dm, "start", of=bot, part="is live")

    ben = await world.person("ben")
    await ben.join(room)
    space = await ben.find_space(room)
    granted = ben.next_level(space, ben.id, 10)
    await ben.react(room, space.card, "✋")
    prompt = await message(client, dm, "asks to speak", sender=bot, after=started.event_id)
    await client.react(dm, prompt.event_id, "✅")
    await granted

    linked = await ask(client, dm, "link", of=bot, part="#t=")
    page = await world.page(link_in({"content": linked.content}) or "")
    assert page.hello["you"]["id"] == client.user
    assert page.hello["you"]["role"] == "host"
    await all_is_well(client, dm)


async def test_an_invitation_comes_in_the_encrypted_chat_and_is_answered_by_a_tap(
    client: ChatClient, world: World, bot: str
) -> None:
    dm = await greeted(client, bot)
    ada = await world.person("ada")
    space = await ada.create_space("Coffee at nine", "--at tomorrow 9:00")
    await ada.tell_bot(f"invite {client.user}", space.room)
    invitation = await message(client, dm, space.page, sender=bot)
    assert "matrix.to" in invitation.body
    await client.react(dm, invitation.event_id, "✅")
    await message(client, dm, sender=bot, after=invitation.event_id)
    assert await client.invites() == []
    await all_is_well(client, dm)


async def test_what_is_written_while_the_bot_is_down_is_read_after_its_start(
    client: ChatClient, world: World, bot: str
) -> None:
    dm = await greeted(client, bot)
    await world.deployment.bridge.stop()
    try:
        asked = [await client.send_text(dm, f"help {verb}") for verb in VERBS]
    finally:
        await world.deployment.bridge.start()
    for verb in VERBS:
        await message(client, dm, f"{verb} USER", sender=bot, after=asked[0])
    await all_is_well(client, dm)


async def test_a_chat_that_is_opened_while_the_bot_is_down_is_answered(
    world: World, bot: str, tmp_path: Path
) -> None:
    """Not by matrix-nio, which gives its keys to nobody who has yet to join."""
    async with chat_client("js-sdk", world.deployment.homeserver, tmp_path) as client:
        await world.deployment.bridge.stop()
        try:
            dm = await client.open_dm(bot)
            await client.send_text(dm, "help approve")
        finally:
            await world.deployment.bridge.start()
        await message(client, dm, "create", sender=bot)
        await message(client, dm, "approve USER", sender=bot)
        await all_is_well(client, dm)
