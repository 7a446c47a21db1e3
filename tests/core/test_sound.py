"""Microphones and mutes."""

import pytest

from spaces_bridge.core import commands as cmd
from spaces_bridge.core.roles import Role
from spaces_bridge.core.rules import decide
from tests.core.support import CAT, on_stage, refused, with_cohost
from tests.support.spaces import BEN, EVE, HOST, ROOM, after, live_space, scheduled

pytestmark = pytest.mark.unit


def test_the_level_of_the_homeserver_grants_and_the_own_act_opens() -> None:
    space = on_stage()
    assert space.role(BEN) is Role.SPEAKER
    assert BEN not in space.requests
    assert not space.on_air
    space = after(space, cmd.OpenMicrophone(BEN))
    assert space.on_air == {BEN}
    assert decide(space, cmd.OpenMicrophone(BEN)) == []


def test_a_mute_shuts_the_microphone_and_only_a_moderator_above_lifts_it() -> None:
    space = after(with_cohost(), cmd.OpenMicrophone(BEN), cmd.MuteSpeaker(CAT, BEN))
    assert not space.on_air
    assert refused(space, cmd.OpenMicrophone(BEN)) == "muted"
    assert refused(space, cmd.MuteSpeaker(CAT, BEN)) == "already_muted"
    assert refused(space, cmd.UnmuteSpeaker(BEN, BEN)) == "not_moderator"
    space = after(space, cmd.UnmuteSpeaker(HOST, BEN))
    assert not space.on_air
    assert after(space, cmd.OpenMicrophone(BEN)).on_air == {BEN}
    assert refused(space, cmd.UnmuteSpeaker(CAT, BEN)) == "not_muted"


def test_who_may_be_muted_by_whom() -> None:
    space = with_cohost()
    assert refused(space, cmd.MuteSpeaker(CAT, HOST)) == "too_high"
    assert refused(space, cmd.MuteSpeaker(CAT, EVE)) == "not_speaker"
    assert refused(space, cmd.MuteSpeaker(BEN, CAT)) == "not_moderator"
    assert refused(after(scheduled(), cmd.AttachRoom(ROOM)), cmd.MuteSpeaker(HOST, BEN))
    space = after(space, cmd.MuteSpeaker(HOST, CAT))
    assert refused(space, cmd.UnmuteSpeaker(CAT, CAT)) == "own_mute"
    second = after(space, cmd.AppointCohost(HOST, BEN))
    second = after(second, cmd.ObserveLevels({HOST: 90, CAT: 60, BEN: 60}))
    assert refused(second, cmd.UnmuteSpeaker(BEN, CAT)) == "too_high"


def test_muting_all_leaves_hosts_alone_and_says_when_nobody_is_left() -> None:
    space = after(with_cohost(), cmd.OpenMicrophone(BEN), cmd.OpenMicrophone(CAT))
    space = after(space, cmd.MuteAll(CAT))
    assert space.on_air == {CAT}
    assert space.muted == {BEN}
    assert refused(space, cmd.MuteAll(CAT)) == "nobody"


def test_muting_all_spares_a_host_who_holds_a_speakers_level() -> None:
    space = after(with_cohost(), cmd.ObserveLevels({HOST: 10, CAT: 60, BEN: 10}))
    space = after(space, cmd.MuteAll(CAT))
    assert space.muted == {BEN}


def test_a_mute_outlives_floor_and_visit() -> None:
    space = after(with_cohost(), cmd.MuteSpeaker(CAT, BEN))
    space = after(space, cmd.ObserveMember(BEN, joined=False))
    space = after(space, cmd.ObserveLevels({HOST: 90, CAT: 60}))
    space = after(space, cmd.ObserveMember(BEN, joined=True, name="Ben"))
    space = after(space, cmd.ObserveLevels({HOST: 90, CAT: 60, BEN: 10}))
    assert refused(space, cmd.OpenMicrophone(BEN)) == "muted"
    assert space.stage[-1].user == BEN


def test_unmuting_lowers_the_hand_that_asked_for_it() -> None:
    space = after(with_cohost(), cmd.MuteSpeaker(CAT, BEN), cmd.RequestToSpeak(BEN, 3))
    assert not after(space, cmd.UnmuteSpeaker(CAT, BEN)).requests


def test_closing_what_is_shut_does_nothing() -> None:
    assert decide(live_space(), cmd.CloseMicrophone(BEN)) == []
    assert decide(live_space(), cmd.SuspectLoss(BEN)) == []


def test_who_may_mute_somebody_says_how_loud_they_are() -> None:
    space = with_cohost()
    assert dict(space.volumes) == {}
    space = after(space, cmd.SetVolume(CAT, BEN, 80))
    assert space.volumes == {BEN: 80}
    assert list(decide(space, cmd.SetVolume(HOST, BEN, 80))) == []
    assert after(space, cmd.SetVolume(HOST, BEN, 0)).volumes == {BEN: 0}
    assert not after(space, cmd.SetVolume(HOST, BEN, None)).volumes
    assert refused(space, cmd.SetVolume(CAT, HOST, 80)) == "too_high"
    assert refused(space, cmd.SetVolume(BEN, CAT, 80)) == "not_moderator"
    assert refused(space, cmd.SetVolume(CAT, EVE, 80)) == "not_speaker"
    for percent in (-1, 201):
        assert refused(space, cmd.SetVolume(CAT, BEN, percent)) == "bad_volume"


def test_a_volume_stays_with_somebody_who_leaves_the_stage() -> None:
    space = after(with_cohost(), cmd.SetVolume(CAT, BEN, 80), cmd.DemoteSpeaker(CAT, BEN))
    assert space.volumes == {BEN: 80}
