"""A speaker's connection is lost: what others see, and how the speaker comes back.

Real media worker, real WebRTC client (aiortc) in a process that is killed: nothing says goodbye.
"""

import asyncio
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from spaces_bridge.core import commands as cmd
from spaces_bridge.core.ids import SpaceId, UserId
from spaces_bridge.core.live_space import LiveSpace
from spaces_bridge.media.worker.edge.edge import SILENCE_S
from tests.web.test_sound_in_browser import with_sound
from tests.web.world import ALICE, HOST, Feed, WebWorld, guest_of, until, until_role

pytestmark = pytest.mark.peers

ROOT = Path(__file__).parents[2]
GIVEN_UP_S = SILENCE_S + 60
"""The worker gives a silent connection up after `SILENCE_S`; this machine may be busy."""


@asynccontextmanager
async def humming(
    world: WebWorld, space: LiveSpace, secret: str
) -> AsyncIterator[asyncio.subprocess.Process]:
    """A speaker who is connected; killed at the end, if not before."""
    speaker = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.support.speaker_process"),
        *(world.page(space, "/whip"), secret),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        assert speaker.stdout is not None
        async with asyncio.timeout(120):
            assert await speaker.stdout.readline() == b"connected\n"
        yield speaker
    finally:
        await kill(speaker)


async def kill(speaker: asyncio.subprocess.Process) -> None:
    with suppress(ProcessLookupError):
        speaker.kill()
    await speaker.wait()


async def heard(feed: Feed, user: UserId) -> None:
    """Until the page's ring moves for this person."""
    while True:
        levels = (await feed.next("speaking"))["levels"]
        assert isinstance(levels, dict)
        if levels.get(user, 0) > 0:
            return


async def on_stage(feed: Feed, user: UserId, *, on_air: bool) -> dict[str, object]:
    """Until everybody is shown this person with the microphone open or shut."""
    while True:
        stage = (await feed.next("roster"))["stage"]
        assert isinstance(stage, list)
        for person in stage:
            if person["id"] == user and person["on_air"] is on_air:
                assert isinstance(person, dict)
                return person


async def silent(feed: Feed, user: UserId) -> None:
    """Until the page's ring stands still for this person."""
    while True:
        levels = (await feed.next("speaking"))["levels"]
        assert isinstance(levels, dict)
        if levels.get(user) == 0:
            return


async def happened(world: WebWorld, space: SpaceId, kind: str) -> int:
    """How often this is in the journal."""
    return [row.kind for row in await world.storage.journal.replay(space)].count(kind)


async def test_who_comes_back_at_once_goes_on_without_asking(tmp_path: Path) -> None:
    async with with_sound(tmp_path) as (world, stage):
        space = await world.create()
        await world.seat(space.space, ALICE, "Alice")
        secret = await world.link(space.space, ALICE)
        async with world.feed(space) as page:
            await page.next("hello")
            async with humming(world, space, secret):
                await on_stage(page, ALICE, on_air=True)
                await heard(page, ALICE)
            assert world.view(space.space).on_air == {ALICE}
            async with humming(world, space, secret):
                await heard(page, ALICE)
                assert world.view(space.space).on_air == {ALICE}
                assert stage.has_microphone(space.space, ALICE)
                assert not await happened(world, space.space, "hand.raised")


async def test_a_connection_that_is_cut_for_a_moment_is_the_same_one_afterwards(
    tmp_path: Path,
) -> None:
    async with with_sound(tmp_path) as (world, _):
        space = await world.create()
        await world.seat(space.space, ALICE, "Alice")
        secret = await world.link(space.space, ALICE)
        async with world.feed(space) as page, humming(world, space, secret) as speaker:
            await heard(page, ALICE)
            speaker.send_signal(signal.SIGSTOP)
            await silent(page, ALICE)
            speaker.send_signal(signal.SIGCONT)
            await heard(page, ALICE)
            assert world.view(space.space).on_air == {ALICE}
        assert await happened(world, space.space, "microphone.opened") == 1
        assert not await happened(world, space.space, "microphone.closed")


async def test_who_stays_away_is_off_air_and_keeps_the_seat(tmp_path: Path) -> None:
    async with with_sound(tmp_path) as (world, stage):
        space = await world.create()
        await world.seat(space.space, ALICE, "Alice")
        secret = await world.link(space.space, ALICE)
        async with world.feed(space) as page, world.feed(space, token=secret) as own:
            await page.next("hello")
            async with humming(world, space, secret):
                await on_stage(page, ALICE, on_air=True)
            await until(lambda: not world.view(space.space).on_air, within_s=GIVEN_UP_S)
            seat = await on_stage(page, ALICE, on_air=False)
            assert (seat["role"], seat["muted"]) == ("speaker", False)
            role = await until_role(own, on_air=False)
            assert role["may_speak"] is True
            assert not stage.has_microphone(space.space, ALICE)

            async with humming(world, space, secret):
                await on_stage(page, ALICE, on_air=True)
                await heard(page, ALICE)
                assert not await happened(world, space.space, "hand.raised")


async def test_a_guest_who_stays_away_loses_seat_and_microphone(tmp_path: Path) -> None:
    async with with_sound(tmp_path, seat_kept_s=1.0) as (world, stage):
        space = await world.create()
        async with world.feed(space, name="Maria") as own:
            ghost, secret = await guest_of(own)
            await own.send(type="hand", raised=True)
            await until(lambda: bool(world.view(space.space).hands))
            await world.spaces.ask(space.space, cmd.ApproveSpeaker(HOST, ghost))
            await world.seat(space.space, ghost, "Maria (guest)")
            await until_role(own, may_speak=True)
            async with humming(world, space, secret):
                await until(lambda: world.view(space.space).on_air == {ghost})
                await own.socket.close()
                # the microphone is still connected: without a page it holds no seat
                await until(lambda: ghost in world.view(space.space).closing)
                assert not world.view(space.space).on_air
                assert not stage.has_microphone(space.space, ghost)
