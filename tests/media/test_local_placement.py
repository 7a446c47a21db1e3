"""Where live spaces are mixed, and where who listens goes, among the workers of a machine."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spaces_bridge.media.local_placement import (
    MIX_COSTS,
    TOGETHER,
    LocalLoad,
    for_listener,
    home_among,
)

pytestmark = pytest.mark.unit

LOADS = st.lists(
    st.builds(LocalLoad, st.integers(0, 3000), st.integers(0, 40), st.booleans()),
    min_size=1,
    max_size=8,
)


def test_live_spaces_are_spread_over_the_workers() -> None:
    mixes = [0, 0, 0]
    for _ in range(6):
        mixes[home_among([LocalLoad(0, each) for each in mixes])] += 1
    assert mixes == [2, 2, 2]


def test_a_worker_full_of_listeners_mixes_no_more() -> None:
    assert home_among([LocalLoad(2 * MIX_COSTS, 1), LocalLoad(0, 2)]) == 1


def test_a_small_live_space_stays_together_and_a_crowd_is_spread() -> None:
    sessions = [0, 0, 0]
    for count in range(1500):
        loads = [LocalLoad(each, at == 1) for at, each in enumerate(sessions)]
        sessions[for_listener(loads, home=1)[0]] += 1
        if count < TOGETHER:
            assert sessions == [0, count + 1, 0]
    costs = [sessions[0], sessions[1] + MIX_COSTS, sessions[2]]
    assert max(costs) - min(costs) <= 1


def test_of_equals_the_home_takes_a_listener() -> None:
    loads = [LocalLoad(500, 1), LocalLoad(500, 1)]
    assert [for_listener(loads, home)[0] for home in (0, 1)] == [0, 1]


@given(LOADS, st.data())
def test_who_is_away_is_asked_last(loads: list[LocalLoad], data: st.DataObject) -> None:
    home = data.draw(st.integers(0, len(loads) - 1))
    order = for_listener(loads, home)
    assert sorted(order) == list(range(len(loads)))
    here = [loads[at].is_here for at in order]
    assert here == sorted(here, reverse=True)
    assert loads[home_among(loads)].is_here == any(each.is_here for each in loads)
