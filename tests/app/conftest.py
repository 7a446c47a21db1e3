"""A live space with its actor, and one recorder for all ports."""

from collections.abc import AsyncIterator

import pytest

from spaces_bridge.app.registry import Spaces
from spaces_bridge.core import commands as cmd
from tests.app.support import SPACE
from tests.support.recorder import Recorder
from tests.support.spaces import BEN, CREATE, HOST, ROOM


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


@pytest.fixture
async def spaces(recorder: Recorder) -> AsyncIterator[Spaces]:
    """Live, with the host and Ben in the room."""
    spaces = Spaces(recorder.context())
    await spaces.create(CREATE, source="$create")
    await spaces.ask(SPACE, cmd.AttachRoom(ROOM))
    await spaces.ask(SPACE, cmd.ObserveRoom({HOST: 90}, {HOST: "Ada", BEN: "Ben"}))
    await spaces.ask(SPACE, cmd.StartSpace(HOST, 10_000))
    yield spaces
    await spaces.stop()
