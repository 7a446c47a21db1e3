"""What holds after any sequence of commands."""

from functools import reduce

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spaces_bridge.core import commands as cmd
from spaces_bridge.core import events as ev
from spaces_bridge.core.errors import Rejected
from spaces_bridge.core.evolution import evolve
from spaces_bridge.core.ids import UserId
from spaces_bridge.core.live_space import LiveSpace
from spaces_bridge.core.rules import decide
from tests.core import moves
from tests.core.moves import EVERYBODY
from tests.support.spaces import live_space

pytestmark = pytest.mark.unit

PEOPLE = st.sampled_from(EVERYBODY)
LEVELS = st.dictionaries(PEOPLE, st.sampled_from([-1, 0, 9, 10, 59, 60, 90, 100]))
LAWLESS = st.one_of(
    st.builds(cmd.StartSpace, PEOPLE, st.integers(0, 99)),
    st.builds(
        cmd.ObserveLevels, LEVELS, st.one_of(st.none(), PEOPLE), st.one_of(st.none(), PEOPLE)
    ),
    st.builds(
        cmd.ObserveMember,
        PEOPLE,
        st.booleans(),
        st.just("N"),
        banned=st.booleans(),
        kicked=st.booleans(),
        unbanned=st.booleans(),
        by=st.one_of(st.none(), PEOPLE),
    ),
    st.builds(
        cmd.ObserveRoom, LEVELS, st.dictionaries(PEOPLE, st.just("N")), st.frozensets(PEOPLE)
    ),
    st.builds(cmd.ObserveRefusedGrant, PEOPLE, st.just("M_FORBIDDEN")),
)
"""What a homeserver tells that keeps no rule at all."""
COMMANDS: st.SearchStrategy[cmd.Command] = st.one_of(moves.COMMANDS, LAWLESS)
SEQUENCES = st.lists(st.one_of(COMMANDS, COMMANDS, st.builds(cmd.EndSpace, PEOPLE, st.just(99))))


def run(commands: list[cmd.Command]) -> tuple[LiveSpace, list[ev.Event]]:
    space, happened = live_space(), list[ev.Event]()
    for command in commands:
        try:
            events = decide(space, command)
        except Rejected:
            continue
        space = reduce(evolve, events, space)
        happened += events
    return space, happened


@given(SEQUENCES)
def test_those_on_air_are_those_who_may_speak_and_opened_their_microphone(
    commands: list[cmd.Command],
) -> None:
    space, on_air = live_space(), set[UserId]()
    for command in commands:
        try:
            events = decide(space, command)
        except Rejected:
            continue
        for event in events:
            if isinstance(event, ev.MicrophoneOpened):
                assert isinstance(command, cmd.OpenMicrophone)
                assert event.user == command.by
                assert event.user not in on_air
                on_air.add(event.user)
            elif isinstance(event, ev.MicrophoneClosed):
                on_air.remove(event.user)
            space = evolve(space, event)
        assert space.on_air == on_air == space.microphones
        assert all(space.may_speak(user) for user in on_air)


@given(SEQUENCES)
def test_nobody_waits_with_a_hand_up_while_having_the_floor(commands: list[cmd.Command]) -> None:
    space, _ = run(commands)
    assert not {u for u in space.requests if space.may_speak(u)}
    assert len({r.user for r in space.hands}) == len(space.hands)


@given(SEQUENCES)
def test_a_closing_intent_stands_until_the_level_is_seen_gone(commands: list[cmd.Command]) -> None:
    space, happened = run(commands)
    for user in space.closing:
        closings = [n for n, e in enumerate(happened) if e == _closing(e, user)]
        later = happened[max(closings) :]
        lowered = [
            e
            for e in later
            if isinstance(e, ev.LevelChanged) and e.user == user and not e.role.may_speak
        ]
        assert not lowered
        assert user not in space.on_air


def _closing(event: ev.Event, user: UserId) -> ev.Event | None:
    return event if isinstance(event, ev.FloorClosing) and event.user == user else None


@given(SEQUENCES)
def test_reaction_totals_are_what_was_counted(commands: list[cmd.Command]) -> None:
    space, happened = run(commands)
    single = sum(isinstance(e, ev.Reacted) for e in happened)
    guests = sum(sum(e.counts.values()) for e in happened if isinstance(e, ev.ReactionsCounted))
    assert sum(space.reactions.values()) == single + guests


@given(SEQUENCES)
def test_a_refusal_changes_nothing_and_rules_are_repeatable(commands: list[cmd.Command]) -> None:
    assert run(commands) == run(commands)
