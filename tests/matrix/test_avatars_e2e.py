"""People's pictures, from a real Synapse."""

import io
import struct

import aiohttp
import numpy as np
import pytest

from spaces_bridge.core.ids import UserId
from spaces_bridge.matrix.client.errors import Away, RequestRefused
from spaces_bridge.matrix.client.matrix_client import MatrixClient
from spaces_bridge_demo.matrix_user import MatrixUser
from tests.matrix.conftest import Settle
from tests.matrix.support import Bridge
from tools.pictures import png

pytestmark = pytest.mark.e2e


async def wears(user: MatrixUser, file: bytes, content_type: str = "image/png") -> str:
    """Upload the file and make it the profile's picture."""
    headers = {"Authorization": f"Bearer {user.account.access_token}"}
    async with aiohttp.ClientSession(headers=headers, raise_for_status=True) as http:
        upload = http.post(
            f"{user.url}/_matrix/media/v3/upload",
            data=io.BytesIO(file),
            headers={"Content-Type": content_type},
        )
        async with upload as response:
            address = str((await response.json())["content_uri"])
    await user.request("PUT", f"profile/{user.id}/avatar_url", {"avatar_url": address})
    return address


def photo(width: int, height: int) -> bytes:
    pixels = np.random.default_rng(5).integers(0, 255, (height, width, 4), np.uint8)
    pixels[..., 3] = 255
    return png.encode(pixels)


async def test_a_profiles_picture_comes_small(bridge: Bridge, settle: Settle) -> None:
    ada, ben = await settle("ada"), await settle("ben")
    file = photo(600, 500)
    await wears(ada, file)
    avatar = await bridge.matrix.pictures.avatar(UserId(ada.id))
    assert avatar is not None
    assert avatar.content_type == "image/png"
    assert 0 < len(avatar.body) < len(file) / 4
    width, height = struct.unpack(">II", avatar.body[16:24])
    assert min(width, height) >= 192
    assert await bridge.matrix.pictures.avatar(UserId(ben.id)) is None
    assert await bridge.matrix.pictures.avatar(UserId("@nobody:localhost")) is None


async def test_what_is_no_picture_is_none(bridge: Bridge, settle: Settle) -> None:
    ada, ben = await settle("ada"), await settle("ben")
    await wears(ada, b"<script>alert(1)</script>", "text/html")
    assert await bridge.matrix.pictures.avatar(UserId(ada.id)) is None
    await wears(ben, b"<svg xmlns='http://www.w3.org/2000/svg'/>", "image/svg+xml")
    assert await bridge.matrix.pictures.avatar(UserId(ben.id)) is None


async def test_a_file_is_read_no_further_than_allowed(bridge: Bridge, settle: Settle) -> None:
    ada = await settle("ada")
    address = await wears(ada, photo(400, 400))
    bot = MatrixClient(bridge.matrix._api, bridge.settings.bot)
    assert len(await bot.thumbnail(address, 192, 512_000, 10.0)) > 1000
    with pytest.raises(RequestRefused, match="more than 1000 bytes"):
        await bot.thumbnail(address, 192, 1000, 10.0)
    with pytest.raises(RequestRefused, match="404"):
        await bot.thumbnail("mxc://localhost/nothing", 192, 1000, 10.0)


async def test_after_the_end_nobody_is_asked(bridge: Bridge) -> None:
    await bridge.matrix.stop()
    bot = MatrixClient(bridge.matrix._api, bridge.settings.bot)
    with pytest.raises(Away):
        await bot.thumbnail("mxc://localhost/nothing", 192, 1000, 10.0)
