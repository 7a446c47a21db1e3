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
    door = Spaces(recorder.world())
    await door.create(CREATE, source="$create")
    await door.ask(SPACE, cmd.AttachRoom(ROOM))
    await door.ask(SPACE, cmd.ObserveRoom({HOST: 90}, {HOST: "Ada", BEN: "Ben"}))
    await door.ask(SPACE, cmd.StartSpace(HOST, 10_000))
    yield door
    await door.stop()
