"""From its making to its end, and what the clock brings."""

from dataclasses import replace

import pytest

from spaces_bridge.core import commands as cmd
from spaces_bridge.core import events as ev
from spaces_bridge.core.errors import Rejected
from spaces_bridge.core.floor import SpeakPolicy
from spaces_bridge.core.ids import RoomId
from spaces_bridge.core.limits import MOVES, MOVES_WITHIN_MS
from spaces_bridge.core.live_space import LiveSpace, Phase
from spaces_bridge.core.roles import Role
from spaces_bridge.core.rules import create, decide
from spaces_bridge.core.rules.lifecycle import DAY_MS, HOUR_MS, MINUTE_MS
from tests.core.support import CAT, refused, with_cohost
from tests.support.spaces import BEN, CREATE, EVE, HOST, ROOM, after, live_space, scheduled

pytestmark = pytest.mark.unit


def test_a_live_space_needs_a_title_of_sane_length() -> None:
    for title, code in (("  \n", "no_title"), ("x" * 201, "title_too_long")):
        with pytest.raises(Rejected) as refusal:
            create(cmd.CreateSpace(CREATE.space, "s", title, HOST, "Ada", 1))
        assert refusal.value.code == code
    assert create(cmd.CreateSpace(CREATE.space, "s", " a \n b ", HOST, "Ada", 1)).title == "a b"


@pytest.mark.parametrize(
    ("title", "shown"),
    [
        ("\u202egpj.exe\x00\x1b[31m", "gpj.exe[31m"),
        ("a\u2028b", "a b"),
        ("Z" + "\u0301" * 99, "Ź\u0301"),
    ],
)
def test_titles_hold_nothing_that_hides_or_turns_round(title: str, shown: str) -> None:
    made = create(cmd.CreateSpace(CREATE.space, "s", title, HOST, "Ada", 1)).title
    assert made.startswith(shown)
    assert len(made) < 12


def test_a_title_without_a_letter_is_none() -> None:
    with pytest.raises(Rejected, match="needs a title"):
        create(cmd.CreateSpace(CREATE.space, "s", "\u200b\u202e", HOST, "Ada", 1))


def test_a_live_space_is_not_scheduled_in_the_past() -> None:
    with pytest.raises(Rejected) as refusal:
        create(cmd.CreateSpace(CREATE.space, "s", "t", HOST, "Ada", 10, scheduled_at_ms=9))
    assert refusal.value.code == "in_the_past"


def test_only_the_host_starts_and_ends_and_only_once() -> None:
    space = after(scheduled(), cmd.AttachRoom(ROOM))
    assert refused(scheduled(), cmd.StartSpace(HOST, 5)) == "no_room_yet"
    assert refused(space, cmd.StartSpace(BEN, 5)) == "not_host"
    space = after(space, cmd.StartSpace(HOST, 5))
    assert space.phase is Phase.LIVE
    assert space.started_at_ms == 5
    assert refused(space, cmd.StartSpace(HOST, 6)) == "already_live"
    assert refused(space, cmd.EndSpace(BEN, 7)) == "not_host"
    space = after(space, cmd.EndSpace(HOST, 8, "done"))
    assert space.phase is Phase.ENDED
    assert space.ended_at_ms == 8
    assert refused(space, cmd.EndSpace(HOST, 9)) == "ended"
    assert refused(space, cmd.StartSpace(HOST, 9)) == "ended"


def test_a_room_is_attached_once() -> None:
    space = after(scheduled(), cmd.AttachRoom(ROOM))
    assert decide(space, cmd.AttachRoom(RoomId("!other"))) == []
    assert space.room == ROOM


def test_nothing_is_scheduled_more_than_a_year_ahead() -> None:
    far = cmd.CreateSpace(CREATE.space, "s", "t", HOST, "Ada", 0, scheduled_at_ms=367 * DAY_MS)
    with pytest.raises(Rejected) as refusal:
        create(far)
    assert refusal.value.code == "too_far"


def planned(at_ms: int = 2 * DAY_MS) -> LiveSpace:
    return after(scheduled(), cmd.AttachRoom(ROOM), cmd.Reschedule(HOST, at_ms, 1_000))


def test_the_host_changes_time_title_policy_and_captions() -> None:
    space = planned()
    assert space.scheduled_at_ms == 2 * DAY_MS
    assert decide(space, cmd.Reschedule(HOST, 2 * DAY_MS, 1_000)) == []
    assert refused(space, cmd.Reschedule(HOST, 1, 2)) == "in_the_past"
    assert after(space, cmd.Retitle(HOST, " New\n title ")).title == "New title"
    assert decide(space, cmd.Retitle(HOST, space.title)) == []
    assert decide(space, cmd.SetSpeakPolicy(HOST, SpeakPolicy.REQUEST)) == []
    space = after(space, cmd.SetCaptions(HOST, on=False), cmd.SetCaptions(HOST, True, "pt"))
    assert (space.captions, space.language) == (True, "pt")
    assert decide(space, cmd.SetCaptions(HOST, on=True)) == []
    for command in (
        cmd.Reschedule(BEN, 5, 4),
        cmd.Retitle(BEN, "x"),
        cmd.SetSpeakPolicy(BEN, SpeakPolicy.INVITED),
        cmd.SetCaptions(BEN, on=False),
    ):
        assert refused(space, command) == "not_host"
    live = after(space, cmd.StartSpace(HOST, 5))
    assert refused(live, cmd.Reschedule(HOST, 9, 6)) == "already_live"


def test_reminders_are_wanted_and_dropped_before_it_begins() -> None:
    space = after(planned(), cmd.WantReminder(BEN))
    assert decide(space, cmd.WantReminder(BEN)) == []
    assert space.reminded == {BEN}
    assert decide(space, cmd.DropReminder(EVE)) == []
    assert not after(space, cmd.DropReminder(BEN)).reminded
    assert refused(live_space(), cmd.WantReminder(BEN)) == "come_in"
    removed = after(live_space(), cmd.RemovePerson(HOST, BEN))
    assert refused(replace(removed, phase=Phase.SCHEDULED), cmd.WantReminder(BEN)) == "removed"


def at(now_ms: int, grace_ms: int = 100) -> cmd.PassTime:
    return cmd.PassTime(now_ms, grace_ms)


def test_reminders_are_due_a_day_and_a_quarter_hour_before_and_for_the_host_at_the_time() -> None:
    space, when = planned(), 2 * DAY_MS
    assert decide(space, at(when - DAY_MS - 1)) == []
    told = list[ev.Reminder]()
    for now_ms in (when - DAY_MS, when - 15 * MINUTE_MS, when):
        events = decide(space, at(now_ms))
        told += [e.kind for e in events if isinstance(e, ev.ReminderDue)]
        space = after(space, at(now_ms))
        assert decide(space, at(now_ms)) == []
    assert told == [ev.Reminder.DAY_BEFORE, ev.Reminder.SOON, ev.Reminder.HOST_DUE]
    moved = after(space, cmd.Reschedule(HOST, when + 3 * DAY_MS, when))
    assert decide(moved, at(when + 2 * DAY_MS)) == [ev.ReminderDue(ev.Reminder.DAY_BEFORE)]


def test_what_was_announced_late_is_not_reminded_of_as_if_it_were_early() -> None:
    space = planned(at_ms=1_000 + 5 * MINUTE_MS)
    assert decide(space, at(2_000)) == []


def test_what_nobody_starts_is_called_off() -> None:
    space = planned()
    over = 2 * DAY_MS + 6 * HOUR_MS
    assert not [e for e in decide(space, at(over - 1)) if isinstance(e, ev.SpaceEnded)]
    assert decide(space, at(over)) == [ev.SpaceEnded(None, over, "nobody started it")]
    untimed = after(scheduled(), cmd.AttachRoom(ROOM))
    assert decide(untimed, at(7 * DAY_MS)) == []
    assert decide(untimed, at(1_000 + 7 * DAY_MS))
    assert decide(after(space, cmd.EndSpace(HOST, 9)), at(over)) == []


def lost_host() -> LiveSpace:
    """The host has left, and is missed since 1,000."""
    space = after(with_cohost(), cmd.ObserveMember(HOST, joined=False))
    assert decide(space, at(1_000)) == [ev.HostMissed(1_000)]
    return after(space, at(1_000))


def test_a_lost_host_is_followed_by_the_longest_serving_cohost() -> None:
    space = lost_host()
    assert decide(space, at(1_099)) == []
    assert decide(space, at(1_100)) == [ev.RoleAppointed(CAT, Role.HOST, by=None)]
    space = after(space, at(1_100))
    assert decide(space, at(9_999)) == []
    space = after(space, cmd.ObserveLevels({HOST: 90, CAT: 90, BEN: 10}))
    assert (space.host, space.host_missed_at_ms) == (CAT, None)
    assert decide(space, at(9_999)) == []
    back = after(space, cmd.ObserveLevels({CAT: 90, BEN: 10}))
    back = after(back, cmd.ObserveMember(HOST, joined=True, name="Ada"))
    assert back.role(HOST) is Role.LISTENER
    assert refused(back, cmd.EndSpace(HOST, 9)) == "not_host"


def test_without_a_cohost_the_space_ends() -> None:
    space = after(lost_host(), cmd.ObserveMember(CAT, joined=False))
    assert decide(space, at(1_100)) == [ev.SpaceEnded(None, 1_100, "the host is gone")]


def test_cohosts_who_go_or_were_removed_or_refused_do_not_inherit() -> None:
    leaving = after(lost_host(), cmd.LeaveStage(CAT))
    assert not leaving.heirs
    refused_heir = after(lost_host(), at(1_100), cmd.ObserveRefusedGrant(CAT, "M_FORBIDDEN"))
    assert decide(refused_heir, at(1_101)) == [ev.SpaceEnded(None, 1_101, "the host is gone")]
    removed = after(lost_host(), cmd.ObserveMember(CAT, joined=False, banned=True))
    assert not removed.heirs


def test_a_host_who_comes_back_is_the_host() -> None:
    space = after(lost_host(), cmd.ObserveMember(HOST, joined=True, name="Ada"))
    assert decide(space, at(1_050)) == [ev.HostReturned(HOST)]
    space = after(space, at(1_050))
    assert decide(space, at(9_999)) == []


def test_a_host_who_spoke_and_whose_page_is_gone_is_missed_until_a_sign_of_life() -> None:
    quiet = with_cohost()
    assert decide(quiet, cmd.NoteHostAway(HOST)) == []
    space = after(quiet, cmd.OpenMicrophone(HOST), cmd.NoteHostAway(HOST))
    assert space.host_present
    assert decide(space, cmd.NoteHostAway(HOST)) == []
    space = after(space, cmd.CloseMicrophone(HOST))
    assert not space.host_present
    assert decide(space, cmd.NoteHostBack(BEN)) == []
    space = after(space, at(1_000), cmd.NoteHostBack(HOST))
    assert space.host_present
    assert decide(space, cmd.NoteHostBack(HOST)) == []


def test_a_page_without_its_host_in_the_room_is_no_sign_of_life_and_coming_in_is_one() -> None:
    space = after(with_cohost(), cmd.OpenMicrophone(HOST), cmd.CloseMicrophone(HOST))
    space = after(space, cmd.NoteHostAway(HOST), cmd.ObserveMember(HOST, joined=False))
    assert decide(space, cmd.NoteHostBack(HOST)) == []
    assert after(space, cmd.ObserveMember(HOST, joined=True, name="Ada")).host_present


def test_a_host_removed_by_the_homeserver_hosts_no_more() -> None:
    space = after(with_cohost(), cmd.ObserveMember(HOST, joined=False, kicked=True))
    assert refused(space, cmd.EndSpace(HOST, 9)) == "not_host"
    space = after(space, at(1_000), at(1_100))
    assert space.appointments == {CAT: Role.HOST}


def test_the_end_closes_every_microphone_and_forgets_what_was_coming() -> None:
    space = after(with_cohost(), cmd.OpenMicrophone(BEN), cmd.HandOver(HOST, EVE))
    events = decide(space, cmd.EndSpace(None, 9, "enough"))
    assert events[0] == ev.MicrophoneClosed(BEN, ev.MicrophoneEnd.SPACE_ENDED)
    ended = after(space, cmd.EndSpace(None, 9, "enough"))
    assert not ended.appointments
    assert not ended.on_air


def test_the_time_is_not_moved_again_and_again() -> None:
    """Whoever asked for a reminder is told of each new time."""
    space = after(scheduled(), cmd.AttachRoom(ROOM), cmd.WantReminder(BEN))
    for place in range(MOVES):
        space = after(space, cmd.Reschedule(HOST, 10_000_000 + place, 2_000 + place))
    assert refused(space, cmd.Reschedule(HOST, 20_000_000, 3_000)) == "moved_often"
    assert decide(space, cmd.Reschedule(HOST, 10_000_000 + MOVES - 1, 3_000)) == []
    later = cmd.Reschedule(HOST, 20_000_000, 2_000 + MOVES_WITHIN_MS)
    assert after(space, later).scheduled_at_ms == 20_000_000
