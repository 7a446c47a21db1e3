"""A crowd that comes to the stage and leaves it again, hands up and down: what it costs a room."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, suppress
from pathlib import Path

import pytest

from spaces_bridge_demo.deployment import CAPTION, Deployment, LiveRoom
from spaces_bridge_demo.feed import PageGuest
from spaces_bridge_demo.matrix_user import MatrixError, MatrixUser
from tests.support.world import World

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

MEMBERS, GUESTS = 10, 20
SECONDS = 70.0
BUDGET = 20


@pytest.fixture
async def quiet(models: Path) -> AsyncIterator[World]:
    """A deployment of its own: what others would do there counts."""
    async with Deployment(models=models) as deployment, World(deployment) as world:
        yield world


async def test_a_restless_crowd_stays_within_the_budget(quiet: World) -> None:
    host = await quiet.person("ada")
    space = await quiet.live_space(host, "Open stage")
    await host.tell_bot("policy everyone")
    async with AsyncExitStack() as everybody:
        members, guests = [], []
        for number in range(MEMBERS):
            account = await quiet.deployment.homeserver.register(f"fan{number}")
            member = MatrixUser(quiet.deployment.homeserver.url, account)
            await member.start(follow=False)
            everybody.push_async_callback(member.stop)
            await member.join(space.alias)
            members.append(member)
        for number in range(GUESTS):
            guest = PageGuest(space.page, f"Guest {number}", f"198.51.100.{number + 1}")
            guests.append(await everybody.enter_async_context(guest))
        began_ms = time.time_ns() // 1_000_000
        ends_at = time.monotonic() + SECONDS
        await asyncio.gather(
            *(flap_card(member, space, ends_at) for member in members),
            *(flap_page(guest, ends_at) for guest in guests),
        )
    sent = [
        event
        for event in await host.timeline(space.room)
        if event["origin_server_ts"] >= began_ms
        and event["sender"].startswith(("@spacesbot", "@spaces_"))
        and event["type"] != "m.room.redaction"
        and CAPTION not in event["content"]
    ]
    times = [int(event["origin_server_ts"]) for event in sent]
    busiest = max(sum(t <= u < t + 60_000 for u in times) for t in times)
    assert busiest <= BUDGET, Counter(event["type"] for event in sent)


async def flap_card(member: MatrixUser, space: LiveRoom, ends_at: float) -> None:
    while time.monotonic() < ends_at:
        hand = await member.react(space.room, space.card, "✋")
        await asyncio.sleep(1.5)
        with suppress(MatrixError):
            await member.redact(space.room, hand)
            await member.send_text(space.room, "!space leave-stage")
        await asyncio.sleep(1.5)


async def flap_page(guest: PageGuest, ends_at: float) -> None:
    """Ask, wait a little for the floor, and leave it as soon as it is there."""
    while time.monotonic() < ends_at:
        floor = guest.next_frame("role", lambda frame: bool(frame["may_speak"]), timeout=5.0)
        await guest.send({"type": "hand", "raised": True})
        with suppress(AssertionError, TimeoutError):
            await floor
        await guest.send({"type": "hand", "raised": False})
        await guest.send({"type": "leave-stage"})
        await asyncio.sleep(0.5)
