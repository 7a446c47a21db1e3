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
from tests.core.world import Town

pytestmark = pytest.mark.unit
EVENINGS = st.one_of(st.lists(MOVES, max_size=10), st.lists(MOVES, min_size=15, max_size=40))
FEW = settings(max_examples=80, deadline=None)  # each is a whole evening
Check = Callable[[Town, Step], None]


def play(moves: list[Move], check: Check | None = None) -> Town:
    """The evening, with a look after every move."""
    town = opened()
    for move in moves:
        step = move.make(town)
        if check is not None:
            check(town, step)
    return town


def seated(space: LiveSpace, role: Role) -> set[UserId]:
    return {user for user in space.people if space.role(user) is role}


@FEW
@given(EVENINGS)
def test_who_is_heard_may_speak_and_nobody_else_opened_their_microphone(
    moves: list[Move],
) -> None:
    on_air = set[UserId]()

    def look(town: Town, step: Step) -> None:
        for event in step.events:
            if isinstance(event, ev.MicrophoneOpened):
                assert step.command == cmd.OpenMicrophone(event.user)
                assert event.user not in on_air
                on_air.add(event.user)
            elif isinstance(event, ev.MicrophoneClosed):
                on_air.remove(event.user)
        assert town.space.on_air == on_air == town.space.microphones

    play(moves, look)


@FEW
@given(EVENINGS)
def test_the_removed_and_the_muted_are_not_heard_and_have_no_hand_up(moves: list[Move]) -> None:
    def look(town: Town, step: Step) -> None:
        space = town.space
        assert not space.on_air & (space.removed.keys() | space.muted | space.closing)
        assert not space.removed.keys() & (space.requests.keys() | space.offers.keys())
        assert not space.removed.keys() & space.appointments.keys()

    play(moves, look)


@FEW
@given(EVENINGS)
def test_only_a_moderator_above_or_becoming_the_host_lifts_a_mute(moves: list[Move]) -> None:
    def look(town: Town, step: Step) -> None:
        before = step.before
        for user in before.muted - town.space.muted:
            lifted = [e for e in step.events if isinstance(e, ev.SpeakerUnmuted)]
            if not [e for e in lifted if e.user == user]:
                assert town.space.host == user != before.host
                continue
            by = lifted[0].by
            assert by != user
            rank = Role.HOST if by == before.host else before.role(by)
            assert rank.may_moderate
            assert rank > before.role(user)

    play(moves, look)


@FEW
@given(EVENINGS)
def test_nobody_below_removes_mutes_or_demotes_host_or_cohosts(moves: list[Move]) -> None:
    def look(town: Town, step: Step) -> None:
        before = step.before
        for event in step.events:
            if not isinstance(event, ev.PersonRemoved | ev.SpeakerMuted | ev.FloorClosing):
                continue
            by, user = event.by, event.user
            if step.command is None or by is None or by == user:
                continue  # by the homeserver's own rules, a rule of the bridge, or oneself
            had = Role.HOST if user == before.host else before.role(user)
            assert had < Role.COHOST or by == before.host or user == before.host != town.space.host

    play(moves, look)


@FEW
@given(EVENINGS)
def test_our_own_rules_fill_no_seat_twice_and_make_one_host(moves: list[Move]) -> None:
    def look(town: Town, step: Step) -> None:
        space = town.space
        assert len(seated(space, Role.SPEAKER)) <= space.max_speakers
        assert len(seated(space, Role.COHOST)) <= space.max_cohosts

    play(moves, look)


@FEW
@given(EVENINGS)
def test_when_all_is_done_the_homeserver_holds_what_live_roles_say(moves: list[Move]) -> None:
    town = play(moves)
    town.settle()
    town.reconcile()
    space = town.space
    assert not space.overruled
    assert not space.closing
    assert not space.appointments
    assert not {user for user in space.requests if space.is_accepted(user)}
    for user in town.joined:
        assert town.levels.get(user) == space.person(user).level == space.level_wanted(user)
    roles = {user: space.levels.role(level) for user, level in town.levels.items()}
    assert {user for user, role in roles.items() if role is Role.HOST} <= {space.host}
    assert list(roles.values()).count(Role.SPEAKER) <= space.max_speakers
    assert list(roles.values()).count(Role.COHOST) <= space.max_cohosts
    if space.phase is not Phase.ENDED:
        assert not town.joined & space.removed.keys()


@FEW
@given(EVENINGS)
def test_the_journal_tells_the_whole_story(moves: list[Move]) -> None:
    town = play(moves)
    assert town.remembered() == town.space


@FEW
@given(EVENINGS, st.integers(0, 10**9), st.sampled_from([0, 1, 300_000]))
def test_telling_the_time_comes_to_rest(moves: list[Move], at_ms: int, grace_ms: int) -> None:
    space = play(moves).space
    for _ in range(4):
        events = decide(space, cmd.PassTime(at_ms, grace_ms))
        if not events:
            return
        town = Town(replace(CREATE, space=space.space))
        town.space = space
        town.obey(cmd.PassTime(at_ms, grace_ms))
        space = town.space
    raise AssertionError("the clock never comes to rest")


@FEW
@given(EVENINGS, st.sampled_from(EVERYBODY))
def test_a_missed_host_is_replaced_or_the_space_ends_however_often_the_homeserver_refuses(
    moves: list[Move], refused: UserId
) -> None:
    town = play(moves)
    town.settle()
    town.obey(cmd.StartSpace(town.space.host, 1))
    town.leaves(town.space.host)
    missed = town.space.host
    for now_ms in range(1, 20):
        if town.space.phase is not Phase.LIVE or town.space.host != missed:
            return
        town.obey(cmd.PassTime(now_ms * 1_000, 0))
        while town.outbox:
            town.carry_out(refuse=refused in town.space.appointments)
    assert town.space.phase is not Phase.LIVE
