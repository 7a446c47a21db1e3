"""Streams over HTTP: what each of them begins with, and when they end."""

import pytest

from spaces_bridge.core.ids import SpaceId
from spaces_bridge.media.live_ogg import LiveOgg
from spaces_bridge.media.messages import MIX_KEPT, MixPacket
from spaces_bridge.media.ogg import PACKETS_PER_PAGE

pytestmark = pytest.mark.unit

SPACE = SpaceId("space0000000000a")
HEADERS = 2


def pages(stream: bytes) -> int:
    return stream.count(b"OggS")


async def test_who_comes_later_begins_with_the_last_seconds() -> None:
    ogg = LiveOgg(lambda _: None)
    first = ogg.stream(SPACE)
    assert pages(await anext(first)) == HEADERS
    for number in range(MIX_KEPT + 30):
        ogg.feed(MixPacket(SPACE, number, b"\xf8ab"))
    second = ogg.stream(SPACE)
    assert pages(await anext(second)) == HEADERS + MIX_KEPT // PACKETS_PER_PAGE
    for number in range(PACKETS_PER_PAGE):
        ogg.feed(MixPacket(SPACE, MIX_KEPT + 30 + number, b"\xf8ab"))
    assert pages(await anext(second)) == 1


async def test_nothing_is_kept_for_those_who_come_after_everybody_has_gone() -> None:
    changes = list[SpaceId]()
    ogg = LiveOgg(changes.append)
    first = ogg.stream(SPACE)
    await anext(first)
    ogg.feed(MixPacket(SPACE, 0, b"\xf8ab"))
    ogg.end(SPACE)
    assert [pages(each) async for each in first] == [1]
    assert (ogg.count(SPACE), changes) == (0, [SPACE, SPACE])
    ogg.feed(MixPacket(SPACE, 1, b"\xf8ab"))
    again = ogg.stream(SPACE)
    assert pages(await anext(again)) == HEADERS
