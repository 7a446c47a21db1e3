"""What tests of the app do with a live space."""

import asyncio

from spaces_bridge.app.registry import Spaces
from spaces_bridge.core import commands as cmd
from spaces_bridge.core.ids import UserId
from spaces_bridge.core.live_space import LiveSpace
from tests.support.spaces import BEN, CREATE, HOST

SPACE = CREATE.space


async def settled(spaces: Spaces) -> None:
    """Everything told so far is done."""
    reached = asyncio.Event()
    spaces.then(SPACE, reached.set)
    async with asyncio.timeout(60):
        await reached.wait()


def now(spaces: Spaces) -> LiveSpace:
    """The live space as it is."""
    view = spaces.view(SPACE)
    assert view is not None
    return view


async def enter(spaces: Spaces, *users: UserId) -> None:
    """They join the room."""
    for user in users:
        await spaces.ask(SPACE, cmd.ObserveMember(user, joined=True, name=user[1:4].title()))


async def seat(spaces: Spaces, user: UserId = BEN) -> None:
    """They have the floor."""
    await spaces.ask(SPACE, cmd.RequestToSpeak(user, 1))
    await spaces.ask(SPACE, cmd.ApproveSpeaker(HOST, user))
    await spaces.ask(SPACE, cmd.ObserveLevels({HOST: 90, user: 10}))


async def cohost(spaces: Spaces, user: UserId = BEN) -> None:
    """They are a co-host."""
    await spaces.ask(SPACE, cmd.AppointCohost(HOST, user))
    await spaces.ask(SPACE, cmd.ObserveLevels({HOST: 90, user: 60}))
