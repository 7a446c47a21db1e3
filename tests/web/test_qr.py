"""The QR code of a page: what it holds, for whom it is, and what a browser makes of it."""

import re
from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np
import pytest
import segno
from numpy.typing import NDArray
from playwright.async_api import Browser

from spaces_bridge.core import commands as cmd
from spaces_bridge.web.http.qr import MODULE, QUIET, svg
from tests.web.browser import opened
from tests.web.world import ALICE, HOST, WallClock, WebWorld, web_world

ADDRESS = "https://live.example.org/spaces/s/garden-hour-ab12"
NAMES = "{http://www.w3.org/2000/svg}"

CORNERS = """
async (centre) => {
  const image = new Image();
  image.src = document.querySelector("link[rel=icon]").href.replace(/static.*/, "") + "PATH";
  await image.decode();
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = 300;
  const paint = canvas.getContext("2d", { willReadFrequently: true });
  paint.drawImage(image, 0, 0, 300, 300);
  const at = (x, y) => [...paint.getImageData(x, y, 1, 1).data];
  return [at(1, 1), at(298, 298), at(centre, centre)];
}
"""


def drawn(code: bytes) -> NDArray[np.bool_]:
    """The modules of the picture, dark ones true: strokes one module high, through its middle."""
    root = ET.fromstring(code)
    size = int(root.attrib["viewBox"].split()[2]) // MODULE
    modules = np.zeros((size, size), bool)
    path = root.find(f".//{NAMES}path[@stroke]")
    assert path is not None
    x, y = 0, 0.0
    for command, numbers in re.findall(r"([Mmh])([-\d. ]+)", path.attrib["d"]):
        if command == "h":
            modules[int(y), x : x + int(numbers)] = True
            x += int(numbers)
        else:
            right, down = numbers.split()
            x, y = (0, 0.0) if command == "M" else (x, y)
            x, y = x + int(right), y + float(down)
    return modules


@pytest.mark.unit
def test_a_code_holds_its_address_within_white() -> None:
    modules = drawn(svg(ADDRESS))
    inner = modules[QUIET:-QUIET, QUIET:-QUIET]
    made = segno.make(ADDRESS, error="m", micro=False)
    assert (inner == np.array([list(row) for row in made.matrix], bool)).all()
    assert modules.sum() == inner.sum()
    assert QUIET == 4


@pytest.mark.unit
def test_a_code_says_what_it_is() -> None:
    root = ET.fromstring(svg("https://live.example.org/?a=<b>&c"))
    assert root.attrib["role"] == "img"
    assert root.findtext(f"{NAMES}title") == "QR code"
    assert root.findtext(f"{NAMES}desc") == "https://live.example.org/?a=<b>&c"
    ground = root.find(f".//{NAMES}path[@fill]")
    assert ground is not None
    assert ground.attrib["fill"] == "#fff"


@pytest.mark.peers
async def test_there_is_a_code_before_during_and_after(tmp_path: Path) -> None:
    async with web_world(tmp_path, prefix="/spaces") as world:
        space = await world.create(live=False)
        for step in (None, cmd.StartSpace(HOST, 5), cmd.EndSpace(HOST, WallClock().now_ms())):
            if step is not None:
                await world.spaces.ask(space.space, step)
            async with world.http.get(world.page(space, "/qr.svg")) as response:
                assert response.status == 200
                assert response.content_type == "image/svg+xml"
                assert response.headers["Cache-Control"] == "public, max-age=86400"
                assert "sandbox" in response.headers["Content-Security-Policy"]
                assert await response.read() == svg(world.page(space))


@pytest.mark.peers
async def test_the_code_of_a_private_space_is_for_its_members(world: WebWorld) -> None:
    space = await world.create(private=True)
    secret = await world.member(space.space, ALICE)
    async with world.http.get(world.page(space, "/qr.svg")) as response:
        assert response.status == 404
    headers = {"Authorization": f"Bearer {secret}"}
    async with world.http.get(world.page(space, "/qr.svg"), headers=headers) as response:
        assert response.status == 200
        assert response.headers["Cache-Control"] == "no-store"
    async with world.http.get(f"{world.base}/s/nothing-here/qr.svg") as response:
        assert response.status == 404


@pytest.mark.e2e
async def test_a_browser_draws_it_dark_on_white_in_any_theme(
    world: WebWorld, browser: Browser
) -> None:
    space = await world.create()
    async with opened(browser, world.page(space), dark=True) as visitor:
        script = CORNERS.replace("PATH", f"s/{space.slug}/qr.svg")
        size = len(drawn(svg(world.page(space))))
        centre = int(300 * (QUIET + 3.5) / size)  # of the square in the upper left corner
        white, also_white, finder = await visitor.page.evaluate(script, centre)
    assert white == also_white == [255, 255, 255, 255]
    assert finder == [0, 0, 0, 255]
