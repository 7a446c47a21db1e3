"""What a room shows from outside, on a real Synapse: picture, name, topic, the way in."""

import logging
import zlib
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from spaces_bridge.core import commands as cmd
from spaces_bridge.core.ids import UserId
from spaces_bridge.core.live_space import Phase
from spaces_bridge.matrix.cards.uploads import bot_picture, room_picture
from spaces_bridge_demo.homeserver import Homeserver
from spaces_bridge_demo.matrix_user import MatrixUser
from tests.matrix.conftest import Settle
from tests.matrix.support import BOT, Bridge, LiveSetup, eventually, room_of

pytestmark = pytest.mark.e2e


class WithoutMedia(Homeserver):
    """Stores no files."""

    def config(self) -> dict[str, Any]:
        return {**super().config(), "enable_media_repo": False}


async def download(user: MatrixUser, address: str) -> bytes:
    """The file behind an `mxc://` address."""
    place = address.removeprefix("mxc://")
    url = f"{user.url}/_matrix/client/v1/media/download/{place}"
    headers = {"Authorization": f"Bearer {user.account.access_token}"}
    async with (
        aiohttp.ClientSession(headers=headers, raise_for_status=True) as http,
        http.get(url) as response,
    ):
        assert response.content_type == "image/png"
        return await response.read()


async def shows(user: MatrixUser, room: str, phase: Phase) -> None:
    """The room's picture is that of the phase."""
    tone = zlib.crc32(user.id.encode()) % 8
    seen = dict[str, bytes]()

    async def shown() -> bool:
        for event in await user.all_state(room):
            if event["type"] == "m.room.avatar":
                address = event["content"]["url"]
                if address not in seen:
                    seen[address] = await download(user, address)
                return seen[address] == room_picture(phase, tone)
        return False

    await eventually(shown, f"no picture of {phase}")


async def test_the_picture_follows_the_phase(bridge: Bridge, settle: Settle) -> None:
    ada = await settle("ada")
    space = await bridge.create(ada, "In colours")
    room = room_of(space)
    await shows(ada, room, Phase.SCHEDULED)
    await bridge.spaces.ask(space.space, cmd.StartSpace(UserId(ada.id), 123_456))
    await shows(ada, room, Phase.LIVE)
    await bridge.spaces.ask(space.space, cmd.EndSpace(UserId(ada.id), 223_456))
    await shows(ada, room, Phase.ENDED)


async def test_each_picture_is_uploaded_once(
    setup: LiveSetup, tmp_path: Path, settle: Settle
) -> None:
    ada = await settle("ada")
    addresses = set()
    for run in range(2):
        async with Bridge(setup.settings(), tmp_path / "db") as bridge:
            await bridge.connected()
            space = await bridge.create(ada, f"Number {run}")
            await shows(ada, room_of(space), Phase.SCHEDULED)
            addresses.add((await ada.state(room_of(space), "m.room.avatar"))["url"])
    assert len(addresses) == 1


async def test_the_bot_has_its_picture_unless_it_was_given_another(tmp_path: Path) -> None:
    own_setup = LiveSetup(tmp_path)
    async with own_setup.homeserver:
        account = await own_setup.homeserver.register("ada")
        async with MatrixUser(own_setup.homeserver.url, account) as ada:
            path = f"profile/{BOT}/avatar_url"

            async def portrayed() -> bool:
                return bool((await ada.request("GET", path)).get("avatar_url"))

            async with Bridge(own_setup.settings(), tmp_path / "db") as bridge:
                await bridge.connected()
                await eventually(portrayed, "the bot has no picture")
                address = (await ada.request("GET", path))["avatar_url"]
                assert await download(ada, address) == bot_picture()
                async with aiohttp.ClientSession(raise_for_status=True) as http:
                    url = f"{own_setup.homeserver.url}/_matrix/client/v3/{path}"
                    headers = {"Authorization": f"Bearer {own_setup.as_token}"}
                    body = {"avatar_url": "mxc://localhost/own"}
                    as_bot = {"user_id": BOT}
                    async with http.put(url, params=as_bot, headers=headers, json=body):
                        pass
            async with Bridge(own_setup.settings(), tmp_path / "db2") as bridge:
                await bridge.connected()
                space = await bridge.create(ada, "Later")
                await shows(ada, room_of(space), Phase.SCHEDULED)
                assert (await ada.request("GET", path))["avatar_url"] == "mxc://localhost/own"


async def test_without_media_state_and_name_are_published_all_the_same(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    own_setup = LiveSetup(tmp_path)
    registration = tmp_path / "registration.yaml"
    own_setup.homeserver = WithoutMedia(tmp_path / "synapse", registrations=[registration])
    async with own_setup.homeserver:
        account = await own_setup.homeserver.register("ada")
        with caplog.at_level(logging.WARNING, "spaces_bridge.matrix.cards.uploads"):
            async with (
                MatrixUser(own_setup.homeserver.url, account) as ada,
                Bridge(own_setup.settings(), tmp_path / "db") as bridge,
            ):
                await bridge.connected()
                space = await bridge.create(ada, "Plain")
                named = ada.next_in(
                    room_of(space), "m.room.name", lambda e: e["content"]["name"] == "🔴 Plain"
                )
                await bridge.spaces.ask(space.space, cmd.StartSpace(UserId(ada.id), 123_456))
                await named
                await bridge.drained()
                live = await ada.state(room_of(space), "io.spacesbridge.live")
                assert live["state"] == "live"
                assert await bridge.matrix_ready()
        said = [r.getMessage() for r in caplog.records]
        assert len([text for text in said if "without a picture" in text]) == 1


async def test_a_new_title_is_shown_everywhere_and_a_hosts_own_topic_stays(
    bridge: Bridge, settle: Settle
) -> None:
    ada = await settle("ada")
    space = await bridge.create(ada, "Old")
    room = room_of(space)
    await bridge.drained()
    await ada.put_state(room, "m.room.topic", {"topic": "Bring your own tea"})
    await bridge.spaces.ask(space.space, cmd.Retitle(UserId(ada.id), "New"))
    await bridge.drained()
    state = {(e["type"], e["state_key"]): e["content"] for e in await ada.all_state(room)}
    assert state["m.room.name", ""]["name"] == "New"
    assert state["io.spacesbridge.live", ""]["title"] == "New"
    for kind in ("m.bridge", "uk.half-shot.bridge"):
        channel = state[kind, f"io.spacesbridge://{space.space}"]["channel"]
        assert channel["displayname"] == "New"
    assert state["m.room.topic", ""]["topic"] == "Bring your own tea"
