"""What is looked after from time to time: how many listen."""

from collections.abc import Sequence

import pytest

from spaces_bridge.app.errors import StorageError
from spaces_bridge.app.records import Effect
from spaces_bridge.core import commands as cmd
from spaces_bridge.matrix.upkeep import CounterWatch
from tests.matrix.talk_town import COMMUNITY, Notebook, TalkTown
from tests.support.spaces import CREATE, EVE

pytestmark = pytest.mark.unit


class Outbox(Notebook):
    """One that may be away."""

    away = False

    async def enqueue(self, effects: Sequence[Effect]) -> None:
        if self.away:
            raise StorageError("away")
        await super().enqueue(effects)


async def leaves(town: TalkTown) -> None:
    """One listener fewer."""
    await town.does(cmd.ObserveMember(EVE, False, "Eve"))


async def test_what_shows_the_number_of_listeners_is_wished_for_when_it_changed() -> None:
    async with TalkTown() as town:
        outbox = Outbox()
        watch = CounterWatch(town.spaces, outbox, outbox.wake)
        await town.plan(community=COMMUNITY)
        await watch.look()
        assert outbox.kinds() == [], "it is not live yet"
        await town.does(cmd.StartSpace(CREATE.by, town.notebook.now))
        await watch.look()
        assert outbox.kinds() == ["card.refresh", "community_card.refresh"]
        assert outbox.called("wake") == [()]
        outbox.effects.clear()
        await watch.look()
        assert outbox.kinds() == [], "nothing changed"
        await leaves(town)
        await watch.look()
        assert outbox.kinds() == ["card.refresh", "community_card.refresh"]


async def test_where_there_is_no_bubble_only_the_card_is_wished_for() -> None:
    async with TalkTown() as town:
        outbox = Outbox()
        await town.open(community=None)
        await CounterWatch(town.spaces, outbox, outbox.wake).look()
        assert outbox.kinds() == ["card.refresh"]


async def test_a_change_that_could_not_be_stored_is_seen_again() -> None:
    async with TalkTown() as town:
        outbox = Outbox()
        watch = CounterWatch(town.spaces, outbox, outbox.wake)
        await town.open()
        outbox.away = True
        with pytest.raises(StorageError):
            await watch.look()
        outbox.away = False
        await watch.look()
        assert outbox.kinds() == ["card.refresh"]
