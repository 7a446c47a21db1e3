"""All of the bot's chats where they are encrypted, on a stock Synapse, read by matrix-nio."""

import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from spaces_bridge.app import tasks
from spaces_bridge.app.records import Report
from spaces_bridge.core import commands as cmd
from spaces_bridge.core.ids import UserId
from spaces_bridge.core.live_space import LiveSpace
from spaces_bridge.matrix.commands.edits import ONCE
from spaces_bridge_demo.homeserver import Homeserver
from spaces_bridge_demo.matrix_user import MatrixUser
from tests.clients.chat import Shown, all_is_well, ask, message, shown
from tests.clients.nio_client import NioClient, nio_client
from tests.matrix.conftest import Settle
from tests.matrix.support import BOT, Bridge, LiveSetup, SystemClock, eventually, room_of

pytestmark = pytest.mark.e2e

SignIn = Callable[[str], Awaitable[NioClient]]


class WishingHomeserver(Homeserver):
    """A homeserver that tells clients to open plain chats."""

    def config(self) -> dict[str, Any]:
        wishes = {"io.element.e2ee": {"default": False}}
        return {**super().config(), "extra_well_known_client_content": wishes}


@pytest.fixture
async def sign_in(setup: LiveSetup, tmp_path: Path) -> AsyncIterator[SignIn]:
    """Makes people whose client encrypts."""
    async with AsyncExitStack() as everybody:

        async def sign_in(name: str) -> NioClient:
            account = await setup.homeserver.register(f"{name}{secrets.token_hex(3)}")
            keys = tmp_path / account.user_id.replace(":", "_")
            keys.mkdir()
            client = nio_client(setup.homeserver.url, account, keys)
            return await everybody.enter_async_context(client)

        yield sign_in


async def greeted(client: NioClient) -> str:
    """An encrypted DM in which the bot has greeted; its id."""
    room = await client.open_dm(BOT)
    await message(client, room, "create", sender=BOT)
    return room


async def invited(client: NioClient) -> str:
    """The room that the client is invited to."""

    async def is_invited() -> bool:
        return bool(await client.invites())

    await eventually(is_invited, "no invitation")
    return (await client.invites())[-1]


async def only_space(bridge: Bridge) -> LiveSpace:
    """The one live space, once it has its room."""
    [space] = bridge.spaces.open()
    return await bridge.until(space.space, lambda s: s.room is not None, "no room was made")


async def reactions_to(client: NioClient, room: str, event: str) -> list[str]:
    """The bot's own reactions to an event."""
    return [
        each.relates_to["key"]
        for each in await client.timeline(room)
        if each.type == "m.reaction" and each.relates_to.get("event_id") == event
    ]


async def test_in_an_encrypted_chat_it_greets_helps_and_minds_edits(
    bridge: Bridge, sign_in: SignIn
) -> None:
    ada = await sign_in("ada")
    dm = await greeted(ada)
    await ask(ada, dm, "help create", of=BOT, part="Example")
    slip = await ada.send_text(dm, "good evening")
    mended = await ada.edit(dm, slip, "live")
    answer = await message(ada, dm, "Nothing is on", sender=BOT, after=mended)
    assert answer.relates_to["m.in_reply_to"]["event_id"] == slip
    said = await ada.send_text(dm, "live")
    await message(ada, dm, "Nothing is on", sender=BOT, after=said)
    again = await ada.edit(dm, said, "help")
    assert ONCE in (await message(ada, dm, sender=BOT, after=again)).body
    await all_is_well(ada, dm)


async def test_a_chat_that_gets_encrypted_later_goes_on_encrypted(
    bridge: Bridge, sign_in: SignIn
) -> None:
    ada = await sign_in("ada")
    dm = await ada.open_dm(BOT, encrypted=False)
    await message(ada, dm, "create", sender=BOT)
    assert not (await ask(ada, dm, "live", of=BOT, part="Nothing is on")).encrypted
    await ada.encrypt(dm)
    assert (await ask(ada, dm, "live", of=BOT, part="Nothing is on")).encrypted


async def test_an_invitation_opens_an_encrypted_chat_and_is_answered_by_taps(
    bridge: Bridge, settle: Settle, sign_in: SignIn
) -> None:
    ada, ben = await settle("ada"), await sign_in("ben")
    space = await bridge.create(ada, "Tonight")
    await bridge.spaces.ask(space.space, cmd.InvitePerson(UserId(ada.id), UserId(ben.user)))
    dm = await ben.join(await invited(ben))
    invitation = await message(ben, dm, "invites you: Tonight", sender=BOT)
    assert invitation.encrypted

    async def seeded() -> bool:
        return await reactions_to(ben, dm, invitation.event_id) == ["✅", "🔕", "🚫"]

    await eventually(seeded, "no taps")
    tap = await ben.react(dm, invitation.event_id, "✅")
    await message(ben, dm, "I write to you when it starts", sender=BOT, after=tap)
    await ben.redact(dm, tap)
    await message(ben, dm, "No reminder, then", sender=BOT, after=tap)
    await all_is_well(ben, dm)


async def test_prompts_offers_and_links_come_encrypted(
    bridge: Bridge, settle: Settle, sign_in: SignIn
) -> None:
    ada, ben = await sign_in("ada"), await settle("ben")
    dm = await greeted(ada)
    made = await ask(ada, dm, "create Bread", of=BOT, part="/s/bread")
    space = await only_space(bridge)
    room = await ada.join(room_of(space))
    started = await ask(ada, dm, "start", of=BOT, part="is live")
    await ben.join(room)
    await bridge.until(
        space.space, lambda s: s.person(UserId(ben.id)).joined, "the guest was not seen"
    )
    await ben.react(room, await bridge.card(space.space), "✋")
    prompt = await message(ada, dm, "asks to speak", sender=BOT, after=started.event_id)
    await ada.react(dm, prompt.event_id, "✅")
    await bridge.until(space.space, lambda s: s.may_speak(UserId(ben.id)), "no floor")
    linked = await ask(ada, dm, "link", of=BOT, part="#t=")
    assert made.encrypted
    assert linked.encrypted
    live = [each for each in await ada.timeline(room) if each.sender == BOT]
    assert live
    assert not any(each.encrypted for each in live)
    await all_is_well(ada, dm)


async def test_an_encrypted_community_room_gets_its_card(bridge: Bridge, sign_in: SignIn) -> None:
    ada, ben = await sign_in("ada"), await sign_in("ben")
    square = await ada.open_room(BOT, ben.user)
    await ben.join(await invited(ben))
    await message(ada, square, "!space create", sender=BOT)
    made = await ada.send_text(square, "!space create Bread")
    card = await shown(
        ben,
        square,
        lambda each: each.sender == BOT and "🔔" in each.body,
        "a card",
    )
    assert card.encrypted
    await message(ada, square, "/s/bread", sender=BOT, after=made)
    space = await only_space(bridge)
    await ben.react(square, card.event_id, "🔔")

    async def follows() -> bool:
        return await bridge.storage.followers.follows(UserId(ada.user), UserId(ben.user))

    await eventually(follows, "a tap on the card counts nothing")
    await ada.join(room_of(space))
    await bridge.until(
        space.space, lambda s: s.person(UserId(ada.user)).joined, "the host was not seen"
    )
    now_ms = SystemClock().now_ms()
    await bridge.spaces.ask(space.space, cmd.StartSpace(UserId(ada.user), now_ms))

    def is_edit(each: Shown) -> bool:
        return (
            each.sender == BOT
            and each.relates_to.get("rel_type") == "m.replace"
            and each.relates_to.get("event_id") == card.event_id
            and "🔴" in str(each.content.get("m.new_content", {}).get("body", ""))
        )

    edited = await shown(ben, square, is_edit, "an edit of the card")
    assert edited.encrypted
    await all_is_well(ben, square)


async def test_a_report_is_shown_in_an_encrypted_moderators_room(
    setup: LiveSetup, tmp_path: Path, settle: Settle, sign_in: SignIn
) -> None:
    mod, ada, ben = await sign_in("mod"), await settle("ada"), await settle("ben")
    room = await mod.open_room(BOT)
    settings = setup.settings(moderators_room=room)
    async with Bridge(settings, tmp_path / "db") as bridge:
        space = await bridge.live(ada, "Talk", [ben])
        said = Report(0, space.space, UserId(ada.id), UserId(ben.id), "sells", "Ben: buy", 5)
        number = await bridge.storage.reports.file(said, "once")
        await bridge.spaces.enqueue_task(tasks.ForwardReport(number), "report")
        report = await message(mod, room, f"Report {number}", sender=BOT)
        assert report.encrypted


async def test_what_comes_while_the_bot_is_down_is_read_and_answered_encrypted(
    setup: LiveSetup, tmp_path: Path, sign_in: SignIn
) -> None:
    ada, ben = await sign_in("ada"), await sign_in("ben")
    async with Bridge(setup.settings(), tmp_path / "db") as bridge:
        await bridge.connected()
        dm = await greeted(ada)
    asked = await ada.send_text(dm, "help create")
    theirs = await ben.open_dm(BOT)
    await ada.send_text(dm, "live")
    async with Bridge(setup.settings(), tmp_path / "db"):
        await message(ada, dm, "Example", sender=BOT, after=asked)
        await message(ada, dm, "Nothing is on", sender=BOT, after=asked)
        await message(ben, theirs, "create", sender=BOT)
        await all_is_well(ada, dm)
        await all_is_well(ben, theirs)


async def test_switched_off_it_is_as_before(
    setup: LiveSetup, tmp_path: Path, sign_in: SignIn
) -> None:
    ada = await sign_in("ada")
    async with Bridge(setup.settings(), tmp_path / "db", encryption=False) as bridge:
        await bridge.connected()
        dm = await ada.open_dm(BOT)
        told = await message(ada, dm, "cannot read encrypted", sender=BOT)
        assert not told.encrypted
        plain = await ada.join(await invited(ada))
        assert not (await ask(ada, plain, "live", of=BOT, part="Nothing is on")).encrypted


async def test_a_live_space_of_an_encrypted_chat_is_open_and_says_so(
    bridge: Bridge, sign_in: SignIn
) -> None:
    ada = await sign_in("ada")
    dm = await greeted(ada)
    await ask(ada, dm, "create Bread", of=BOT, part="/s/bread")
    space = await only_space(bridge)
    room = await ada.join(room_of(space))
    assert not await bridge.matrix.is_encrypted(room_of(space))
    assert "not encrypted" in await ada.topic(room)


async def test_the_homeservers_wish_decides_how_a_chat_is_opened(
    tmp_path: Path,
) -> None:
    setup = LiveSetup(tmp_path / "setup", WishingHomeserver(tmp_path / "synapse"))
    async with setup.homeserver as homeserver, AsyncExitStack() as people:
        ada = await people.enter_async_context(
            MatrixUser(homeserver.url, await homeserver.register("ada"))
        )
        ben = await people.enter_async_context(
            nio_client(homeserver.url, await homeserver.register("ben"), tmp_path)
        )
        async with Bridge(setup.settings(), tmp_path / "db") as bridge:
            await bridge.connected()
            space = await bridge.create(ada, "Tonight")
            await bridge.spaces.ask(
                space.space, cmd.InvitePerson(UserId(ada.id), UserId(ben.user))
            )
            dm = await ben.join(await invited(ben))
            invitation = await message(ben, dm, "invites you: Tonight", sender=BOT)
            assert not invitation.encrypted
