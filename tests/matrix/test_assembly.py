"""The parts of the Matrix side fit together, and nothing that is wished is left undone."""

import asyncio
from typing import get_args

import pytest

from spaces_bridge.app.sessions import Sessions
from spaces_bridge.app.tasks import Announce, OutboxTask
from spaces_bridge.core.ids import UserId
from spaces_bridge.matrix.assembly import Ground, Parts, assemble
from spaces_bridge.matrix.client.http import HomeserverApi
from spaces_bridge.matrix.client.matrix_client import MatrixClient
from spaces_bridge.matrix.client.reach import Reach
from spaces_bridge.matrix.moderation.bans import Bans
from spaces_bridge.matrix.outbox.handlers import TaskRouter
from spaces_bridge.pacing.fair_queue import FairQueue
from tests.matrix.talk_town import SETTINGS, TalkTown

pytestmark = pytest.mark.unit


def put_together(town: TalkTown) -> Parts:
    """All parts, over a homeserver that nobody ever calls."""
    now_s = asyncio.get_running_loop().time
    api = HomeserverApi(SETTINGS.homeserver, SETTINGS.as_token, Reach(), lambda _: None)

    def client_of(user: UserId) -> MatrixClient:
        return MatrixClient(api, user)

    return assemble(
        Ground(
            SETTINGS,
            town.spaces,
            Sessions(town.notebook, town.notebook, SETTINGS.domain),
            town.use_cases,
            town.doorkeeper,
            town.notebook,
            town.lists,
            client_of(SETTINGS.bot),
            client_of,
            FairQueue(SETTINGS.events_per_second, now_s),
            town.notebook.wake,
            now_s,
            lambda _: False,
        )
    )


async def test_every_kind_of_wish_is_carried_out_by_somebody() -> None:
    async with TalkTown() as town:
        assert put_together(town).doers.kinds == set(get_args(OutboxTask))
        assert not town.notebook.calls, "putting together calls nobody"


async def test_no_two_carry_out_the_same_kind() -> None:
    async with TalkTown() as town:
        parts = put_together(town)
        bans = Bans(MatrixClient(None, SETTINGS.bot), town.spaces, parts.observer)  # type: ignore[arg-type]  # never called
    with pytest.raises(ValueError, match="BanPerson has two doers"):
        TaskRouter([bans, bans])
    assert Announce not in TaskRouter([bans]).kinds
