"""The picture that goes with links: what is committed, and how it is served."""

import io
import struct
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from spaces_bridge.web.http.assets import Assets
from tests.web.world import WebWorld
from tools.pictures import links

ROOT = Path(__file__).parents[2]
FILE = ROOT / "spaces_bridge" / "web" / "static" / "og.png"


def pixels(file: bytes) -> NDArray[np.int16]:
    with av.open(io.BytesIO(file), "r") as container:
        return next(container.decode(video=0)).to_ndarray(format="rgb24").astype(np.int16)


@pytest.mark.unit
def test_the_committed_picture_is_what_the_script_draws() -> None:
    drawn, committed = pixels(links.draw()), pixels(FILE.read_bytes())
    assert np.abs(drawn - committed).max() <= 1


@pytest.mark.unit
def test_it_has_the_size_that_others_crop_nothing_of() -> None:
    file = FILE.read_bytes()
    assert struct.unpack(">II", file[16:24]) == (1200, 630)
    assert len(file) < 250_000


@pytest.mark.peers
async def test_it_is_served_as_it_is(world: WebWorld) -> None:
    address = f"{world.base}/static/{Assets().version}/og.png"
    async with world.http.get(address, headers={"Accept-Encoding": "gzip"}) as response:
        assert response.status == 200
        assert response.content_type == "image/png"
        assert "Content-Encoding" not in response.headers
        assert "immutable" in response.headers["Cache-Control"]
        assert await response.read() == FILE.read_bytes()
