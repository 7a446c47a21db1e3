"""The floor and the stage by command, on a real Synapse."""

import pytest

from spaces_bridge.core.floor import QueueOrder
from spaces_bridge.core.ids import SpaceId, UserId
from spaces_bridge.core.roles import Role
from spaces_bridge_demo.matrix_user import MatrixUser
from tests.matrix.conftest import Settle
from tests.matrix.support import BOT, Bridge, room_of
from tests.matrix.talking import is_refused, meet, say, tells

pytestmark = pytest.mark.e2e


async def three(settle: Settle) -> tuple[MatrixUser, MatrixUser, MatrixUser]:
    return await settle("ada"), await settle("ben"), await settle("cleo")


def named(bridge: Bridge, space: SpaceId, person: MatrixUser) -> str:
    """What the person is called in the room."""
    return bridge.view(space).person(UserId(person.id)).name


async def test_the_hand_queue(bridge: Bridge, settle: Settle) -> None:
    ada, ben, cleo = await three(settle)
    dm, bens, cleos = await meet(ada), await meet(ben), await meet(cleo)
    space = (await bridge.live(ada, "Hands", [ben, cleo])).space
    await is_refused(ada, dm, ("next", "No hand"), ("approve 1", "No hand"))
    await tells(ben, bens, ("speak", "number 1"))
    await tells(cleo, cleos, ("speak", "number 2"), ("queue", "You are number 2"))
    await is_refused(
        cleo,
        cleos,
        ("speak", "up already"),
        ("approve 2", "Only the host and co-hosts"),
        ("deny 1", "Only the host and co-hosts"),
        ("next", "Only the host and co-hosts"),
        ("clear-queue", "Only the host and co-hosts"),
        ("queue airtime", "Only the host and co-hosts"),
    )
    await tells(ben, bens, ("cancel", "is down"))
    await is_refused(ben, bens, ("cancel", "not up"))
    await tells(ben, bens, ("speak", "number 2"))
    await tells(
        ada,
        dm,
        ("queue", f"1. {named(bridge, space, cleo)}"),
        ("queue airtime", "spoke least"),
        ("deny 1", "stays a listener"),
        ("next", f"floor goes to {named(bridge, space, ben)}"),
    )
    assert bridge.view(space).queue_order is QueueOrder.AIRTIME
    await bridge.until(space, lambda s: s.may_speak(UserId(ben.id)), "no floor")
    await tells(cleo, cleos, ("speak", "number 1"))
    await tells(ada, dm, ("clear-queue", "All hands are down"))
    assert bridge.view(space).requests == {}


async def test_to_speak_by_invitation_and_to_leave_the_stage(
    bridge: Bridge, settle: Settle
) -> None:
    ada, ben, cleo = await three(settle)
    dm, bens = await meet(ada), await meet(ben)
    space = (await bridge.live(ada, "Please", [ben, cleo])).space
    await is_refused(
        ben,
        bens,
        ("accept", "Nobody has invited you"),
        ("decline", "Nobody has invited you"),
        ("leave-stage", "not on the stage"),
        (f"bring {cleo.id}", "Only the host and co-hosts"),
    )
    await is_refused(ada, dm, ("bring zoe", "Nobody called"), ("bring", "bring USER"))
    await tells(ada, dm, ("bring ben", "whether they want to speak"))
    await tells(ben, bens, ("decline", "stay a listener"))
    await tells(ada, dm, (f"bring https://matrix.to/#/{ben.id}", "whether they want"))
    await tells(ben, bens, ("accept", "yours in a moment"))
    await bridge.until(space, lambda s: s.may_speak(UserId(ben.id)), "no floor")
    await tells(ben, bens, ("leave-stage", "listener again"))
    gone = lambda s: s.person(UserId(ben.id)).level is None  # noqa: E731 - said once
    await bridge.until(space, gone, "the level stays")


async def test_muted_and_demoted(bridge: Bridge, settle: Settle) -> None:
    ada, ben, cleo = await three(settle)
    dm, bens = await meet(ada), await meet(ben)
    space = await bridge.live(ada, "Quiet", [ben, cleo])
    await ada.set_level(room_of(space), ben.id, 10)
    await bridge.until(space.space, lambda s: s.may_speak(UserId(ben.id)), "no floor")
    await is_refused(
        ben,
        bens,
        ("mute all", "Only the host and co-hosts"),
        ("mute ada", "Only the host and co-hosts"),
        ("demote ada", "Only the host and co-hosts"),
    )
    await is_refused(
        ada,
        dm,
        ("mute cleo", "has the floor"),
        ("unmute ben", "is muted"),
        ("demote cleo", "floor"),
    )
    await tells(ada, dm, ("mute all", "All speakers"))
    assert bridge.view(space.space).muted == {ben.id}
    await is_refused(ada, dm, ("mute ben", "muted already"), ("mute all", "nobody left"))
    await is_refused(ben, bens, ("unmute ben", "Only the host and co-hosts"))
    await tells(ada, dm, ("unmute ben", "may switch"), (f"mute {ben.id}", "is muted"))
    await tells(ada, dm, ("unmute", "may switch"), ("demote ben", "listener again"))
    gone = lambda s: s.person(UserId(ben.id)).level is None  # noqa: E731 - said once
    await bridge.until(space.space, gone, "the level stays")


async def test_cohosts_and_the_next_host(bridge: Bridge, settle: Settle) -> None:
    ada, ben, cleo = await three(settle)
    dm, bens = await meet(ada), await meet(ben)
    live = await bridge.live(ada, "Together", [ben, cleo])
    space, room = live.space, room_of(live)
    await is_refused(ben, bens, ("cohost cleo", "Only the host"), ("host ben", "Only the host"))
    await is_refused(ada, dm, ("uncohost", "Say who"), ("cohost @no:where.net", "not in the room"))
    await tells(ada, dm, ("cohost ben", "becomes a co-host"))
    assert bridge.view(space).appointments == {ben.id: Role.COHOST}
    await ada.set_level(room, ben.id, 60)
    await bridge.until(space, lambda s: s.role(UserId(ben.id)) is Role.COHOST, "no co-host")
    await is_refused(
        ben,
        bens,
        ("uncohost ben", "Only the host"),
        ("demote ada", "own rank or above"),
        ("mute ada", "own rank or above"),
        ("end", "Only the host"),
    )
    await tells(ada, dm, ("uncohost", "no co-host any more"))
    assert bridge.view(space).appointments == {ben.id: Role.SPEAKER}
    assert "becomes the host" in await say(ada, dm, f"host {cleo.id}")
    assert bridge.view(space).level_wanted(UserId(cleo.id)) == 90


async def test_a_hand_raised_too_early_is_taken_down_with_the_reason(
    bridge: Bridge, settle: Settle
) -> None:
    ada, ben, _ = await three(settle)
    bens = await meet(ben)
    space = await bridge.create(ada, "Later")
    card = await bridge.card(space.space)
    await ben.join(room_of(space))
    told = ben.next_message(bens, "❌ “Later”: This live space has not started yet.", BOT)
    gone = ben.next_in(room_of(space), "m.room.redaction", lambda e: e["sender"] == BOT)
    await ben.react(room_of(space), card, "✋")
    await told
    await gone
