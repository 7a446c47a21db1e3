"""A deployment whose bot was the registration's sender is upgraded: rooms and chats go on."""

import json
from pathlib import Path

import pytest

from spaces_bridge.core import commands as cmd
from spaces_bridge.core.ids import UserId
from spaces_bridge_demo.matrix_user import MatrixUser
from tests.clients.chat import ask, message
from tests.clients.nio_client import nio_client
from tests.matrix.support import BOT, Bridge, LiveSetup, eventually, room_of

pytestmark = [pytest.mark.e2e, pytest.mark.slow]


def register(setup: LiveSetup, *, as_before: bool) -> None:
    """Write the registration: as versions without encrypted chats did, or as now."""
    path = setup.directory / "registration.yaml"
    registration = json.loads(path.read_text())
    registration["sender_localpart"] = "spacesbot" if as_before else "spaces_sender"
    registration.pop("io.element.msc4190", None)
    if not as_before:
        registration["io.element.msc4190"] = True
    path.write_text(json.dumps(registration))


async def says(person: MatrixUser, room: str, text: str, part: str) -> None:
    """Write, and wait for the bot's answer with this part."""
    before = {event["event_id"] for event in await person.messages(room, BOT)}
    await person.send_text(room, text)

    async def answered() -> bool:
        return any(
            part in event["content"].get("body", "")
            for event in await person.messages(room, BOT)
            if event["event_id"] not in before
        )

    await eventually(answered, f"no answer to {text}")


async def test_rooms_and_chats_of_a_bot_that_was_the_sender_go_on(tmp_path: Path) -> None:
    setup, database = LiveSetup(tmp_path / "setup"), tmp_path / "spaces.db"
    register(setup, as_before=True)
    async with setup.homeserver as homeserver:
        account = await homeserver.register("ada")
        async with MatrixUser(homeserver.url, account) as ada:
            async with Bridge(setup.settings(), database, encryption=False) as old:
                await old.connected()
                dm = await ada.open_dm(BOT)
                await says(ada, dm, "live", "Nothing is on")
                space = (await old.live(ada, "Bread", [])).space
            # the new version with the registration of before says what to do, and works as it did
            async with Bridge(setup.settings(), database) as new:
                await new.connected()
                encryption = new.matrix.encryption
                assert encryption is not None
                sync = encryption.sync
                await eventually(lambda: sync.problem, "nothing is said of the registration")
                assert "Write the registration again with -g" in sync.problem
                await says(ada, dm, "live", "Bread")
            register(setup, as_before=False)
            await homeserver.restart()
            async with Bridge(setup.settings(), database) as new:
                await new.connected()
                encryption = new.matrix.encryption
                assert encryption is not None
                numbers = encryption.numbers

                async def is_ready() -> bool:
                    return bool((await numbers())["ready"])

                await eventually(is_ready, "encrypted chats do not work")
                assert new.view(space).phase.value == "live"
                await says(ada, dm, "live", "Bread")
                room = room_of(new.view(space))
                await new.spaces.ask(space, cmd.Retitle(UserId(ada.id), "More bread"))

                async def renamed() -> bool:
                    return "More bread" in str(await ada.state(room, "m.room.name"))

                await eventually(renamed, "the bot has lost its rights in the room")
                keys = tmp_path / "keys"
                keys.mkdir()
                ben = await homeserver.register("ben")
                async with nio_client(homeserver.url, ben, keys) as client:
                    secret = await client.open_dm(BOT)
                    await message(client, secret, "create", sender=BOT)
                    answer = await ask(client, secret, "live", of=BOT, part="More bread")
                    assert answer.encrypted
