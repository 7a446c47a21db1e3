"""The parts of the Matrix side fit together, and no outbox task is left undone."""

import asyncio
from typing import get_args

import pytest

from spaces_bridge.app.sessions import Sessions
from spaces_bridge.app.tasks import Announce, OutboxTask
from spaces_bridge.core.ids import UserId
from spaces_bridge.matrix.assembly import MatrixContext, Parts, assemble
from spaces_bridge.matrix.client.http import HomeserverApi
from spaces_bridge.matrix.client.matrix_client import MatrixClient
from spaces_bridge.matrix.client.reach import Reach
from spaces_bridge.matrix.moderation.bans import Bans
from spaces_bridge.matrix.outbox.handlers import TaskRouter
from spaces_bridge.matrix.plain_calls.silent import NoPlainCalls
from spaces_bridge.pacing.fair_queue import FairQueue
from tests.matrix.command_setup import SETTINGS, CommandSetup

pytestmark = pytest.mark.unit


def put_together(setup: CommandSetup) -> Parts:
    """All parts, over a homeserver that nobody ever calls."""
    now_s = asyncio.get_running_loop().time
    api = HomeserverApi(SETTINGS.homeserver, SETTINGS.as_token, Reach(), lambda _: None)

    def client_of(user: UserId) -> MatrixClient:
        return MatrixClient(api, user)

    return assemble(
        MatrixContext(
            SETTINGS,
            setup.spaces,
            Sessions(setup.notebook, setup.notebook, SETTINGS.domain),
            setup.use_cases,
            setup.ban_lists,
            setup.notebook,
            setup.lists,
            client_of(SETTINGS.bot),
            client_of,
            FairQueue(SETTINGS.events_per_second, now_s),
            setup.notebook.wake,
            now_s,
            lambda _: False,
            lambda _room, _share: 0.0,
            NoPlainCalls(),
        )
    )


async def test_every_kind_of_task_has_a_handler() -> None:
    async with CommandSetup() as setup:
        assert put_together(setup).handlers.kinds == set(get_args(OutboxTask))
        assert not setup.notebook.calls, "putting together calls nobody"


async def test_no_two_carry_out_the_same_kind() -> None:
    async with CommandSetup() as setup:
        parts = put_together(setup)
        bans = Bans(MatrixClient(None, SETTINGS.bot), setup.spaces, parts.observer)  # type: ignore[arg-type]  # never called
    with pytest.raises(ValueError, match="BanPerson has two handlers"):
        TaskRouter([bans, bans])
    assert Announce not in TaskRouter([bans]).kinds
