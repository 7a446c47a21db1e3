"""Of the frames that it is sent the server reads what the document says: all of it, no more."""

from collections import defaultdict
from pathlib import Path

import pytest

from spaces_bridge.web.feed import feed, verbs
from spaces_bridge.web.feed.acts import Acts
from spaces_bridge.web.frames.client import ClientFrame
from tests.web.world import HOST, WebWorld, web_world
from tools.feed_examples import CLIENT_EXAMPLES
from tools.feed_shapes import shapes_of

pytestmark = pytest.mark.peers

READ_BY_THE_FEED = {"auth", "react", "people"}
DOCUMENTED = {shape.kind: {f.name for f in shape.fields} for shape in shapes_of(ClientFrame)}


class Noted(dict[str, object]):
    """A frame that notes which of its fields are read."""

    def __init__(self, frame: dict[str, object], read: set[str]) -> None:
        super().__init__(frame)
        self._read = read

    def get(self, key: str, default: object = None) -> object:
        self._read.add(key)
        return super().get(key, default)

    def __getitem__(self, key: str) -> object:
        self._read.add(key)
        return super().__getitem__(key)


def test_the_verbs_that_the_server_takes_are_the_documented_ones(world: WebWorld) -> None:
    acts = Acts(world.settings, world.spaces, world.use_cases)
    assert verbs.KINDS | acts.kinds | READ_BY_THE_FEED == DOCUMENTED.keys()


async def test_of_each_frame_the_server_reads_the_documented_fields(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: defaultdict[str, set[str]] = defaultdict(set)
    usual = feed._parsed

    def noted(data: object) -> verbs.Frame:
        frame = dict(usual(data))
        return Noted(frame, read[str(frame["type"])])

    monkeypatch.setattr(feed, "_parsed", noted)
    monkeypatch.setattr(feed, "PERSON_BURST", 1000)
    async with web_world(tmp_path) as world:
        space = await world.create()
        async with world.feed(space, await world.link(space.space, HOST)) as page:
            await page.next("hello")
            for example in CLIENT_EXAMPLES:
                if example["type"] != "auth":
                    await page.send(**example)
            await page.send(type="react", emoji="no emoji")
            while True:
                error = await page.next("error")
                if error["code"] == "bad_emoji":
                    break
    assert read == DOCUMENTED
