"""LiveKit's signalling word by word: who is let in, and what a client is told of the call."""

import gzip
import logging
from base64 import b64encode
from collections.abc import AsyncIterator
from dataclasses import replace

import aiohttp
import pytest
from livekit.protocol import models, rtc

from spaces_bridge.core import commands as cmd
from spaces_bridge.core.ids import SpaceId
from spaces_bridge.livekit import signalling
from spaces_bridge.livekit.limits import JOIN_REQUEST_MAX, MESSAGE_MAX, MESSAGES_BURST
from spaces_bridge.livekit.names import room_name
from spaces_bridge.livekit.tokens import CallGrant, TokenSigner
from tests.livekit.call_world import (
    ALICE,
    ALICE_ID,
    BOB,
    BOB_ID,
    BOT_ID,
    HOST,
    LISTENS,
    ROOM,
    SPACE,
    SPEAKER,
    CallWorld,
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


def join_request(request: rtc.JoinRequest, *, compressed: bool = True) -> str:
    content = request.SerializeToString()
    wrapped = rtc.WrappedJoinRequest(
        compression=rtc.WrappedJoinRequest.GZIP if compressed else rtc.WrappedJoinRequest.NONE,
        join_request=gzip.compress(content) if compressed else content,
    )
    return b64encode(wrapped.SerializeToString(), b"-_").decode()


async def refusal(world: CallWorld, path: str, **query: str) -> tuple[int, str]:
    """How a connection is refused: the status, and the sentence."""
    async with world.http.get(
        world.url(path), params=query, headers={"Upgrade": "websocket", "Connection": "Upgrade"}
    ) as answer:
        return answer.status, await answer.text()


# --- coming in ----------------------------------------------------------------------------------
async def test_a_client_joins_and_is_told_who_is_there(world: CallWorld) -> None:
    async with world.raw(BOB) as bob, world.raw(ALICE) as alice:
        joined = (await bob.next("join")).join
        assert joined.room.name == room_name(ROOM)
        assert [p.identity for p in joined.other_participants] == [BOT_ID]
        assert not joined.participant.permission.can_publish
        assert not joined.subscriber_primary
        joined = (await alice.next("join")).join
        assert (joined.participant.identity, joined.participant.name) == (ALICE_ID, "Alice")
        assert joined.participant.permission.can_publish
        assert list(joined.participant.permission.can_publish_sources) == [models.MICROPHONE]
        assert {p.identity for p in joined.other_participants} == {BOT_ID, BOB_ID}
        told = await bob.info_of(ALICE_ID, lambda info: info.permission.can_publish)
        assert told.sid == joined.participant.sid
        await alice.send(offer=offer(LISTENS, 7))
        answered = (await alice.next("answer")).answer
        assert (answered.id, answered.type) == (7, "answer")


@pytest.mark.parametrize("compressed", [True, False])
async def test_an_offer_that_comes_with_the_join_request_is_answered(
    world: CallWorld, compressed: bool
) -> None:
    request = rtc.JoinRequest(publisher_offer=offer(LISTENS, 3))
    text = join_request(request, compressed=compressed)
    async with world.raw(BOB, join_request=text) as bob:
        await bob.next("join")
        assert (await bob.next("answer")).answer.id == 3


async def test_the_bearer_of_a_good_token_may_ask_whether_it_is_good(world: CallWorld) -> None:
    bearer = {"Authorization": f"Bearer {world.token(BOB)}"}
    for path in ("/rtc/validate", "/rtc/v1/validate"):
        async with world.http.get(world.url(path), headers=bearer) as answer:
            assert answer.status == 200
    async with world.http.get(world.url("/rtc/v1"), headers=bearer) as answer:
        assert answer.status == 426


@pytest.mark.parametrize("path", ["/rtc", "/rtc/v1"])
async def test_a_proxy_that_lets_no_websocket_through_is_named_once_in_the_log(
    world: CallWorld, path: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def status(token: str, **headers: str) -> int:
        bearer = {"Authorization": f"Bearer {token}"} | headers
        async with world.http.get(world.url(path), headers=bearer) as answer:
            return answer.status

    with caplog.at_level(logging.WARNING, signalling.__name__):
        assert await status("nobody's") == 426
        assert await status("nobody's", Upgrade="websocket", Connection="close") == 426
        assert (
            await status("nobody's", Upgrade="websocket", Connection="keep-alive, Upgrade") == 401
        )
        assert caplog.messages == []  # no client of calls came
        assert [await status(world.token(BOB)) for _ in range(3)] == [426] * 3
    [line] = caplog.messages
    assert "does the reverse proxy hand on `Upgrade`" in line


@pytest.mark.parametrize("path", ["/rtc", "/rtc/v1", "/rtc/validate", "/rtc/v1/validate"])
async def test_tokens_that_are_not_ours_or_let_nobody_in_are_refused(
    world: CallWorld, path: str
) -> None:
    foreign = TokenSigner("key", "another-secret-of-forty-digits-000000000")
    expired = TokenSigner("key", world.secret, now=lambda: 1_000_000.0)
    grant = CallGrant(room_name(ROOM), BOB_ID, "Bob", BOB, SPACE, join=True)
    for token in (
        "",
        "ab.cd.ef",
        foreign.issue(grant),
        expired.issue(grant),
        world.signer.issue(replace(grant, user=None)),
        world.signer.issue(replace(grant, space=None)),
        world.signer.issue(replace(grant, join=False)),
    ):
        status, said = await refusal(world, path, access_token=token)
        assert (status, said[-1:]) == (401, ".")


@pytest.mark.parametrize("path", ["/rtc", "/rtc/v1", "/rtc/validate", "/rtc/v1/validate"])
async def test_who_is_not_in_the_live_space_is_kept_out(world: CallWorld, path: str) -> None:
    await world.spaces.ask(SPACE, cmd.RemovePerson(HOST, BOB))
    elsewhere = world.token(ALICE, space=SpaceId("another"))
    for token in (world.token(BOB), elsewhere):
        status, said = await refusal(world, path, access_token=token)
        assert (status, said[-1:]) == (403, ".")


async def test_join_requests_that_cannot_be_read_are_refused(world: CallWorld) -> None:
    bomb = gzip.compress(bytes(JOIN_REQUEST_MAX + 1))
    cut = gzip.compress(b"much that is cut short")[:-9]
    gzip_kind = rtc.WrappedJoinRequest.GZIP
    wrapped = [
        rtc.WrappedJoinRequest(compression=gzip_kind, join_request=content).SerializeToString()
        for content in (bomb, cut, b"no gzip")
    ]
    texts = ["é", "not base64!", b64encode(b"\xff\xff").decode()]
    for text in (*texts, *(b64encode(content).decode() for content in wrapped)):
        token = world.token(BOB)
        status, said = await refusal(world, "/rtc/v1", access_token=token, join_request=text)
        assert (status, said[-1:]) == (400, "."), text


async def test_one_person_has_a_few_devices_in_a_call_and_the_next_is_refused(
    world: CallWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("spaces_bridge.livekit.rooms.DEVICES_MAX", 1)
    async with world.raw(BOB) as bob:
        await bob.next("join")
        token = world.token(BOB, "OTHER")
        status, said = await refusal(world, "/rtc/v1", access_token=token)
        assert status == 429
        assert "too many devices" in said
        async with world.raw(BOB) as again:  # the same device comes anew
            await again.next("join")


async def test_a_full_call_is_said_to_be_full(
    world: CallWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("spaces_bridge.livekit.rooms.PARTICIPANTS_MAX", 1)
    async with world.raw(ALICE) as alice:
        await alice.next("join")
        status, said = await refusal(world, "/rtc", access_token=world.token(BOB))
        assert (status, "full" in said) == (429, True)


async def test_the_same_identity_joining_anew_ends_the_first(world: CallWorld) -> None:
    async with world.raw(BOB) as first, world.raw(ALICE) as alice:
        sid = (await first.next("join")).join.participant.sid
        await alice.next("join")
        async with world.raw(BOB) as second:
            left = (await first.next("leave")).leave
            assert left.reason == models.DUPLICATE_IDENTITY
            assert left.action == rtc.LeaveRequest.DISCONNECT
            await first.closed()
            await second.next("join")
            gone = await alice.info_of(
                BOB_ID, lambda info: info.state == models.ParticipantInfo.DISCONNECTED
            )
            assert gone.sid == sid
            assert (await alice.info_of(BOB_ID, lambda info: info.sid != sid)).name == "Bob"


async def test_who_joins_anew_alone_is_in_the_call(world: CallWorld) -> None:
    async with world.raw(BOB) as first:
        await first.next("join")
        async with world.raw(BOB) as second:
            await second.next("join")
            assert world.rooms.is_connected(SPACE, BOB_ID)
            await world.spaces.ask(SPACE, cmd.RemovePerson(HOST, BOB))
            assert (await second.next("leave")).leave.reason == models.PARTICIPANT_REMOVED


# --- what everybody may do ----------------------------------------------------------------------
async def test_pings_of_both_forms_are_answered(world: CallWorld) -> None:
    async with world.raw(BOB) as bob:
        await bob.send(ping=5)
        assert (await bob.next("pong")).pong > 0
        await bob.send(ping_req=rtc.Ping(timestamp=77))
        assert (await bob.next("pong_resp")).pong_resp.last_ping_timestamp == 77


async def test_attributes_are_told_to_others_within_bounds_and_names_stay(
    world: CallWorld,
) -> None:
    async with world.raw(BOB) as bob, world.raw(ALICE) as alice:
        await alice.next("join")
        wanted = rtc.UpdateParticipantMetadata(
            metadata="m", name="Bob", attributes={"hand": "up"}, request_id=4
        )
        await bob.send(update_metadata=wanted)
        answered = (await bob.next("request_response")).request_response
        assert (answered.request_id, answered.reason) == (4, rtc.RequestResponse.OK)
        told = await alice.info_of(BOB_ID, lambda info: info.metadata)
        assert dict(told.attributes) == {"hand": "up"}
        for too_much in (
            rtc.UpdateParticipantMetadata(metadata="m" * 5000),
            rtc.UpdateParticipantMetadata(attributes={"k": "v" * 5000}),
            rtc.UpdateParticipantMetadata(attributes={f"k{n}": "v" for n in range(50)}),
        ):
            await bob.send(update_metadata=too_much)
            answered = (await bob.next("request_response")).request_response
            assert answered.reason == rtc.RequestResponse.LIMIT_EXCEEDED
        await bob.send(update_metadata=rtc.UpdateParticipantMetadata(name="Hanna"))
        answered = (await bob.next("request_response")).request_response
        assert answered.reason == rtc.RequestResponse.NOT_ALLOWED


async def test_leaving_is_told_to_the_others_and_ends_the_sound(world: CallWorld) -> None:
    async with world.raw(BOB) as bob, world.raw(ALICE) as alice:
        await alice.next("join")
        await bob.send(offer=offer(LISTENS))
        await bob.next("answer")
        session = world.stage.session_of(BOB)
        await bob.send(leave=rtc.LeaveRequest(reason=models.CLIENT_INITIATED))
        gone = await alice.info_of(
            BOB_ID, lambda info: info.state == models.ParticipantInfo.DISCONNECTED
        )
        assert gone.disconnect_reason == models.CLIENT_INITIATED
        assert world.recorder.hung_up == [session]
        assert not world.rooms.is_connected(SPACE, BOB_ID)
        assert world.rooms.is_connected(SPACE, ALICE_ID)


# --- what nobody may do -------------------------------------------------------------------------
async def test_a_client_that_sends_without_end_is_disconnected(world: CallWorld) -> None:
    async with world.raw(BOB) as bob:
        await bob.next("join")
        for _ in range(MESSAGES_BURST * 2):
            await bob.send(ping=1)
        assert (await bob.next("leave")).leave.reason == models.STATE_MISMATCH
        await bob.closed()
        assert not world.rooms.is_connected(SPACE, BOB_ID)


async def test_a_client_that_offers_without_end_is_disconnected(world: CallWorld) -> None:
    async with world.raw(BOB) as bob:
        for number in range(1, 60):
            await bob.send(offer=offer(LISTENS, number))
        assert (await bob.next("leave")).leave.reason == models.STATE_MISMATCH


async def test_a_message_that_is_too_long_ends_the_connection(world: CallWorld) -> None:
    async with world.raw(BOB) as bob:
        await bob.send(offer=offer("v" * MESSAGE_MAX))
        async for _ in bob.socket:
            pass
        assert bob.socket.close_code == aiohttp.WSCloseCode.MESSAGE_TOO_BIG


async def test_what_nobody_knows_is_ignored_and_counted(world: CallWorld) -> None:
    requests = world.signalling.requests
    async with world.raw(BOB) as bob:
        for message in (b"\xff", b"", b"\xfa\x3f\x01a"):
            await bob.socket.send_bytes(message)
        await bob.socket.send_str("text")
        await bob.send(simulate=rtc.SimulateScenario(node_failure=True))
        await bob.send(trickle=rtc.TrickleRequest(candidateInit="{}"))
        await bob.send(answer=rtc.SessionDescription(type="answer", sdp="unasked"))
        await bob.send(ping=1)
        await bob.next("pong")
        assert requests.ignored == 4
        await bob.send(publish_data_track_request=rtc.PublishDataTrackRequest(pub_handle=9))
        refused = (await bob.next("request_response")).request_response
        assert refused.publish_data_track.pub_handle == 9
        assert refused.reason == rtc.RequestResponse.NOT_ALLOWED


async def test_an_offer_that_the_stage_refuses_has_the_client_join_anew(world: CallWorld) -> None:
    world.stage.refuse("There is no worker.")
    async with world.raw(BOB) as bob:
        await bob.send(offer=offer(LISTENS))
        assert (await bob.next("leave")).leave.action == rtc.LeaveRequest.RECONNECT


# --- coming back --------------------------------------------------------------------------------
async def test_a_client_whose_connection_was_lost_goes_on_where_it_was(world: CallWorld) -> None:
    async with world.raw(ALICE) as alice:
        await alice.next("join")
        async with world.raw(BOB) as bob:
            sid = (await bob.next("join")).join.participant.sid
            await bob.send(offer=offer(LISTENS))
            await bob.next("answer")
        await world.until(lambda: world.timers.running)
        async with world.raw(BOB, path="/rtc", reconnect="1", sid=sid) as back:
            await back.next("reconnect")
            everybody = (await back.next("update")).update.participants
            assert {info.identity for info in everybody} == {BOT_ID, ALICE_ID, BOB_ID}
            assert not world.timers.running
            assert world.recorder.hung_up == []
            await back.send(ping=1)
            await back.next("pong")


async def test_a_client_may_come_back_before_its_loss_is_noticed(world: CallWorld) -> None:
    async with world.raw(BOB) as bob:
        sid = (await bob.next("join")).join.participant.sid
        request = rtc.JoinRequest(reconnect=True, participant_sid=sid)
        async with world.raw(BOB, join_request=join_request(request)) as back:
            await back.next("reconnect")
            await bob.closed()
            await back.send(ping=1)
            await back.next("pong")
            assert not world.timers.running


async def test_who_comes_back_too_late_or_elsewhere_has_to_join_anew(world: CallWorld) -> None:
    async with world.raw(ALICE) as alice:
        await alice.next("join")
        async with world.raw(BOB) as bob:
            sid = (await bob.next("join")).join.participant.sid
        await world.until(lambda: world.timers.running)
        world.timers.run_out()
        gone = await alice.info_of(
            BOB_ID, lambda info: info.state == models.ParticipantInfo.DISCONNECTED
        )
        assert gone.sid == sid
        for user, device in ((BOB, "DEVICE"), (ALICE, "OTHER")):
            async with world.raw(user, device, "/rtc", reconnect="1", sid=sid) as back:
                left = (await back.next("leave")).leave
                assert left.action == rtc.LeaveRequest.RECONNECT
                await back.closed()


async def test_who_lost_the_sound_has_to_join_anew(world: CallWorld) -> None:
    async with world.raw(BOB) as bob:
        await bob.send(offer=offer(LISTENS))
        await bob.next("answer")
        world.rooms.call_ended(world.stage.session_of(BOB), "the worker died")
        assert (await bob.next("leave")).leave.action == rtc.LeaveRequest.RECONNECT
        await bob.closed()


async def test_a_bridge_that_stops_closes_so_that_its_clients_come_back(world: CallWorld) -> None:
    async with world.raw(ALICE) as alice:
        await alice.send(add_track=microphone())
        await alice.next("track_published")
        world.rooms.stop()
        assert await alice.closed() == "restart"
        assert alice.socket.close_code == aiohttp.WSCloseCode.GOING_AWAY


async def test_who_had_to_join_anew_hears_news_of_others_a_little_later(world: CallWorld) -> None:
    async with world.raw(BOB, path="/rtc", reconnect="1", sid="PA_of_before") as lost:
        assert (await lost.next("leave")).leave.action == rtc.LeaveRequest.RECONNECT
    async with world.raw(BOB) as bob:
        await bob.next("join")
        await bob.send(offer=offer(LISTENS))
        await bob.next("answer")
        async with world.raw(ALICE) as alice:
            await alice.next("join")
            await world.speak_on_page(HOST)
            await bob.send(ping=1)
            await bob.next("pong")
            kinds = {seen.WhichOneof("message") for seen in bob.seen}
            assert kinds == {"join", "answer", "pong"}
            await bob.send(offer=offer(LISTENS, 2))
            assert not (await bob.next("answer")).answer.mid_to_track_id
            world.timers.run_out()
            await bob.info_of(ALICE_ID, lambda info: info.name == "Alice")
            await bob.info_of(BOT_ID, lambda info: info.tracks)
            await bob.next("media_sections_requirement")
            assert world.rooms.is_connected(SPACE, ALICE_ID)
