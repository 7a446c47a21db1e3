"""Blocking and unblocking: the order of effects, and what a failure leaves behind."""

from collections.abc import AsyncIterator

import pytest

from spaces_bridge.app.errors import StorageError
from spaces_bridge.app.records import Block
from spaces_bridge.app.usecases.blocking import Blocked, Blocking
from spaces_bridge.core import commands as cmd
from spaces_bridge.core.errors import Rejected
from tests.matrix.command_setup import CommandSetup
from tests.support.spaces import BEN, EVE, GUEST, HOST

pytestmark = pytest.mark.unit

WIDER = "@*:elsewhere.net"


@pytest.fixture
async def setup() -> AsyncIterator[CommandSetup]:
    async with CommandSetup() as setup:
        await setup.open()
        yield setup


@pytest.fixture
def blocking(setup: CommandSetup) -> Blocking:
    return setup.use_cases.blocking


async def test_a_block_that_fails_half_way_has_removed_and_is_completed_by_the_next(
    setup: CommandSetup, blocking: Blocking, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(block: Block) -> None:
        raise StorageError("away")

    with monkeypatch.context() as broken:
        broken.setattr(setup.lists, "put", away)
        with pytest.raises(StorageError):
            await blocking.block(setup.view, HOST, EVE, "spam")
    assert setup.view.removed[EVE].blocked
    assert not setup.lists.blocks
    assert await blocking.block(setup.view, HOST, EVE, "spam") is Blocked.ACCOUNT
    assert setup.lists.blocks[HOST, EVE].reason == "spam"


async def test_the_same_heard_again_is_done_and_not_refused(
    setup: CommandSetup, blocking: Blocking
) -> None:
    for _ in range(2):
        await blocking.block(setup.view, HOST, EVE, "spam", "$block")
    for _ in range(2):
        await blocking.unblock(setup.view, HOST, EVE, "$unblock")
    assert EVE not in setup.view.removed
    assert not setup.lists.blocks
    with pytest.raises(Rejected, match="neither blocked nor removed"):
        await blocking.unblock(setup.view, HOST, EVE, "$later")
    await blocking.block_for_later(HOST, WIDER)
    for _ in range(2):
        await blocking.unblock_for_later(HOST, WIDER, "$list")
    with pytest.raises(Rejected, match="neither blocked nor removed"):
        await blocking.unblock_for_later(HOST, WIDER, "$later")


async def test_an_unblock_beneath_a_wider_entry_changes_nothing_whatever_was_removed(
    setup: CommandSetup, blocking: Blocking
) -> None:
    await blocking.block_pattern(setup.view, HOST, WIDER)
    await setup.settled()
    removed = setup.view.removed
    assert removed.keys() == {EVE}
    with pytest.raises(Rejected) as refusal:
        await blocking.unblock(setup.view, HOST, EVE, "$unblock")
    assert (refusal.value.code, refusal.value.said.values) == ("still_barred", {"entry": WIDER})
    await setup.settled()
    assert setup.view.removed == removed
    with pytest.raises(Rejected, match="Nothing was changed"):
        await blocking.unblock_for_later(HOST, EVE)
    await blocking.unblock_pattern(setup.view, HOST, WIDER)
    await setup.settled()
    assert not setup.view.removed


async def test_a_list_says_nothing_of_guests(setup: CommandSetup, blocking: Blocking) -> None:
    await setup.does(cmd.RequestToSpeak(GUEST, 3_000, name="Gus", guest=True))
    assert await blocking.block(setup.view, HOST, GUEST) is Blocked.GUEST
    # the pattern would match the id of the guest's ghost, too
    await blocking.block_pattern(setup.view, HOST, "@spaces_*:example.org")
    await blocking.unblock(setup.view, HOST, GUEST)
    assert GUEST not in setup.view.removed
    with pytest.raises(Rejected) as refusal:
        await blocking.block_for_later(HOST, GUEST)
    assert refusal.value.code == "guest_listed"


@pytest.mark.parametrize(
    ("target", "code"),
    [
        ("@*:*", "pattern_of_everybody"),
        ("@*:example.org", "pattern_of_bot"),
        ("@a*:example.org", "pattern_of_hosts"),
        ("@spacesbot:example.org", "ours"),
        ("@" + "x" * 300 + ":e.org", "long_user"),
    ],
)
async def test_what_cannot_be_on_a_list(
    setup: CommandSetup, blocking: Blocking, target: str, code: str
) -> None:
    with pytest.raises(Rejected) as refusal:
        await blocking.block_for_later(HOST, target)
    assert refusal.value.code == code
    assert not setup.lists.blocks


async def test_a_listener_touches_no_list(setup: CommandSetup, blocking: Blocking) -> None:
    for asked in (
        blocking.block_pattern(setup.view, BEN, WIDER),
        blocking.unblock_pattern(setup.view, BEN, WIDER),
        blocking.block(setup.view, BEN, EVE),
        blocking.remove(setup.view, BEN, EVE),
    ):
        with pytest.raises(Rejected) as refusal:
            await asked
        assert refusal.value.code == "not_moderator"
