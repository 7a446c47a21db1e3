"""Guests' reactions: many counted, few lines in the journal."""

import asyncio

import pytest

from spaces_bridge.app import tally as tally_module
from spaces_bridge.app.registry import Spaces
from spaces_bridge.app.tally import Tally
from spaces_bridge.core import commands as cmd
from spaces_bridge.core.errors import Rejected
from spaces_bridge.core.ids import SpaceId
from tests.app.support import SPACE, now, settled
from tests.support.recorder import Recorder
from tests.support.spaces import BEN, HOST

pytestmark = pytest.mark.unit


async def test_ten_thousand_are_one_line_and_none_is_lost(
    spaces: Spaces, recorder: Recorder
) -> None:
    tally = Tally(spaces)
    recorder.calls.clear()
    for n in range(10_000):
        tally.count(SPACE, "👏" if n % 4 else "❤️")
    tally.flush()
    tally.flush()
    await settled(spaces)
    assert recorder.called("append") == [(SPACE, 1)]
    assert now(spaces).reactions == {"👏": 7_500, "❤️": 2_500}


async def test_what_was_counted_is_told_by_itself(
    spaces: Spaces, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tally_module, "EVERY_S", 0.0)
    Tally(spaces).count(SPACE, "👏")
    async with asyncio.timeout(60):
        while not now(spaces).reactions:  # noqa: ASYNC110
            await asyncio.sleep(0)
    assert now(spaces).reactions == {"👏": 1}


async def test_only_so_many_kinds_and_only_while_live(spaces: Spaces) -> None:
    tally = Tally(spaces)
    await spaces.ask(SPACE, cmd.React(BEN, "👏"))
    for n in range(49):
        tally.count(SPACE, chr(0x1F600 + n))
    with pytest.raises(Rejected) as refusal:
        tally.count(SPACE, "🎉")
    assert refusal.value.code == "too_many_kinds"
    tally.count(SPACE, chr(0x1F600))
    tally.count(SPACE, "👏")
    tally.flush()
    await settled(spaces)
    assert len(now(spaces).reactions) == 50
    assert now(spaces).reactions["👏"] == now(spaces).reactions[chr(0x1F600)] == 2
    await spaces.ask(SPACE, cmd.EndSpace(HOST, 20_000))
    for space in (SPACE, SpaceId("gone")):
        with pytest.raises(Rejected) as refusal:
            tally.count(space, "👏")
        assert refusal.value.code == "ended"
