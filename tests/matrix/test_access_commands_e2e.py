"""Access by command, on a real Synapse: what is decided, not yet what the room holds."""

import pytest

from spaces_bridge.core.access import GuestPolicy
from spaces_bridge.core.ids import UserId
from spaces_bridge.core.roles import Role
from tests.matrix.conftest import Settle
from tests.matrix.support import BOT, Bridge, room_of
from tests.matrix.talking import is_refused, meet, say, tells

pytestmark = pytest.mark.e2e

NOT_YOURS = "Only the host and co-hosts"


async def test_locked_silent_and_without_guests(bridge: Bridge, settle: Settle) -> None:
    ada, ben = await settle("ada"), await settle("ben")
    dm, bens = await meet(ada), await meet(ben)
    space = (await bridge.live(ada, "Door", [ben])).space
    refused = ["chat off", "guests off", "lock", "unlock"]
    await is_refused(ben, bens, *[(text, NOT_YOURS) for text in refused])
    await is_refused(
        ada,
        dm,
        ("chat maybe", "`on` or `off`"),
        ("guests maybe", "`listen`"),
        ("unlock", "not locked"),
        ("lock up", "stands alone"),
    )
    await tells(
        ada,
        dm,
        ("lock", "Locked"),
        ("chat off", "on the stage"),
        ("guests listen", "only listen"),
    )
    view = bridge.view(space)
    assert (view.locked, view.chat, view.guests) == (True, False, GuestPolicy.LISTEN)
    await is_refused(ben, bens, ("speak", "locked"))
    await is_refused(ada, dm, ("lock", "locked already"))
    await tells(
        ada, dm, ("unlock", "Open"), ("chat on", "Everybody"), ("guests speak", "ask to speak")
    )
    view = bridge.view(space)
    assert (view.locked, view.chat, view.guests) == (False, True, GuestPolicy.SPEAK)


async def test_removed_blocked_and_let_in_again(bridge: Bridge, settle: Settle) -> None:
    ada, ben, eve = await settle("ada"), await settle("ben"), await settle("eve")
    dm, bens = await meet(ada), await meet(ben)
    live = await bridge.live(ada, "Peace", [ben, eve])
    space, name = live.space, live.person(UserId(eve.id)).name
    await is_refused(ben, bens, (f"remove {name}", NOT_YOURS))
    assert NOT_YOURS in await say(ben, room_of(live), f"!space block {name}")
    assert NOT_YOURS in await say(ben, room_of(live), "!space block evil.example")
    assert NOT_YOURS in await say(ben, room_of(live), "!space unblock evil.example")
    await is_refused(ada, dm, ("remove zoe", "Nobody called"), ("unblock zoe", "Nobody called"))
    await tells(ada, dm, (f"remove {name} she shouts", "is out until this ends"))
    assert bridge.view(space).removed[UserId(eve.id)].reason == "she shouts"
    await is_refused(ada, dm, (f"remove {eve.id}", "removed already"))
    await tells(ada, dm, (f"block {eve.id} again", "is blocked"))
    assert bridge.view(space).removed[UserId(eve.id)].blocked
    assert [b.target for b in await bridge.storage.blocks.all()] == [eve.id]
    await tells(ada, dm, (f"unblock {eve.id}", "may come in again"))
    assert bridge.view(space).removed == {}
    await bridge.drained()
    assert await bridge.storage.blocks.all() == []
    await tells(ada, dm, ("block evil.example", "@*:evil.example"))
    await is_refused(ada, dm, ("block @*:localhost", "too"), ("block *:*", "That is everybody"))
    await tells(ada, dm, ("unblock evil.example", "may come in again"))
    await is_refused(ada, dm, ("unblock evil.example", "neither blocked nor removed"))


async def test_a_cohost_blocks_for_the_host(bridge: Bridge, settle: Settle) -> None:
    ada, ben, eve = await settle("ada"), await settle("ben"), await settle("eve")
    bens = await meet(ben)
    space = await bridge.live(ada, "Helping", [ben, eve])
    await ada.set_level(room_of(space), ben.id, 60)
    cohost = lambda s: s.role(UserId(ben.id)) is Role.COHOST  # noqa: E731 - said once
    await bridge.until(space.space, cohost, "no co-host")
    await is_refused(ben, bens, (f"remove {ada.id}", "own rank"), (f"block {ada.id}", "own rank"))
    await tells(ben, bens, (f"block {eve.id} spam", "of this host"))
    ((host, by),) = [(b.host, b.by) for b in await bridge.storage.blocks.all()]
    assert (host, by) == (ada.id, ben.id)


async def test_a_block_list_without_a_live_space(bridge: Bridge, settle: Settle) -> None:
    ada, eve = await settle("ada"), await settle("eve")
    dm = await meet(ada)
    await tells(ada, dm, (f"block {eve.id} rude", "now or later"))
    space = await bridge.live(ada, "Later", [])
    await eve.join(room_of(space))
    shown_out = lambda s: UserId(eve.id) in s.removed  # noqa: E731 - said once
    await bridge.until(space.space, shown_out, "the blocked person stays")
    await tells(ada, dm, ("end", "has ended"), (f"unblock {eve.id}", "may come in again"))


async def test_a_report_reaches_the_store_and_is_thanked_for_in_private(
    bridge: Bridge, settle: Settle
) -> None:
    ada, ben, eve = await settle("ada"), await settle("ben"), await settle("eve")
    bens = await meet(ben)
    space = await bridge.live(ada, "Trouble", [ben, eve])
    name = space.person(UserId(eve.id)).name
    thanked = ben.next_message(bens, "moderators of this server", BOT)
    assert await say(ben, room_of(space), f"!space report {name} threatens people") == "✅"
    await thanked
    (report,) = await bridge.storage.reports.listing(5)
    assert (report.reporter, report.reported) == (ben.id, eve.id)
    assert report.reason == "threatens people"
    assert "listener" in report.context
    await is_refused(
        ben, bens, (f"report {eve.id}", "what is wrong"), (f"report {ben.id} me", "yourself")
    )
    await tells(ben, bens, (f"report {ada.id} looks away", "Thank you"))
