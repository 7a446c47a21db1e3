"""A person whose sound comes from a room at an SFU, and who is in a call of ours, too."""

import asyncio
import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from spaces_bridge.core.ids import UserId
from spaces_bridge.media.pcm_link import PcmFrame, PcmLink, link_paths
from spaces_bridge.media.stage import WorkerStage
from tests.support.call_client import CallClient
from tests.support.sound import frames_of, tone
from tests.support.stage import HOST, SPACE, falls_silent, hears, listening, options, running

pytestmark = pytest.mark.peers


@asynccontextmanager
async def said_in_a_room(folder: Path, user: UserId) -> AsyncIterator[None]:
    """An SFU client beside the stage's worker that takes a tone of this user's."""
    worker, own = link_paths(folder)
    link = PcmLink(own, worker, lambda _frame: None)
    link.open()

    async def say() -> None:
        for frame in itertools.cycle(frames_of(tone(440, 1))):
            link.send([PcmFrame(SPACE, user, frame.tobytes())])
            await asyncio.sleep(0.02)

    saying = asyncio.create_task(say())
    try:
        yield
    finally:
        saying.cancel()
        link.close()


async def test_a_microphone_that_is_only_published_in_a_call_takes_no_rooms_place(
    tmp_path: Path,
) -> None:
    stage = WorkerStage(options(tmp_path))
    async with running(stage), said_in_a_room(tmp_path, HOST):
        stage.open_space(SPACE, 0)
        stage.set_gates(SPACE, [HOST])
        stage.room_sounds.use(SPACE, HOST)
        early, late = CallClient(stage, HOST), CallClient(stage, HOST)
        async with listening(stage) as ear:
            await hears(ear)
            late.wire.publish()
            answer = await late.join()  # by its connection
            await early.join()
            early.wire.publish()
            await early.negotiate()  # by a negotiation
            await hears(ear)
            assert stage.room_sounds.has(SPACE, HOST)
            stage.calls.use_microphone(answer.session)
            await falls_silent(ear)
        early.close()
        late.close()
