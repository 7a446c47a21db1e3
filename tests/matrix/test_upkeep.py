"""What is looked after from time to time: how many listen, and what is forgotten."""

from collections.abc import Sequence
from typing import Any

import pytest

from spaces_bridge.app.errors import StorageError
from spaces_bridge.app.records import OutboxEntry
from spaces_bridge.core import commands as cmd
from spaces_bridge.matrix.upkeep import CounterWatch, Pruning
from tests.matrix.command_setup import COMMUNITY, CommandSetup
from tests.support.notes import MemoryNotes
from tests.support.recorder import Recorder
from tests.support.spaces import CREATE, EVE

pytestmark = pytest.mark.unit


class Outbox(Recorder):
    """One that may be away."""

    away = False

    async def enqueue(self, effects: Sequence[OutboxEntry]) -> None:
        if self.away:
            raise StorageError("away")
        await super().enqueue(effects)


async def leaves(setup: CommandSetup) -> None:
    """One listener fewer."""
    await setup.does(cmd.ObserveMember(EVE, False, "Eve"))


async def test_what_shows_the_number_of_listeners_is_refreshed_when_it_changed() -> None:
    async with CommandSetup() as setup:
        outbox = Outbox()
        watch = CounterWatch(setup.spaces, outbox, outbox.wake)
        await setup.plan(community=COMMUNITY)
        await watch.look()
        assert outbox.kinds() == [], "it is not live yet"
        await setup.does(cmd.StartSpace(CREATE.by, setup.notebook.now))
        await watch.look()
        assert outbox.kinds() == ["card.refresh", "community_card.refresh"]
        assert outbox.called("wake") == [()]
        outbox.effects.clear()
        await watch.look()
        assert outbox.kinds() == [], "nothing changed"
        await leaves(setup)
        await watch.look()
        assert outbox.kinds() == ["card.refresh", "community_card.refresh"]


async def test_where_there_is_no_bubble_only_the_card_is_refreshed() -> None:
    async with CommandSetup() as setup:
        outbox = Outbox()
        await setup.open(community=None)
        await CounterWatch(setup.spaces, outbox, outbox.wake).look()
        assert outbox.kinds() == ["card.refresh"]


async def test_a_change_that_could_not_be_stored_is_seen_again() -> None:
    async with CommandSetup() as setup:
        outbox = Outbox()
        watch = CounterWatch(setup.spaces, outbox, outbox.wake)
        await setup.open()
        outbox.away = True
        with pytest.raises(StorageError):
            await watch.look()
        outbox.away = False
        await watch.look()
        assert outbox.kinds() == ["card.refresh"]


class Pruned(MemoryNotes):
    """Counts how often it is pruned."""

    times = 0

    async def prune(self) -> None:
        self.times += 1


async def test_what_has_had_its_time_is_forgotten() -> None:
    inbox, outbox, tokens, clock = Recorder(), Recorder(), Recorder(), Recorder()
    crypto = Recorder()
    notes = Pruned()
    inboxes: Any = inbox
    keys: Any = crypto
    clock.now = 2_000_000_000_000
    await Pruning(inboxes, outbox, notes, tokens, clock, keys).prune()
    week_ago = clock.now - 7 * 86_400_000
    assert inbox.called("prune") == outbox.called("prune") == [(week_ago,)]
    assert tokens.called("prune") == [(clock.now - 365 * 86_400_000,)], "docs/admin.md says so"
    old, withheld = clock.now - 90 * 86_400_000, clock.now - 3 * 86_400_000
    assert crypto.called("prune") == [(old, withheld)], "docs/admin.md says so"
    assert notes.times == 1
