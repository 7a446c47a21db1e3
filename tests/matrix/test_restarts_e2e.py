"""Crashes, outages and lost answers, on a real Synapse of its own."""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from spaces_bridge.app import codec
from spaces_bridge.app.tasks import PostCaption, TellUser
from spaces_bridge.core import commands as cmd
from spaces_bridge.core.ids import SpaceId, UserId, UtteranceId
from spaces_bridge.core.live_space import LiveSpace
from spaces_bridge.matrix.client.errors import RequestRefused
from spaces_bridge.matrix.client.http import HomeserverApi
from spaces_bridge.matrix.client.matrix_client import MatrixClient
from spaces_bridge.matrix.client.reach import Reach
from spaces_bridge.matrix.rooms.rooms import RoomMaker
from spaces_bridge_demo.matrix_user import MatrixUser
from tests.matrix.support import BOT, Bridge, LiveSetup, eventually, room_of

pytestmark = [pytest.mark.e2e, pytest.mark.slow]


@pytest.fixture
async def own_setup(tmp_path: Path) -> AsyncIterator[LiveSetup]:
    """A homeserver that only this test stops and kills."""
    setup = LiveSetup(tmp_path)
    async with setup.homeserver:
        yield setup


async def arrive(setup: LiveSetup, people: AsyncExitStack, name: str) -> MatrixUser:
    account = await setup.homeserver.register(name)
    return await people.enter_async_context(MatrixUser(setup.homeserver.url, account))


def caption(space: LiveSpace, number: int) -> PostCaption:
    start_ms = number * 5_000
    return PostCaption(
        space.space,
        UtteranceId(f"utterance-{number}"),
        UserId("@ada:localhost"),
        "Ada",
        start_ms,
        start_ms + 1_000,
        f"Sentence number {number}.",
        "en",
    )


async def captions_in(person: MatrixUser, room: str) -> list[str]:
    return [
        m["content"]["io.spacesbridge.caption"]["utterance"]
        for m in await person.messages(room, BOT)
        if "io.spacesbridge.caption" in m["content"]
    ]


async def test_a_room_whose_creation_was_never_answered_is_found_again(
    own_setup: LiveSetup,
) -> None:
    async with AsyncExitStack() as people:
        ada = await arrive(own_setup, people, "ada")
        api = HomeserverApi(own_setup.homeserver.url, own_setup.as_token, Reach(), lambda _: None)
        await api.start()
        bot = MatrixClient(api, UserId(BOT))
        await bot.register()
        async with Bridge(own_setup.settings(), own_setup.directory / "db") as bridge:
            identity, slug = bridge.spaces.new_identity("Lost answer", "source")
            command = cmd.CreateSpace(identity, slug, "Lost answer", UserId(ada.id), "Ada", 1)
            # An earlier run made a part of the room, and died.
            await bot.call("POST", ["createRoom"], {"room_alias_name": f"spaces_{slug}"})
            await bridge.spaces.create(command)
            space = await bridge.until(identity, lambda s: s.room is not None, "no room")
            await ada.join(room_of(space))
            assert (await ada.state(room_of(space), "io.spacesbridge.live"))[
                "state"
            ] == "scheduled"
            twice = await RoomMaker(bot, own_setup.settings()).make(space)
            # whose name leads there by chance or by design gets no room of others
            with pytest.raises(RequestRefused, match="another live space"):
                await RoomMaker(bot, own_setup.settings()).make(
                    replace(space, space=SpaceId("other"))
                )
            assert twice == space.room
        await api.stop()


async def test_a_wreck_that_bears_the_alias_is_replaced(own_setup: LiveSetup) -> None:
    async with AsyncExitStack() as people:
        ada = await arrive(own_setup, people, "ada")
        api = HomeserverApi(own_setup.homeserver.url, own_setup.as_token, Reach(), lambda _: None)
        await api.start()
        bot = MatrixClient(api, UserId(BOT))
        await bot.register()
        async with Bridge(own_setup.settings(), own_setup.directory / "db") as bridge:
            identity, slug = bridge.spaces.new_identity("Wreck", "source")
            wreck = await bot.call("POST", ["createRoom"], {"room_alias_name": f"spaces_{slug}"})
            await bot.leave(wreck["room_id"])
            command = cmd.CreateSpace(identity, slug, "Wreck", UserId(ada.id), "Ada", 1)
            await bridge.spaces.create(command)
            space = await bridge.until(identity, lambda s: s.room is not None, "no room")
            assert space.room != wreck["room_id"]
            assert await ada.join(f"#spaces_{slug}:localhost") == space.room
        await api.stop()


async def test_transaction_ids_survive_a_restart_of_the_homeserver(own_setup: LiveSetup) -> None:
    api = HomeserverApi(own_setup.homeserver.url, own_setup.as_token, Reach(), lambda _: None)
    await api.start()
    bot = MatrixClient(api, UserId(BOT))
    await bot.register()
    room = (await bot.call("POST", ["createRoom"], {}))["room_id"]
    text = {"msgtype": "m.notice", "body": "once"}
    first = await bot.send(room, "m.room.message", text, "key")
    redaction = await bot.redact(room, first, "take-back")
    await own_setup.homeserver.restart()
    assert await bot.send(room, "m.room.message", text, "key") == first
    assert await bot.redact(room, first, "take-back") == redaction
    await api.stop()


async def test_killing_bridge_and_homeserver_doubles_and_loses_nothing(
    own_setup: LiveSetup,
) -> None:
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")  # noqa: T201 - to repeat a failure
    chance = random.Random(seed)
    sent = 40
    async with AsyncExitStack() as people:
        ada = await arrive(own_setup, people, "ada")
        settings, database = own_setup.settings(), own_setup.directory / "db"
        async with Bridge(settings, database) as bridge:
            space = await bridge.live(ada, "Kills")
        room = room_of(space)
        for run in range(4):
            async with Bridge(settings, database) as bridge:
                for number in range(run * 10, run * 10 + 10):
                    wanted = caption(space, number)
                    await bridge.outbox.enqueue(
                        [codec.entry_of(wanted, f"{space.space}:test:{number}")]
                    )
                    bridge.matrix.wake()
                    await asyncio.sleep(chance.uniform(0, 0.05))
                if run % 2:
                    await own_setup.homeserver.kill9()
                    await own_setup.homeserver.start()
        async with Bridge(settings, database) as bridge:
            await bridge.drained(300.0)  # captions wait for their minute
            found = Counter(await captions_in(ada, room))
            recalled = [await bridge.outbox.recall(f"{space.space}:test:{n}") for n in range(sent)]
    assert set(found.values()) == {1}
    texts = "".join([m["content"]["body"] for m in await reread(own_setup, ada, room)])
    assert all(f"number {n}." in texts for n in range(sent))
    assert None not in recalled


async def reread(
    setup: LiveSetup, person: MatrixUser, room: str
) -> list[dict[str, dict[str, str]]]:
    """The room's captions as a client that has just come sees them."""
    async with MatrixUser(setup.homeserver.url, person.account) as fresh:
        return [
            dict(m)
            for m in await fresh.messages(room, BOT)
            if "io.spacesbridge.caption" in m["content"]
        ]


async def test_an_outage_is_made_up_for_in_order_and_soon(own_setup: LiveSetup) -> None:
    async with AsyncExitStack() as people:
        ada = await arrive(own_setup, people, "ada")
        async with Bridge(own_setup.settings(), own_setup.directory / "db") as bridge:
            space = await bridge.live(ada, "Outage")
            await bridge.drained()
            await own_setup.homeserver.stop()
            for number in range(10):
                task = caption(space, number)
                await bridge.outbox.enqueue([codec.entry_of(task, f"outage:{number}")])
                bridge.matrix.wake()
                await asyncio.sleep(0.3)
            await own_setup.homeserver.start()
            first = ada.next_message(room_of(space), "Sentence number 0")
            await first
            await bridge.drained()
            bodies = [m["content"]["body"] for m in await reread(own_setup, ada, room_of(space))]
    joined = " ".join(bodies)
    places = [joined.index(f"number {n}.") for n in range(10)]
    assert places == sorted(places)


async def test_what_happened_while_the_bridge_was_away_arrives_at_once(
    own_setup: LiveSetup,
) -> None:
    async with AsyncExitStack() as people:
        ada, ben = await arrive(own_setup, people, "ada"), await arrive(own_setup, people, "ben")
        settings, database = own_setup.settings(), own_setup.directory / "db"
        async with Bridge(settings, database) as bridge:
            space = await bridge.live(ada, "Away", [ben])
            await bridge.drained()
        await ada.kick(room_of(space), ben.id)
        await ada.send_text(room_of(space), "!space live")
        answered = ada.next_message(room_of(space), "Away", BOT)
        async with Bridge(settings, database) as bridge:
            await answered
            await bridge.until(
                space.space, lambda s: not s.person(UserId(ben.id)).joined, "still there"
            )


async def test_the_bridge_starts_while_the_homeserver_is_away(own_setup: LiveSetup) -> None:
    async with AsyncExitStack() as people:
        ada = await arrive(own_setup, people, "ada")
        await own_setup.homeserver.stop()
        async with Bridge(own_setup.settings(), own_setup.directory / "db") as bridge:
            assert not await bridge.matrix_ready()
            await bridge.spaces.enqueue_task(TellUser(UserId(ada.id), "Hello there."), "hello")
            invited = ada.next_invite(120)
            await own_setup.homeserver.start()
            invite = await invited
            await ada.join(invite["room_id"])

            async def said() -> bool:
                return len(await ada.messages(invite["room_id"], BOT)) == 1

            await eventually(said, "nothing was said")
            assert SpaceId("nothing") not in [s.space for s in bridge.spaces.open()]
