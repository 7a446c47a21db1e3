"""Nobody takes a name of ours on a real Synapse that has the registration we write."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from spaces_bridge.config import Config, schema
from spaces_bridge.registration import registration_for, text_of
from spaces_bridge_demo.homeserver import Homeserver
from spaces_bridge_demo.matrix_user import MatrixError, MatrixUser
from spaces_bridge_demo.processes import free_port

pytestmark = pytest.mark.e2e


class OpenToAll(Homeserver):
    """Anybody may register, as on a public homeserver."""

    def config(self) -> dict[str, Any]:
        free = {"enable_registration": True, "enable_registration_without_verification": True}
        return {**super().config(), **free}

    async def registers(self, name: str) -> tuple[int, str]:
        """The status and the errcode when somebody registers this name. Spec: `POST /register`."""
        url = f"{self.url}/_matrix/client/v3/register"
        body = {"username": name, "password": "a long one", "auth": {"type": "m.login.dummy"}}
        async with aiohttp.ClientSession() as http, http.post(url, json=body) as response:
            return response.status, (await response.json()).get("errcode", "")


@pytest.fixture
async def homeserver(tmp_path: Path) -> AsyncIterator[OpenToAll]:
    made = OpenToAll(tmp_path / "synapse")
    config = Config(
        homeserver=schema.HomeserverConfig(domain=made.domain),
        appservice=schema.AppserviceConfig(address=f"http://127.0.0.1:{free_port()}"),
    )
    path = tmp_path / "registration.yaml"
    path.write_text(text_of(registration_for(config)), encoding="utf-8")
    made.add_registration(path)
    async with made:
        yield made


async def test_an_ordinary_user_can_take_neither_a_ghosts_name_nor_the_bots_nor_our_aliases(
    homeserver: OpenToAll,
) -> None:
    assert await homeserver.registers("ada") == (200, "")
    for name in ("spaces_x", "spaces_0123456789abcdef", "spacesbot"):
        assert await homeserver.registers(name) == (400, "M_EXCLUSIVE")
    async with AsyncExitStack() as here:
        eve = await here.enter_async_context(
            MatrixUser(homeserver.url, await homeserver.register("eve"))
        )
        room = await eve.create_room()
        await eve.request("PUT", f"directory/room/%23mine:{homeserver.domain}", {"room_id": room})
        for alias in ("spaces_x", "spaces_first-talk", "spaces"):
            path = f"directory/room/%23{alias}:{homeserver.domain}"
            with pytest.raises(MatrixError, match="M_EXCLUSIVE"):
                await eve.request("PUT", path, {"room_id": room})
        with pytest.raises(MatrixError, match="M_EXCLUSIVE"):
            await eve.create_room(room_alias_name="spaces_x")
