"""A grant whose answer got lost, and a host who takes it away meanwhile, on a real Synapse."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from spaces_bridge.app.tasks import WriteLevel
from spaces_bridge.core import commands as cmd
from spaces_bridge.core.ids import SpaceId, UserId
from spaces_bridge_demo.matrix_user import MatrixUser
from tests.e2e.proxy import Proxy
from tests.matrix.conftest import Settle
from tests.matrix.support import Bridge, LiveSetup, room_of

pytestmark = pytest.mark.e2e

POWER = "m.room.power_levels"


def id_of(person: MatrixUser) -> UserId:
    return UserId(person.id)


async def grants_in(reader: MatrixUser, room: str, user: MatrixUser) -> list[str]:
    """Who wrote levels that raised the user to a speaker, oldest first."""
    raised, before = [], None
    for event in await reader.timeline(room):
        if event["type"] == POWER:
            level = event["content"].get("users", {}).get(user.id)
            if level == 10 != before:
                raised.append(str(event["sender"]))
            before = level
    return raised


async def accept(bridge: Bridge, space: SpaceId, host: MatrixUser, user: MatrixUser) -> None:
    await bridge.spaces.ask(space, cmd.RequestToSpeak(id_of(user), 1))
    await bridge.spaces.ask(space, cmd.ApproveSpeaker(id_of(host), id_of(user)))


class ProxiedSetup:
    """A homeserver that a test kills, people in it, and a proxy before it."""

    def __init__(self, setup: LiveSetup, proxy: Proxy, people: Sequence[MatrixUser]) -> None:
        self.setup = setup
        self.proxy = proxy
        self.ada, self.ben, self.eve = people
        self.room = ""
        self.host_has_acted = asyncio.Event()
        self.may_answer = asyncio.Event()

    def bridge(self, version: str) -> Bridge:
        settings = self.setup.settings(room_version=version, homeserver=self.proxy.url)
        return Bridge(settings, self.setup.directory / "db")

    async def power_cut(self) -> None:
        """The homeserver dies; back again, the host is faster than the bridge."""
        await self.setup.homeserver.kill9()
        await self.setup.homeserver.start()
        assert (await self.ada.levels(self.room))[self.ben.id] == 10
        await self.ada.set_level(self.room, self.ben.id, None)
        await self.ada.set_level(self.room, self.eve.id, 60)
        self.host_has_acted.set()
        await self.may_answer.wait()

    def cut_the_next_grant(self) -> None:
        def grant(method: str, path: str) -> bool:
            return method == "PUT" and f"/state/{POWER}" in path

        self.proxy.cut(grant, self.power_cut)


@pytest.fixture
async def own_setup(tmp_path: Path) -> AsyncIterator[ProxiedSetup]:
    setup = LiveSetup(tmp_path)
    async with setup.homeserver, Proxy() as proxy, AsyncExitStack() as stack:
        proxy.target = setup.homeserver.url
        people = []
        for name in ("ada", "ben", "eve"):
            account = await setup.homeserver.register(name)
            person = MatrixUser(setup.homeserver.url, account)
            people.append(await stack.enter_async_context(person))
        yield ProxiedSetup(setup, proxy, people)


@pytest.mark.slow
@pytest.mark.parametrize("version", ["11", "12"])
async def test_a_grant_that_was_not_answered_does_not_come_back_over_a_demotion(
    own_setup: ProxiedSetup, version: str
) -> None:
    ada, ben, eve = own_setup.ada, own_setup.ben, own_setup.eve
    async with own_setup.bridge(version) as bridge:
        space = await bridge.live(ada, "Power cut", [ben, eve])
        own_setup.room = room_of(space)
        await bridge.drained()
        own_setup.cut_the_next_grant()
        own_setup.may_answer.set()
        await accept(bridge, space.space, ada, ben)
        await bridge.until(space.space, lambda s: not s.requests and not s.closing, "waits still")
        await bridge.drained()
        assert own_setup.proxy.cuts == 1
        assert not bridge.view(space.space).may_speak(id_of(ben))
        levels = await ada.levels(own_setup.room)
        assert (levels.get(ben.id), levels[eve.id]) == (None, 60)
        assert len(await grants_in(ada, own_setup.room, ben)) == 1

        await accept(bridge, space.space, ada, ben)
        await bridge.until(space.space, lambda s: s.may_speak(id_of(ben)), "no floor at last")
        assert len(await grants_in(ada, own_setup.room, ben)) == 2


@pytest.mark.slow
async def test_a_bridge_that_died_with_the_homeserver_does_not_grant_again(
    own_setup: ProxiedSetup,
) -> None:
    ada, ben, eve = own_setup.ada, own_setup.ben, own_setup.eve
    async with own_setup.bridge("12") as bridge:
        space = await bridge.live(ada, "Both gone", [ben, eve])
        own_setup.room = room_of(space)
        await bridge.drained()
        own_setup.cut_the_next_grant()
        await accept(bridge, space.space, ada, ben)
        async with asyncio.timeout(180):
            await own_setup.host_has_acted.wait()
    own_setup.may_answer.set()
    async with own_setup.bridge("12") as bridge:
        # What the reconciler enqueues again after a start, before the old task is done.
        await bridge.spaces.enqueue_task(WriteLevel(space.space, id_of(ben), 10), "again")
        await bridge.until(space.space, lambda s: not s.requests and not s.closing, "waits still")
        await bridge.drained()
        assert ben.id not in await ada.levels(own_setup.room)
        assert len(await grants_in(ada, own_setup.room, ben)) == 1


async def test_nobody_who_was_not_accepted_is_given_a_level(
    bridge: Bridge, settle: Settle
) -> None:
    ada, ben = await settle("ada"), await settle("ben")
    space = await bridge.live(ada, "Too late", [ben])
    await bridge.spaces.ask(space.space, cmd.RequestToSpeak(id_of(ben), 1))
    await bridge.spaces.enqueue_task(WriteLevel(space.space, id_of(ben), 10), "stale")
    await bridge.drained()
    assert await grants_in(ada, room_of(space), ben) == []
    assert not bridge.view(space.space).may_speak(id_of(ben))
