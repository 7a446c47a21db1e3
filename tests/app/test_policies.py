"""What follows from events."""

import pytest

from spaces_bridge.app.registry import Spaces
from spaces_bridge.core import commands as cmd
from spaces_bridge.core import events as ev
from spaces_bridge.core.access import GuestPolicy
from spaces_bridge.core.ids import EventId, UserId
from tests.app.support import SPACE, cohost, enter, seat
from tests.support.recorder import Recorder
from tests.support.spaces import BEN, EVE, GUEST, HOST

pytestmark = pytest.mark.unit


async def test_the_hand_reaches_host_card_and_homeserver(
    spaces: Spaces, recorder: Recorder
) -> None:
    await spaces.ask(SPACE, cmd.RequestToSpeak(BEN, 1, reaction=EventId("$hand")))
    prompt = recorder.enqueued("hand.prompt")[0]
    assert (prompt["moderator"], prompt["user"]) == (HOST, BEN)
    await spaces.ask(SPACE, cmd.ApproveSpeaker(HOST, BEN))
    assert recorder.enqueued("level.write")[0]["level"] == 10
    assert recorder.enqueued("reaction.redact")[0]["event"] == "$hand"
    assert not recorder.called("open_microphone")
    await spaces.ask(SPACE, cmd.ObserveLevels({HOST: 90, BEN: 10}))
    assert recorder.enqueued("floor.offer") == [{"space": SPACE, "user": BEN}]
    await spaces.ask(SPACE, cmd.OpenMicrophone(BEN))
    assert recorder.called("open_track") == [(BEN, "auto")]
    assert recorder.called("open_microphone") == [(SPACE, BEN)]


async def test_a_hand_that_a_host_answers_waits_behind_no_others(
    spaces: Spaces, recorder: Recorder
) -> None:
    people = [BEN, UserId("@cyd:x"), UserId("@dan:x"), UserId("@eve:x")]
    for user in people:
        await spaces.ask(SPACE, cmd.ObserveMember(user, joined=True, name=user[1:4]))
        await spaces.ask(SPACE, cmd.RequestToSpeak(user, 1, reaction=EventId(f"${user}")))
    await spaces.ask(SPACE, cmd.ApproveSpeaker(HOST, people[0]))
    await spaces.ask(SPACE, cmd.DenySpeaker(HOST, people[1]))
    await spaces.ask(SPACE, cmd.CancelRequest(people[2]))
    await spaces.ask(SPACE, cmd.ClearQueue(HOST))
    crowd = {wanted["event"]: wanted["crowd"] for wanted in recorder.enqueued("reaction.redact")}
    assert crowd == {
        f"${people[0]}": False,
        f"${people[1]}": False,
        f"${people[2]}": True,
        f"${people[3]}": True,
    }


async def test_guests_are_seated_as_ghosts_and_leave_with_the_floor(
    spaces: Spaces, recorder: Recorder
) -> None:
    await spaces.ask(SPACE, cmd.RequestToSpeak(GUEST, 1, name="Zoe", guest=True))
    await spaces.ask(SPACE, cmd.ApproveSpeaker(HOST, GUEST))
    assert recorder.kinds().index("guest.join") < recorder.kinds().index("level.write")
    await spaces.ask(SPACE, cmd.ObserveMember(GUEST, joined=True, name="Zoe (guest)"))
    await spaces.ask(SPACE, cmd.ObserveLevels({HOST: 90, GUEST: 10}))
    assert not recorder.enqueued("floor.offer")
    await spaces.ask(SPACE, cmd.EndSpace(HOST, 20_000))
    assert recorder.enqueued("guest.leave") == [{"space": SPACE, "user": GUEST}]
    assert recorder.called("close_space") == [(SPACE,)]


async def approve_guest(spaces: Spaces) -> None:
    await spaces.ask(SPACE, cmd.RequestToSpeak(GUEST, 1, name="Zoe", guest=True))
    await spaces.ask(SPACE, cmd.ApproveSpeaker(HOST, GUEST))


@pytest.mark.parametrize(
    "ways",
    [
        [cmd.ObserveLevels({HOST: 90, GUEST: 10}), cmd.ObserveLevels({HOST: 90, GUEST: 0})],
        [cmd.ObserveRefusedGrant(GUEST, "no")],
        [cmd.EndSpace(HOST, 20_000)],
        [cmd.CancelRequest(GUEST)],
    ],
)
async def test_a_ghost_leaves_whichever_way_its_floor_goes(
    spaces: Spaces, recorder: Recorder, ways: list[cmd.Command]
) -> None:
    await approve_guest(spaces)
    await spaces.ask(SPACE, cmd.ObserveMember(GUEST, joined=True, name="Zoe (guest)"))
    for way in ways:
        await spaces.ask(SPACE, way)
    assert {"space": SPACE, "user": GUEST} in recorder.enqueued("guest.leave")


async def test_a_guest_approved_as_the_space_ends_does_not_stay(
    spaces: Spaces, recorder: Recorder
) -> None:
    await approve_guest(spaces)
    await spaces.ask(SPACE, cmd.RequestToSpeak(BEN, 2))
    await spaces.ask(SPACE, cmd.EndSpace(HOST, 20_000))
    assert recorder.enqueued("guest.leave") == [{"space": SPACE, "user": GUEST}]


async def test_refusals_and_denials_are_told(spaces: Spaces, recorder: Recorder) -> None:
    await spaces.ask(SPACE, cmd.RequestToSpeak(BEN, 1))
    await spaces.ask(SPACE, cmd.ApproveSpeaker(HOST, BEN))
    await spaces.ask(SPACE, cmd.ObserveRefusedGrant(BEN, "M_FORBIDDEN"))
    assert recorder.enqueued("person.tell")[0]["user"] == HOST
    await spaces.ask(SPACE, cmd.DenySpeaker(HOST, BEN))
    assert recorder.enqueued("person.tell")[1]["user"] == BEN
    await spaces.ask(SPACE, cmd.RequestToSpeak(GUEST, 1, name="Z", guest=True))
    await spaces.ask(SPACE, cmd.DenySpeaker(HOST, GUEST))
    assert len(recorder.enqueued("person.tell")) == 2


async def test_reactions_with_an_annotation_are_redacted_in_time(
    spaces: Spaces, recorder: Recorder
) -> None:
    await spaces.ask(SPACE, cmd.React(BEN, "👏", annotation=EventId("$r")))
    redaction = next(e for e in recorder.effects.values() if e.kind == "reaction.redact")
    assert redaction.due_at_ms == recorder.now + 15_000


async def test_invitations_become_messages(spaces: Spaces, recorder: Recorder) -> None:
    await spaces.ask(SPACE, cmd.InvitePerson(BEN, EVE))
    enqueued = {"space": SPACE, "user": EVE, "by": BEN, "announcement": False}
    assert recorder.enqueued("invitation.send") == [enqueued]


async def test_who_leaves_loses_level_and_connection(spaces: Spaces, recorder: Recorder) -> None:
    await seat(spaces)
    events = await spaces.ask(SPACE, cmd.ObserveMember(BEN, joined=False))
    assert ev.LevelForfeited(BEN) in events
    assert recorder.enqueued("level.write")[-1]["level"] is None
    assert recorder.called("end_microphone_session") == [(SPACE, BEN)]


def levels_of(recorder: Recorder) -> list[tuple[object, object]]:
    return [(w["user"], w["level"]) for w in recorder.enqueued("level.write")]


async def test_a_role_is_written_told_and_taken_back(spaces: Spaces, recorder: Recorder) -> None:
    await spaces.ask(SPACE, cmd.AppointCohost(HOST, BEN))
    assert levels_of(recorder) == [(BEN, 60)]
    await spaces.ask(SPACE, cmd.DismissCohost(HOST, BEN))
    assert levels_of(recorder)[1:] == [(BEN, None)]
    await cohost(spaces)
    assert "co-host" in str(recorder.enqueued("person.tell")[-1]["text"])
    await spaces.ask(SPACE, cmd.DismissCohost(HOST, BEN))
    assert levels_of(recorder)[-1] == (BEN, 10)


async def test_a_cancelled_hand_over_leaves_the_level_that_was_there(
    spaces: Spaces, recorder: Recorder
) -> None:
    await cohost(spaces)
    await spaces.ask(SPACE, cmd.HandOver(HOST, BEN))
    await spaces.ask(SPACE, cmd.CancelRequest(BEN))
    assert levels_of(recorder)[-2:] == [(BEN, 90), (BEN, 60)]


async def test_a_refused_role_is_told_to_the_hosts_and_nothing_more_is_written(
    spaces: Spaces, recorder: Recorder
) -> None:
    await spaces.ask(SPACE, cmd.AppointCohost(HOST, BEN))
    await spaces.ask(SPACE, cmd.ObserveRefusedGrant(BEN, "M_FORBIDDEN"))
    assert recorder.enqueued("person.tell")[-1]["user"] == HOST
    assert levels_of(recorder) == [(BEN, 60)]


async def test_an_overruled_level_is_put_back_with_a_word_to_whoever_gave_it(
    spaces: Spaces, recorder: Recorder
) -> None:
    await spaces.ask(SPACE, cmd.ObserveLevels({HOST: 90, BEN: 90}, by=HOST))
    assert levels_of(recorder) == [(BEN, None)]
    assert recorder.enqueued("person.tell")[-1]["user"] == HOST
    await enter(spaces, EVE)
    await spaces.ask(SPACE, cmd.ObserveLevels({HOST: 90, EVE: 90}))
    assert len(recorder.enqueued("person.tell")) == 1


async def test_handing_over_is_announced_and_the_old_host_steps_down(
    spaces: Spaces, recorder: Recorder
) -> None:
    await spaces.ask(SPACE, cmd.HandOver(HOST, BEN))
    recorder.calls.clear()
    await spaces.ask(SPACE, cmd.ObserveLevels({HOST: 90, BEN: 90}))
    assert recorder.enqueued("notice.post")[-1]["text"] == "Ben is the host now."
    assert recorder.enqueued("person.tell")[-1]["user"] == BEN
    assert levels_of(recorder)[-1] == (HOST, 60)
    # the new host's block list holds at once
    assert recorder.called("entered") == [(SPACE, HOST), (SPACE, BEN)]


async def test_removing_bans_cuts_the_sound_and_takes_the_level(
    spaces: Spaces, recorder: Recorder
) -> None:
    await seat(spaces)
    await spaces.ask(SPACE, cmd.RemovePerson(HOST, BEN, "enough"))
    assert recorder.enqueued("person.ban") == [{"space": SPACE, "user": BEN, "reason": "enough"}]
    assert levels_of(recorder)[-1] == (BEN, None)
    assert (SPACE, BEN) in recorder.called("end_listening")
    await spaces.ask(SPACE, cmd.ReadmitPerson(HOST, BEN))
    assert recorder.enqueued("person.unban") == [{"space": SPACE, "user": BEN}]
    assert recorder.called("readmitted") == [(SPACE, BEN, HOST)]


async def test_a_ban_from_a_client_needs_no_second_one_and_guests_none_at_all(
    spaces: Spaces, recorder: Recorder
) -> None:
    await spaces.ask(SPACE, cmd.ObserveMember(BEN, joined=False, banned=True, by=HOST))
    await spaces.ask(SPACE, cmd.RequestToSpeak(GUEST, 1, name="Zoe", guest=True))
    await spaces.ask(SPACE, cmd.RemovePerson(HOST, GUEST))
    assert not recorder.enqueued("person.ban")
    assert recorder.called("end_listening") == [(SPACE, BEN), (SPACE, GUEST)]


async def test_the_end_lets_the_removed_in_again_and_keeps_the_blocked_out(
    spaces: Spaces, recorder: Recorder
) -> None:
    await spaces.ask(SPACE, cmd.RemovePerson(HOST, BEN))
    await spaces.ask(SPACE, cmd.RemovePerson(HOST, EVE, blocked=True))
    await spaces.ask(SPACE, cmd.EndSpace(None, 20_000))
    assert recorder.enqueued("person.unban") == [{"space": SPACE, "user": BEN}]
    assert recorder.enqueued("notice.post")[-1]["text"] == "This live space has ended."


async def test_locking_and_chat_arrange_the_room(spaces: Spaces, recorder: Recorder) -> None:
    await spaces.ask(SPACE, cmd.RequestToSpeak(BEN, 1, reaction=EventId("$hand")))
    await spaces.ask(SPACE, cmd.LockSpace(HOST))
    assert recorder.enqueued("reaction.redact")[-1]["event"] == "$hand"
    assert recorder.enqueued("room_permissions.write") == [{"space": SPACE}]
    await spaces.ask(SPACE, cmd.UnlockSpace(HOST))
    await spaces.ask(SPACE, cmd.SetChat(HOST, on=False))
    assert len(recorder.enqueued("notice.post")) == 2


async def test_guests_off_hangs_up_on_every_guest(spaces: Spaces, recorder: Recorder) -> None:
    await spaces.ask(SPACE, cmd.SetGuests(HOST, GuestPolicy.LISTEN))
    assert not recorder.called("end_guests")
    await spaces.ask(SPACE, cmd.SetGuests(HOST, GuestPolicy.OFF))
    assert recorder.called("end_guests") == [(SPACE,)]


async def test_an_invitation_to_speak_is_offered_and_its_refusal_told(
    spaces: Spaces, recorder: Recorder
) -> None:
    await spaces.ask(SPACE, cmd.BringSpeaker(HOST, BEN))
    assert recorder.enqueued("stage_invitation.send") == [
        {"space": SPACE, "user": BEN, "by": HOST}
    ]
    await spaces.ask(SPACE, cmd.DeclineInvitation(BEN))
    assert recorder.enqueued("person.tell")[-1]["user"] == HOST


async def test_mutes_are_told_and_lifted_in_words(spaces: Spaces, recorder: Recorder) -> None:
    await seat(spaces)
    await spaces.ask(SPACE, cmd.MuteSpeaker(HOST, BEN))
    await spaces.ask(SPACE, cmd.UnmuteSpeaker(HOST, BEN))
    words = [str(w["text"]) for w in recorder.enqueued("person.tell")]
    assert "muted you" in words[-2]
    assert "on again" in words[-1]
    await spaces.ask(SPACE, cmd.MuteAll(HOST))
    await spaces.ask(SPACE, cmd.DemoteSpeaker(HOST, BEN))
    await spaces.ask(SPACE, cmd.ObserveLevels({HOST: 90}))
    told = len(recorder.enqueued("person.tell"))
    await spaces.ask(SPACE, cmd.BringSpeaker(HOST, BEN))
    assert len(recorder.enqueued("person.tell")) == told


async def test_a_ghost_is_called_guest_once_a_host_looks_like_it(
    spaces: Spaces, recorder: Recorder
) -> None:
    await approve_guest(spaces)
    await spaces.ask(SPACE, cmd.ObserveMember(GUEST, joined=True, name="Zoe (guest)"))
    await spaces.ask(SPACE, cmd.ObserveLevels({HOST: 90, GUEST: 10}))
    await spaces.ask(SPACE, cmd.ObserveMember(EVE, joined=True, name="Zое"))
    assert not recorder.enqueued("guest.hide_name")
    await spaces.ask(SPACE, cmd.AppointCohost(HOST, EVE))
    assert recorder.enqueued("guest.hide_name") == [{"space": SPACE, "user": GUEST}]
    await spaces.ask(SPACE, cmd.ObserveMember(GUEST, joined=True, name="Guest (guest)"))
    await spaces.ask(SPACE, cmd.ObserveLevels({HOST: 90, EVE: 60, GUEST: 10}))
    assert len(recorder.enqueued("guest.hide_name")) == 1


async def test_a_guest_approved_under_the_new_hosts_name_is_seated_without_it(
    spaces: Spaces, recorder: Recorder
) -> None:
    await spaces.ask(SPACE, cmd.RequestToSpeak(GUEST, 1, name="Zoe", guest=True))
    await spaces.ask(SPACE, cmd.ObserveMember(HOST, joined=True, name="Zoé"))
    await spaces.ask(SPACE, cmd.ApproveSpeaker(HOST, GUEST))
    assert recorder.enqueued("guest.join") == [{"space": SPACE, "user": GUEST, "name": "Guest"}]
