"""What holds whatever people, hosts' clients and the homeserver do, in any order."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spaces_bridge.core import commands as cmd
from spaces_bridge.core import events as ev
from spaces_bridge.core.ids import UserId
from spaces_bridge.core.live_space import LiveSpace, Phase
from spaces_bridge.core.roles import Role
from spaces_bridge.core.rules import decide
from tests.core.moves import CREATE, EVERYBODY, MOVES, Move, Step, opened
from tests.core.space_model import SpaceModel

pytestmark = pytest.mark.unit
RUNS = st.lists(MOVES, min_size=3, max_size=20)
MANY = settings(max_examples=400, deadline=None)
SOME = settings(max_examples=100, deadline=None)


def play(moves: list[Move], *checks: Callable[[SpaceModel, Step], None]) -> SpaceModel:
    """The model, with a look after every move."""
    model = opened()
    for move in moves:
        step = move.make(model)
        for check in checks:
            check(model, step)
    return model


def seated(space: LiveSpace, role: Role) -> set[UserId]:
    """Besides the host, who may lower the own level by hand."""
    return {u for u in space.people if space.role(u) is role and u != space.host}


def rank(space: LiveSpace, user: UserId | None) -> Role:
    """In words of the contract: one host, and who has a level."""
    if user is None:
        return Role.LISTENER
    return Role.HOST if user == space.host else min(space.role(user), Role.COHOST)


def look_who_is_heard(model: SpaceModel, step: Step) -> None:
    """Microphones open by their owners' own act alone, and close before anything else may be."""
    on_air = set(step.before.microphones)
    for event in step.events:
        if isinstance(event, ev.MicrophoneOpened):
            assert step.command == cmd.OpenMicrophone(event.user)
            assert event.user not in on_air
            on_air.add(event.user)
        elif isinstance(event, ev.MicrophoneClosed):
            on_air.remove(event.user)
    assert model.space.on_air == on_air == model.space.microphones


def look_at_the_removed_and_the_muted(model: SpaceModel, step: Step) -> None:
    space = model.space
    assert not space.on_air & (space.removed.keys() | space.muted | space.closing)
    holding = space.requests.keys() | space.offers.keys() | space.appointments.keys()
    assert not space.removed.keys() & holding


def look_who_lifts_mutes(model: SpaceModel, step: Step) -> None:
    """Only a moderator above, or becoming the host."""
    before = step.before
    by_whom = {e.user: e.by for e in step.events if isinstance(e, ev.SpeakerUnmuted)}
    for user in before.muted - model.space.muted:
        if user not in by_whom:
            assert model.space.host == user != before.host
            continue
        by = rank(before, by_whom[user])
        assert by.may_moderate
        assert by > rank(before, user)


def look_who_acts_on_whom(model: SpaceModel, step: Step) -> None:
    """Commands reach only those below: nobody touches the host, co-hosts not each other."""
    for event in step.events:
        if isinstance(event, ev.PersonRemoved | ev.SpeakerMuted | ev.FloorClosing):
            by, user = event.by, event.user
            if step.command is not None and by is not None and by != user:
                assert rank(step.before, by) > rank(step.before, user)


def look_at_the_seats(model: SpaceModel, step: Step) -> None:
    assert len(seated(model.space, Role.SPEAKER)) <= model.space.max_speakers
    assert len(seated(model.space, Role.COHOST)) <= model.space.max_cohosts


@MANY
@given(RUNS)
def test_no_move_breaks_a_rule(moves: list[Move]) -> None:
    play(
        moves,
        look_who_is_heard,
        look_at_the_removed_and_the_muted,
        look_who_lifts_mutes,
        look_who_acts_on_whom,
        look_at_the_seats,
    )


@MANY
@given(RUNS)
def test_when_all_is_done_the_homeserver_holds_what_live_roles_say(moves: list[Move]) -> None:
    model = play(moves)
    model.settle()
    model.reconcile()
    space = model.space
    assert not space.overruled
    assert not space.closing
    assert not space.appointments
    assert not {user for user in space.requests if space.is_accepted(user)}
    for user in model.joined:
        assert model.levels.get(user) == space.person(user).level == space.level_wanted(user)
    roles = {user: space.levels.role(level) for user, level in model.levels.items()}
    assert {user for user, role in roles.items() if role is Role.HOST} <= {space.host}
    look_at_the_seats(model, Step(space, None, ()))
    if space.phase is not Phase.ENDED:
        assert not model.joined & space.removed.keys()


@SOME
@given(RUNS)
def test_the_journal_tells_the_whole_story(moves: list[Move]) -> None:
    model = play(moves)
    assert model.remembered() == model.space


@SOME
@given(RUNS, st.integers(0, 10**9), st.sampled_from([0, 1, 300_000]))
def test_telling_the_time_comes_to_rest(moves: list[Move], at_ms: int, grace_ms: int) -> None:
    space = play(moves).space
    for _ in range(4):
        events = decide(space, cmd.PassTime(at_ms, grace_ms))
        if not events:
            return
        model = SpaceModel(replace(CREATE, space=space.space))
        model.space = space
        model.obey(cmd.PassTime(at_ms, grace_ms))
        space = model.space
    raise AssertionError("the clock never comes to rest")


LATE_MS = 10**10
"""After everything that the moves do: the clock goes on."""


@SOME
@given(RUNS, st.sampled_from(EVERYBODY))
def test_a_missed_host_is_replaced_or_the_space_ends_however_often_the_homeserver_refuses(
    moves: list[Move], refused: UserId
) -> None:
    model = play(moves)
    model.settle()
    model.obey(cmd.StartSpace(model.space.host, 1))
    model.leaves(model.space.host)
    missed = model.space.host
    for step in range(1, 20):
        if model.space.phase is not Phase.LIVE or model.space.host != missed:
            return
        model.obey(cmd.PassTime(LATE_MS + step * 1_000, 0))
        while model.outbox:
            model.carry_out(refuse=refused in model.space.appointments)
    assert model.space.phase is not Phase.LIVE
