"""Gates: shut unless told otherwise."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spaces_bridge.media.worker.mix.gate import Gates, Turned

pytestmark = pytest.mark.unit

USER = st.sampled_from("abcd")


def test_a_gate_is_shut_until_somebody_opens_it() -> None:
    gates = Gates()
    assert not gates.is_open("a")
    assert not gates.admits("a")
    assert gates.refused == 1


@given(st.lists(st.one_of(st.tuples(USER, st.booleans()), st.frozensets(USER)), max_size=40))
def test_gates_are_as_they_were_last_told_and_every_turn_is_reported(
    turns: list[tuple[str, bool] | frozenset[str]],
) -> None:
    gates, wanted = Gates(), frozenset[str]()
    for turn in turns:
        before = wanted
        if isinstance(turn, frozenset):
            wanted = turn
            turned = gates.replace(turn)
        else:
            user, is_open = turn
            wanted = wanted | {user} if is_open else wanted - {user}
            turned = gates.set(user, is_open)
        assert gates.open == wanted
        assert turned == Turned(opened=wanted - before, shut=before - wanted)
