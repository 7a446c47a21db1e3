"""What tests of moderation do and wait for, on a real Synapse."""

from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager

import pytest

from spaces_bridge.app.media_events import MediaEvents
from spaces_bridge.app.reconcile import Reconciler
from spaces_bridge.core import commands as cmd
from spaces_bridge.core.ids import SpaceId, UserId
from spaces_bridge_demo.expected import Event, Wanted
from spaces_bridge_demo.matrix_user import MatrixError, MatrixUser
from tests.matrix.support import BOT, Bridge, eventually, room_of


def id_of(person: MatrixUser) -> UserId:
    return UserId(person.id)


async def greeted(person: MatrixUser) -> str:
    """A direct room with the bot, in which it writes to the person."""
    greeting = person.next_event(said(""), "a greeting")
    room = await person.open_dm(BOT)
    await greeting
    return room


async def on_air(
    bridge: Bridge, host: MatrixUser, speaker: MatrixUser, *others: MatrixUser
) -> SpaceId:
    """A live space in which `speaker` has an open microphone."""
    space = (await bridge.live(host, "On air", [speaker, *others])).space
    await host.set_level(room_of(bridge.view(space)), speaker.id, 10)
    await bridge.until(space, lambda s: s.may_speak(id_of(speaker)), "no floor")
    await bridge.spaces.ask(space, cmd.OpenMicrophone(id_of(speaker)))
    await settled(bridge, space)
    bridge.sound.calls.clear()
    return space


async def refused(act: Awaitable[object]) -> str:
    """The error code with which the homeserver refuses."""
    with pytest.raises(MatrixError) as refusal:
        await act
    return refusal.value.errcode


async def banned(reader: MatrixUser, room: str, user: str) -> bool:
    try:
        return str((await reader.state(room, "m.room.member", user))["membership"]) == "ban"
    except MatrixError:
        return False


async def until_level(reader: MatrixUser, room: str, user: str, level: int | None) -> None:
    async def check() -> bool:
        return (await reader.levels(room)).get(user) == level

    await eventually(check, f"{user} has not level {level}")


def said(part: str) -> Wanted:
    """Messages of the bot that hold this."""

    def wanted(event: Event) -> bool:
        words = str(event.get("content", {}).get("body", ""))
        return event.get("sender") == BOT and part in words

    return wanted


@asynccontextmanager
async def reconciled(bridge: Bridge) -> AsyncIterator[None]:
    """Rooms are read as after any start."""
    reconciler = Reconciler(bridge.spaces, MediaEvents(bridge.spaces), bridge.matrix)
    reconciler.start()
    yield
    await reconciler.stop()


async def until_banned(reader: MatrixUser, room: str, user: str, *, so: bool = True) -> None:
    async def check() -> bool:
        return await banned(reader, room, user) is so

    await eventually(check, f"{user} is {'not ' if so else ''}banned")


async def settled(bridge: Bridge, space: SpaceId) -> None:
    """Nothing is left to be done but cards, and nothing follows from what was done last."""

    async def done() -> bool:
        left = [row.effect.kind for row in await bridge.outbox.pending(0, 100)]
        return not {*left} - {"card.refresh"} and not await bridge.storage.inbox.pending(0, 1)

    await eventually(done, "the outbox or the inbox did not get empty")
    await bridge.spaces.ask(space, cmd.ObserveRefusedGrant(UserId(BOT), ""))
    await eventually(done, "the outbox or the inbox did not get empty")
