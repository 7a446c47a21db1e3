"""The stage in a call: who publishes, who is heard, and what becomes of it at each change."""

from collections.abc import AsyncIterator

import pytest
from livekit.protocol import models, rtc

from spaces_bridge.core import commands as cmd
from spaces_bridge.core.errors import Rejected
from spaces_bridge.core.ids import SpaceId
from tests.livekit.call_world import (
    ALICE,
    ALICE_ID,
    BOB,
    BOB_ID,
    BOT_ID,
    HOST,
    LISTENS,
    SPACE,
    SPEAKER,
    SPEAKS,
    CallWorld,
    Held,
    RawClient,
    call_world,
    microphone,
    offer,
)

pytestmark = pytest.mark.peers


@pytest.fixture
async def world() -> AsyncIterator[CallWorld]:
    async with call_world() as running:
        await running.seat(ALICE, "Alice", SPEAKER)
        await running.seat(BOB, "Bob")
        yield running


@pytest.fixture
async def bob(world: CallWorld) -> AsyncIterator[RawClient]:
    """A listener, connected."""
    async with world.raw(BOB) as client:
        await client.next("join")
        await client.send(offer=offer(LISTENS))
        await client.next("answer")
        yield client


@pytest.fixture
async def alice(world: CallWorld) -> AsyncIterator[RawClient]:
    """A speaker, connected, not heard yet."""
    async with world.raw(ALICE) as client:
        await client.next("join")
        await client.send(offer=offer(LISTENS))
        await client.next("answer")
        world.stage.connect(ALICE)
        yield client


async def publishes(client: RawClient, cid: str = "cid", *, muted: bool = False) -> str:
    """The client publishes its microphone; return the track's id."""
    await client.send(add_track=microphone(cid, muted=muted))
    published = (await client.next("track_published")).track_published
    assert published.cid == cid
    await client.send(offer=offer(SPEAKS, 2))
    await client.next("answer")
    return published.track.sid


async def on_air(world: CallWorld, *users: str) -> None:
    await world.until(lambda: world.view.on_air == set(users))


def track_of(info: models.ParticipantInfo, sid: str) -> models.TrackInfo:
    (track,) = (track for track in info.tracks if track.sid == sid)
    return track


# --- publishing ---------------------------------------------------------------------------------
async def test_a_speaker_is_heard_when_the_transport_is_up_and_not_before(
    world: CallWorld, bob: RawClient
) -> None:
    async with world.raw(ALICE) as alice:
        sid = await publishes(alice)
        told = await bob.info_of(ALICE_ID, lambda info: info.tracks)
        assert track_of(told, sid).source == models.MICROPHONE
        await world.settled()
        assert world.view.on_air == set()
        world.stage.connect(ALICE)
        await on_air(world, ALICE)
        await bob.next("media_sections_requirement")
        await bob.send(offer=offer(LISTENS, 2))
        answered = (await bob.next("answer")).answer
        assert dict(answered.mid_to_track_id) == {"0": sid}
        stream = world.stage.streams[world.stage.session_of(BOB)][0]
        assert stream.stream == f"{told.sid}|{sid}"


async def test_a_listener_cannot_publish_nor_a_speaker_a_camera(
    alice: RawClient, bob: RawClient, world: CallWorld
) -> None:
    await bob.send(add_track=microphone())
    refused = (await bob.next("request_response")).request_response
    assert refused.reason == rtc.RequestResponse.NOT_ALLOWED
    assert refused.add_track.cid == "cid"
    assert refused.message.endswith(".")
    await bob.send(offer=offer(SPEAKS, 2))
    await bob.next("answer")
    world.stage.connect(BOB)
    for track in (
        rtc.AddTrackRequest(cid="c", type=models.VIDEO, source=models.CAMERA),
        rtc.AddTrackRequest(cid="c", type=models.AUDIO, source=models.SCREEN_SHARE_AUDIO),
        rtc.AddTrackRequest(cid="", type=models.AUDIO, source=models.MICROPHONE),
        rtc.AddTrackRequest(
            cid="c",
            type=models.AUDIO,
            source=models.MICROPHONE,
            encryption=models.Encryption.GCM,
        ),
    ):
        await alice.send(add_track=track)
        refused = (await alice.next("request_response")).request_response
        assert refused.reason == rtc.RequestResponse.NOT_ALLOWED
    await world.settled()
    assert world.view.on_air == set()


async def test_a_microphone_published_muted_stays_shut_until_it_is_unmuted(
    world: CallWorld, alice: RawClient
) -> None:
    sid = await publishes(alice, muted=True)
    await world.settled()
    assert world.view.on_air == set()
    await alice.send(mute=rtc.MuteTrackRequest(sid=sid, muted=False))
    await on_air(world, ALICE)


async def test_muting_closes_the_microphone_and_unmuting_opens_it(
    world: CallWorld, alice: RawClient, bob: RawClient
) -> None:
    sid = await publishes(alice)
    await on_air(world, ALICE)
    await alice.send(mute=rtc.MuteTrackRequest(sid=sid, muted=True))
    await bob.info_of(ALICE_ID, lambda info: info.tracks and track_of(info, sid).muted)
    await on_air(world)
    await alice.send(mute=rtc.MuteTrackRequest(sid="TR_other", muted=False))
    await alice.send(mute=rtc.MuteTrackRequest(sid=sid, muted=False))
    await bob.info_of(ALICE_ID, lambda info: info.tracks and not track_of(info, sid).muted)
    await on_air(world, ALICE)


async def test_a_client_that_stops_sending_has_unpublished(
    world: CallWorld, alice: RawClient, bob: RawClient
) -> None:
    first = await publishes(alice)
    await on_air(world, ALICE)
    await alice.send(offer=offer(LISTENS, 3))
    assert (await alice.next("track_unpublished")).track_unpublished.track_sid == first
    await bob.info_of(ALICE_ID, lambda info: not info.tracks)
    await on_air(world)
    second = await publishes(alice, "another")
    assert second != first
    await on_air(world, ALICE)


async def test_who_leaves_is_not_heard_any_more(world: CallWorld, alice: RawClient) -> None:
    await publishes(alice)
    await on_air(world, ALICE)
    await alice.send(leave=rtc.LeaveRequest())
    await on_air(world)


# --- the floor ----------------------------------------------------------------------------------
async def test_a_granted_floor_lets_publish_and_a_lost_one_unpublishes(
    world: CallWorld, bob: RawClient
) -> None:
    await world.levels({BOB: SPEAKER})
    await bob.info_of(BOB_ID, lambda info: info.permission.can_publish)
    world.stage.connect(BOB)
    sid = await publishes(bob)
    await on_air(world, BOB)
    await world.spaces.ask(SPACE, cmd.DemoteSpeaker(HOST, BOB))
    assert (await bob.next("track_unpublished")).track_unpublished.track_sid == sid
    told = await bob.info_of(BOB_ID, lambda info: not info.permission.can_publish)
    assert not told.tracks
    await world.levels({BOB: None})
    await world.levels({BOB: SPEAKER})
    await bob.info_of(BOB_ID, lambda info: info.permission.can_publish)
    await world.settled()
    assert world.view.on_air == set()  # by their own act, or not at all


async def test_a_hosts_mute_mutes_the_client_and_unmuting_does_not_help(
    world: CallWorld, alice: RawClient
) -> None:
    sid = await publishes(alice)
    await on_air(world, ALICE)
    await world.spaces.ask(SPACE, cmd.MuteSpeaker(HOST, ALICE))
    told = (await alice.next("mute")).mute
    assert (told.sid, told.muted) == (sid, True)
    await alice.send(mute=rtc.MuteTrackRequest(sid=sid, muted=False))
    assert (await alice.next("mute")).mute.muted
    assert world.view.on_air == set()
    await world.spaces.ask(SPACE, cmd.UnmuteSpeaker(HOST, ALICE))
    await alice.send(mute=rtc.MuteTrackRequest(sid=sid, muted=False))
    await on_air(world, ALICE)


async def test_a_hint_of_a_lost_floor_mutes_and_a_look_lets_go_on(
    world: CallWorld, alice: RawClient
) -> None:
    sid = await publishes(alice)
    await on_air(world, ALICE)
    world.spaces.tell(SPACE, cmd.SuspectLoss(ALICE))
    assert (await alice.next("mute")).mute.sid == sid
    await world.levels({ALICE: SPEAKER})
    await alice.send(mute=rtc.MuteTrackRequest(sid=sid, muted=False))
    await on_air(world, ALICE)


async def test_who_is_removed_is_disconnected_and_so_is_everybody_at_the_end(
    world: CallWorld, alice: RawClient, bob: RawClient
) -> None:
    await world.spaces.ask(SPACE, cmd.RemovePerson(HOST, BOB))
    left = (await bob.next("leave")).leave
    assert left.reason == models.PARTICIPANT_REMOVED
    assert left.action == rtc.LeaveRequest.DISCONNECT
    await bob.closed()
    await world.spaces.ask(SPACE, cmd.EndSpace(HOST, 9_000))
    assert (await alice.next("leave")).leave.reason == models.ROOM_DELETED
    await alice.closed()
    assert world.rooms.room(SPACE) is None


async def test_who_leaves_the_room_is_disconnected(world: CallWorld, bob: RawClient) -> None:
    await world.spaces.ask(SPACE, cmd.ObserveMember(BOB, joined=False))
    assert (await bob.next("leave")).leave.reason == models.PARTICIPANT_REMOVED


# --- several devices, and the page --------------------------------------------------------------
async def test_the_newest_microphone_of_a_person_mutes_their_other_devices(
    world: CallWorld, alice: RawClient, bob: RawClient
) -> None:
    first = await publishes(alice)
    await on_air(world, ALICE)
    async with world.raw(ALICE, "OTHER") as other:
        await other.next("join")
        second = await publishes(other)
        world.stage.connect(ALICE)
        assert (await alice.next("mute")).mute.sid == first
        await world.until(lambda: world.tracks_for(BOB) == [second])
        assert world.view.on_air == {ALICE}
        await alice.send(leave=rtc.LeaveRequest())
        await bob.info_of(ALICE_ID, lambda info: info.state == models.ParticipantInfo.DISCONNECTED)
        await world.settled()
        assert world.view.on_air == {ALICE}
        await alice.closed()


async def test_a_speaker_on_the_page_is_a_track_of_the_bot(
    world: CallWorld, bob: RawClient
) -> None:
    await world.spaces.ask(SPACE, cmd.OpenMicrophone(HOST))
    told = await bob.info_of(BOT_ID, lambda info: info.tracks)
    (track,) = told.tracks
    assert (track.name, track.muted) == ("Hanna", False)
    assert world.tracks_for(BOB) == [track.sid]
    await world.spaces.ask(SPACE, cmd.CloseMicrophone(HOST))
    told = await bob.info_of(BOT_ID, lambda info: info.tracks and info.tracks[0].muted)
    assert told.tracks[0].sid == track.sid
    await world.levels({HOST: None})
    await bob.info_of(BOT_ID, lambda info: not info.tracks)
    assert world.tracks_for(BOB) == []


async def test_nobody_is_sent_what_they_say_themselves(world: CallWorld, alice: RawClient) -> None:
    await world.spaces.ask(SPACE, cmd.OpenMicrophone(ALICE))  # on the page
    await alice.info_of(BOT_ID, lambda info: info.tracks)
    assert world.tracks_for(ALICE) == []
    sid = await publishes(alice)
    await world.until(lambda: world.all_tracks() == [sid])
    assert world.tracks_for(ALICE) == []


# --- negotiations -------------------------------------------------------------------------------
async def test_a_client_is_asked_for_as_many_sections_as_lack(
    world: CallWorld, bob: RawClient
) -> None:
    for user in (HOST, ALICE):
        await world.spaces.ask(SPACE, cmd.OpenMicrophone(user))
        needed = (await bob.next("media_sections_requirement")).media_sections_requirement
        assert needed.num_audios == 0  # three are free
    await bob.send(offer=offer("v=0\r\nm=audio 9 x\r\n", 2))  # it has lost two of them
    assert len((await bob.next("answer")).answer.mid_to_track_id) == 1
    needed = (await bob.next("media_sections_requirement")).media_sections_requirement
    assert needed.num_audios == 1
    await bob.send(offer=offer("v=0\r\nm=audio 9 x\r\nm=audio 9 x\r\n", 3))
    assert len((await bob.next("answer")).answer.mid_to_track_id) == 2


async def test_a_client_that_offers_no_sections_is_not_asked_for_ever(
    world: CallWorld, bob: RawClient
) -> None:
    await world.spaces.ask(SPACE, cmd.OpenMicrophone(HOST))
    await bob.next("media_sections_requirement")
    for number in range(2, 8):
        await bob.send(offer=offer("v=0\r\n", number))
        await bob.next("answer")
    await bob.send(ping=1)
    await bob.next("pong")
    asked = [seen for seen in bob.seen if seen.WhichOneof("message").startswith("media")]
    assert len(asked) == 3


async def test_a_client_may_want_some_tracks_only(world: CallWorld, bob: RawClient) -> None:
    await world.spaces.ask(SPACE, cmd.OpenMicrophone(HOST))
    (track,) = (await bob.info_of(BOT_ID, lambda info: info.tracks)).tracks
    unwanted = models.ParticipantTracks(participant_sid="PA", track_sids=[track.sid])
    wish = rtc.UpdateSubscription(participant_tracks=[unwanted], subscribe=False)
    await bob.send(subscription=wish)
    await bob.send(ping=1)
    await bob.next("pong")
    assert world.tracks_for(BOB) == []
    await bob.send(subscription=rtc.UpdateSubscription(track_sids=[track.sid], subscribe=True))
    await bob.send(ping=1)
    await bob.next("pong")
    assert world.tracks_for(BOB) == [track.sid]


async def test_two_connections_are_offered_the_streams_and_offer_the_microphone(
    world: CallWorld,
) -> None:
    async with world.raw(ALICE, path="/rtc", auto_subscribe="1") as alice:
        assert (await alice.next("join")).join.subscriber_primary
        first = (await alice.next("offer")).offer
        assert (first.id, dict(first.mid_to_track_id)) == (1, {})
        await world.spaces.ask(SPACE, cmd.OpenMicrophone(HOST))
        await alice.send(answer=rtc.SessionDescription(type="answer", sdp="one", id=1))
        second = (await alice.next("offer")).offer
        assert (second.id, len(second.mid_to_track_id)) == (2, 1)
        await alice.send(answer=rtc.SessionDescription(type="answer", sdp="two", id=2))
        await publishes(alice)
        assert world.stage.accepted == ["one", "two"]
        world.stage.connect(ALICE)
        await on_air(world, ALICE, HOST)
        await alice.send(leave=rtc.LeaveRequest())
        await alice.closed()
        assert len(world.recorder.hung_up) == 2


async def test_the_speaking_are_told_when_their_loudness_changes(
    world: CallWorld, alice: RawClient, bob: RawClient
) -> None:
    await world.spaces.ask(SPACE, cmd.OpenMicrophone(HOST))
    await publishes(alice)
    await on_air(world, ALICE, HOST)
    room = world.rooms.room(SPACE)
    assert room is not None
    sids = {info.identity: info.sid for info in room.infos()}
    world.rooms.levels(SPACE, {ALICE: 62, HOST: 0})
    (speaker,) = (await bob.next("speakers_changed")).speakers_changed.speakers
    seen = (speaker.sid, speaker.active, round(speaker.level, 1))
    assert seen == (sids[ALICE_ID], True, 0.6)
    world.rooms.levels(SPACE, {ALICE: 62, HOST: 0})
    world.rooms.levels(SPACE, {ALICE: 0, HOST: 90})
    changed = (await bob.next("speakers_changed")).speakers_changed.speakers
    assert {(s.sid, s.active) for s in changed} == {(sids[ALICE_ID], False), (sids[BOT_ID], True)}


async def test_who_leaves_the_call_is_no_speaker_on_the_page_for_a_moment(
    world: CallWorld, alice: RawClient, bob: RawClient
) -> None:
    await publishes(alice)
    await on_air(world, ALICE)
    await alice.send(leave=rtc.LeaveRequest())
    await alice.closed()
    await on_air(world)
    await bob.send(ping=1)
    await bob.next("pong")
    updates = [seen.update for seen in bob.seen if seen.WhichOneof("message") == "update"]
    bots = [info for told in updates for info in told.participants if info.identity == BOT_ID]
    assert not [info for info in bots if info.tracks]
    await world.speak_on_page(ALICE)
    await bob.info_of(BOT_ID, lambda info: info.tracks)


async def test_a_microphone_published_anew_while_the_first_opens_is_open_in_the_end(
    world: CallWorld, alice: RawClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    held, ask = Held(), world.spaces.ask

    async def slow(space: SpaceId, command: cmd.Command, source: str | None = None) -> object:
        if isinstance(command, cmd.OpenMicrophone):
            held.reached.set()
            await held.go.wait()
        return await ask(space, command, source)

    monkeypatch.setattr(world.spaces, "ask", slow)
    await publishes(alice)
    await held.reached.wait()
    await alice.send(offer=offer(LISTENS, 3))  # it sends nothing any more
    await alice.next("track_unpublished")
    second = await publishes(alice, "another")
    held.go.set()
    told = await alice.info_of(ALICE_ID, lambda info: info.tracks)
    assert not track_of(told, second).muted
    await on_air(world, ALICE)
    await world.settled()
    assert world.view.on_air == {ALICE}


async def test_of_microphones_that_are_refused_one_after_the_other_each_is_muted(
    world: CallWorld, alice: RawClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    held, ask, refused = Held(), world.spaces.ask, []

    async def refusing(space: SpaceId, command: cmd.Command, source: str | None = None) -> object:
        if not isinstance(command, cmd.OpenMicrophone):
            return await ask(space, command, source)
        held.reached.set()
        await held.go.wait()
        refused.append(command)
        raise Rejected("muted", "A host has muted you.")

    monkeypatch.setattr(world.spaces, "ask", refusing)
    await publishes(alice)
    await held.reached.wait()
    second = await publishes(alice, "another")
    held.go.set()
    assert (await alice.next("mute")).mute.sid == second
    assert len(refused) == 2
