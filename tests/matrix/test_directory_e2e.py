"""The directory of live spaces on a real Synapse."""

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from spaces_bridge.core import commands as cmd
from spaces_bridge.core.ids import UserId
from spaces_bridge_demo.homeserver import Homeserver
from spaces_bridge_demo.matrix_user import MatrixError, MatrixUser
from tests.matrix.conftest import Settle
from tests.matrix.support import BOT, Bridge, LiveSetup, SystemClock, eventually, room_of

pytestmark = pytest.mark.e2e

ALIAS = "#spaces:localhost"


class Secretive(Homeserver):
    """As it comes: no room is listed."""

    def config(self) -> dict[str, Any]:
        return {**super().config(), "room_list_publication_rules": [{"action": "deny"}]}


async def children(user: MatrixUser, directory: str) -> Mapping[str, Any]:
    state = await user.all_state(directory)
    return {
        event["state_key"]: event["content"]
        for event in state
        if event["type"] == "m.space.child" and event["content"]
    }


async def listed(user: MatrixUser, directory: str, room: str) -> Mapping[str, Any]:
    """The entry, once it is there."""

    async def there() -> bool:
        return room in await children(user, directory)

    await eventually(there, "no entry in the directory")
    found: Mapping[str, Any] = (await children(user, directory))[room]
    return found


async def gone(user: MatrixUser, directory: str, room: str) -> None:
    async def taken_out() -> bool:
        return room not in await children(user, directory)

    await eventually(taken_out, "the entry is still in the directory")


async def enter(user: MatrixUser) -> str:
    """Join the directory, as soon as it is made."""

    async def joined() -> bool:
        try:
            await user.join(ALIAS)
        except MatrixError:
            return False
        return True

    await eventually(joined, "no directory")
    return await user.join(ALIAS)


async def test_a_space_comes_lives_and_goes(bridge: Bridge, settle: Settle) -> None:
    ada = await settle("ada")
    directory = await enter(ada)
    assert (await ada.state(directory, "m.room.create"))["type"] == "m.space"
    assert (await ada.state(directory, "m.room.name"))["name"] == "Live spaces"
    space = await bridge.create(ada, "In the directory")
    room = room_of(space)
    waiting = await listed(ada, directory, room)
    assert waiting["via"] == ["localhost"]
    assert waiting["suggested"] is False
    await bridge.spaces.ask(space.space, cmd.StartSpace(UserId(ada.id), 123_456))

    async def suggested() -> bool:
        return bool((await children(ada, directory))[room]["suggested"])

    await eventually(suggested, "a live one is not suggested")
    assert (await children(ada, directory))[room]["order"] < waiting["order"]
    await bridge.spaces.ask(space.space, cmd.EndSpace(UserId(ada.id), 223_456))
    await gone(ada, directory, room)


async def test_private_ones_are_never_listed(bridge: Bridge, settle: Settle) -> None:
    ada = await settle("ada")
    directory = await enter(ada)
    private = await bridge.create(ada, "Closed", private=True)
    public = await bridge.create(ada, "Open")
    await listed(ada, directory, room_of(public))
    assert room_of(private) not in await children(ada, directory)


@pytest.mark.parametrize("version", ["11", "12"])
async def test_nobody_but_the_bot_writes_in_it(tmp_path: Path, version: str) -> None:
    own_setup = LiveSetup(tmp_path)
    async with own_setup.homeserver:
        account = await own_setup.homeserver.register("mallory")
        settings = own_setup.settings(room_version=version)
        async with (
            MatrixUser(own_setup.homeserver.url, account) as mallory,
            Bridge(settings, tmp_path / "spaces.db") as bridge,
        ):
            await bridge.connected()
            directory = await enter(mallory)
            assert (await mallory.state(directory, "m.room.create"))["room_version"] == version
            writes = [
                mallory.put_state(directory, "m.space.child", {"via": ["evil"]}, "!room:evil"),
                mallory.put_state(directory, "m.room.name", {"name": "Mine"}),
                mallory.send_text(directory, "Buy my pills"),
                mallory.kick(directory, BOT),
            ]
            for write in writes:
                with pytest.raises(MatrixError) as refusal:
                    await write
                assert refusal.value.status == 403


async def test_what_ended_while_the_entry_could_not_be_taken_out_goes_at_the_next_start(
    setup: LiveSetup, tmp_path: Path, settle: Settle
) -> None:
    ada = await settle("ada")
    async with Bridge(setup.settings(), tmp_path / "db") as bridge:
        directory = await enter(ada)
        space = await bridge.create(ada, "Forgotten")
        room = room_of(space)
        await listed(ada, directory, room)
        await bridge.drained()
        await bridge.matrix.stop()
        now_ms = SystemClock().now_ms()
        await bridge.spaces.ask(space.space, cmd.EndSpace(UserId(ada.id), now_ms))
        for row in await bridge.outbox.pending(0, 100):
            await bridge.outbox.bury(row.effect.key, "lost")
    async with Bridge(setup.settings(), tmp_path / "db") as bridge:
        await bridge.connected()
        assert await enter(ada) == directory
        await gone(ada, directory, room)


async def test_a_homeserver_that_lists_no_rooms_is_named_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    own_setup = LiveSetup(tmp_path)
    registration = tmp_path / "registration.yaml"
    own_setup.homeserver = Secretive(tmp_path / "synapse", registrations=[registration])
    async with own_setup.homeserver:
        account = await own_setup.homeserver.register("ada")
        with caplog.at_level(logging.WARNING, "spaces_bridge.matrix.cards.listing"):
            async with (
                MatrixUser(own_setup.homeserver.url, account) as ada,
                Bridge(own_setup.settings(), tmp_path / "spaces.db") as bridge,
            ):
                await bridge.connected()
                directory = await enter(ada)
                spaces = [await bridge.create(ada, f"Talk {number}") for number in range(2)]
                for space in spaces:
                    await listed(ada, directory, room_of(space))
                await bridge.drained()
        said = [r.getMessage() for r in caplog.records if "public rooms" in r.getMessage()]
        assert len(said) == 1
        assert "room_list_publication_rules: [{action: allow}]" in said[0]


async def test_rooms_are_listed_where_the_homeserver_allows_it(
    bridge: Bridge, settle: Settle
) -> None:
    ada = await settle("ada")
    directory = await enter(ada)
    space = await bridge.create(ada, "To be found")
    await bridge.drained()
    for room in (directory, room_of(space)):
        answer = await ada.request("GET", f"directory/list/room/{room}")
        assert answer["visibility"] == "public"
    await bridge.spaces.ask(space.space, cmd.EndSpace(UserId(ada.id), 223_456))

    async def hidden() -> bool:
        answer = await ada.request("GET", f"directory/list/room/{room_of(space)}")
        return bool(answer["visibility"] == "private")

    await eventually(hidden, "an ended one is still listed")
