"""A person verifies the bot by emoji, with the SDK that Element is made of, on a stock Synapse."""

import re
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from spaces_bridge_demo.deployment import until
from spaces_bridge_demo.homeserver import Account
from tests.clients.chat import ask, message
from tests.clients.opening import new_account, sdk_client
from tests.clients.sdk_client import SdkClient
from tests.support.world import World

pytestmark = [pytest.mark.e2e, pytest.mark.needs("chromium", "matrix-js-sdk")]

READY, CANCELLED, DONE = 3, 5, 6
"""Phases of a request in the SDK."""


class Verifier:
    """A person with a client, and an encrypted chat with the bot."""

    def __init__(self, client: SdkClient, account: Account, bot: str, dm: str) -> None:
        self.client, self.account, self.bot, self.dm = client, account, bot, dm

    async def phase(self, wanted: int) -> None:
        async def reached() -> bool:
            return bool((await self.client.verification())["phase"] == wanted)

        await until(reached, f"phase {wanted} of the verification")

    async def sees_emoji(self) -> list[str]:
        """The emoji that the client shows."""

        async def are_shown() -> bool:
            return bool((await self.client.verification())["emoji"])

        await until(are_shown, "emoji in the client")
        return [picture for picture, _ in (await self.client.verification())["emoji"]]

    async def verified(self) -> None:
        """Wait until the client holds the bot for verified; it asks the homeserver once more."""

        async def is_verified() -> bool:
            return await self.client.is_verified(self.bot)

        await until(is_verified, "the bot to be verified")

    async def page(self, room: str) -> str:
        """The page that the bot leads to."""
        told = await message(self.client, room, "/verify/", sender=self.bot)
        found = re.search(r"https?://\S+/verify/[\w-]+", told.body)
        assert found is not None
        async with aiohttp.ClientSession() as http, http.get(found[0]) as response:
            assert response.status == 200
            return await response.text()


def emoji_on(page: str) -> list[str]:
    """The emoji that a page shows."""
    return re.findall(r'<span class="sas-picture" aria-hidden="true">(\S+)</span>', page)


@pytest.fixture
async def cora(world: World, tmp_path: Path) -> AsyncIterator[Verifier]:
    homeserver, bot = world.deployment.homeserver, world.deployment.bridge.bot
    account = await new_account(homeserver, "cora")
    async with sdk_client("chromium", tmp_path) as client:
        await client.sign_in(homeserver.url, account, strict=True)
        dm = await client.open_dm(bot)
        await message(client, dm, "create", sender=bot)
        yield Verifier(client, account, bot, dm)


async def test_the_bot_is_verified_in_its_chat_by_emoji_on_its_page(cora: Verifier) -> None:
    client, bot, dm = cora.client, cora.bot, cora.dm
    assert not await client.is_verified(bot)
    await client.verify(bot, dm)
    await cora.phase(READY)
    await client.start_sas()
    shown = await cora.sees_emoji()
    page = await cora.page(dm)
    assert emoji_on(page) == shown
    assert client.user in page
    assert not await client.is_verified(bot)
    await client.confirm_sas()
    await cora.phase(DONE)
    await cora.verified()
    await ask(client, dm, "help approve", of=bot, part="approve USER")
    said = [event for event in await client.timeline(dm) if event.sender == bot]
    # the SDK's own request is in the clear, and so are states
    written = [e for e in said if e.type.startswith(("m.room.message", "m.key.verification."))]
    assert {e.type for e in written} >= {"m.room.message", "m.key.verification.done"}
    assert [e for e in written if not e.encrypted or e.unreadable or e.shield] == []


async def test_the_bot_is_verified_by_to_device_messages(cora: Verifier) -> None:
    client, bot = cora.client, cora.bot
    await client.verify_device(bot)
    await cora.phase(READY)
    await client.start_sas()
    shown = await cora.sees_emoji()
    assert emoji_on(await cora.page(cora.dm)) == shown
    await client.confirm_sas()
    await cora.phase(DONE)
    await cora.verified()


async def test_the_bot_starts_where_nobody_does(cora: Verifier) -> None:
    client, bot = cora.client, cora.bot
    await client.verify(bot, cora.dm)
    await cora.phase(4)
    await client.follow_sas()
    assert emoji_on(await cora.page(cora.dm)) == await cora.sees_emoji()
    await client.confirm_sas()
    await cora.phase(DONE)
    await cora.verified()


async def test_who_says_that_the_emoji_differ_is_warned_and_verifies_nobody(
    cora: Verifier,
) -> None:
    client, bot, dm = cora.client, cora.bot, cora.dm
    await client.verify(bot, dm)
    await cora.phase(READY)
    await client.start_sas()
    await cora.sees_emoji()
    await client.mismatch_sas()
    await message(client, dm, "trust nothing", sender=bot)
    await cora.phase(CANCELLED)
    assert not await client.is_verified(bot)


async def test_who_has_another_identity_later_is_told_so(cora: Verifier) -> None:
    client, bot, dm = cora.client, cora.bot, cora.dm
    await client.verify(bot, dm)
    await cora.phase(READY)
    await client.start_sas()
    await cora.sees_emoji()
    await client.confirm_sas()
    await cora.phase(DONE)
    await client.reset_identity(cora.account)
    await message(client, dm, "verify me again", sender=bot)
