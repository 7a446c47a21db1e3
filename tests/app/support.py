"""What tests of the app do with a live space."""

import asyncio

from spaces_bridge.app.registry import Spaces
from spaces_bridge.core import commands as cmd
from spaces_bridge.core.ids import UserId
from spaces_bridge.core.live_space import LiveSpace
from tests.support.spaces import BEN, CREATE, HOST

SPACE = CREATE.space


async def settled(door: Spaces) -> None:
    """Everything told so far is done."""
    reached = asyncio.Event()
    door.then(SPACE, reached.set)
    async with asyncio.timeout(60):
        await reached.wait()


def now(door: Spaces) -> LiveSpace:
    """The live space as it is."""
    view = door.view(SPACE)
    assert view is not None
    return view


async def enter(door: Spaces, *users: UserId) -> None:
    """They join the room."""
    for user in users:
        await door.ask(SPACE, cmd.ObserveMember(user, joined=True, name=user[1:4].title()))


async def seat(door: Spaces, user: UserId = BEN) -> None:
    """They have the floor."""
    await door.ask(SPACE, cmd.RequestToSpeak(user, 1))
    await door.ask(SPACE, cmd.ApproveSpeaker(HOST, user))
    await door.ask(SPACE, cmd.ObserveLevels({HOST: 90, user: 10}))


async def cohost(door: Spaces, user: UserId = BEN) -> None:
    """They are a co-host."""
    await door.ask(SPACE, cmd.AppointCohost(HOST, user))
    await door.ask(SPACE, cmd.ObserveLevels({HOST: 90, user: 60}))
