"""Floods of a call's clients, and faults: each costs only the one who makes it, or one call."""

import asyncio
import fcntl
import logging
import sys
import termios
from collections.abc import AsyncIterator

import pytest
from livekit.protocol import models, rtc

from spaces_bridge.app.usecases.calls import CallPermit
from spaces_bridge.core import commands as cmd
from spaces_bridge.core.ids import SpaceId, UserId
from spaces_bridge.livekit.client import CallClient
from spaces_bridge.livekit.limits import JOINS_BURST, MESSAGES_BURST, METADATA_BURST, QUEUE_MAX
from tests.livekit.call_world import (
    ALICE,
    ALICE_ID,
    BOB,
    BOB_ID,
    HOST,
    LISTENS,
    SPACE,
    SPEAKER,
    CallWorld,
    Held,
    RawClient,
    call_world,
    offer,
)

pytestmark = pytest.mark.peers

GONE = models.ParticipantInfo.DISCONNECTED


@pytest.fixture
async def world() -> AsyncIterator[CallWorld]:
    async with call_world() as running:
        await running.seat(ALICE, "Alice", SPEAKER)
        await running.seat(BOB, "Bob")
        yield running


FRAME_HEAD = 6
"""Bytes before a client's message of less than 126 (RFC 6455, 5.2)."""


def unread(line: asyncio.Transport) -> int:
    """The bytes that have come by a connection and were not read yet."""
    waiting = fcntl.ioctl(line.get_extra_info("socket"), termios.FIONREAD, bytes(4))
    return int.from_bytes(waiting, sys.byteorder)


async def answered(client: RawClient) -> None:
    """Until the server has read all that the client has sent."""
    await client.send(ping=1)
    await client.next("pong")


# --- news ---------------------------------------------------------------------------------------
async def test_many_changes_at_once_are_one_message_to_each_client(world: CallWorld) -> None:
    async with world.raw(ALICE) as alice, world.raw(BOB) as bob:
        await bob.next("join")
        await alice.info_of(BOB_ID, lambda info: info.sid)
        room = world.rooms.room(SPACE)
        assert room is not None
        changing = room.client(BOB_ID)
        assert changing is not None
        alice.seen.clear()
        for number in range(QUEUE_MAX + 10):
            changing.participant.metadata = str(number)
            changing.changed()
        told = await alice.info_of(BOB_ID, lambda info: info.metadata)
        assert told.metadata == str(QUEUE_MAX + 9)
        assert len(alice.seen) == 1
        await answered(alice)


async def test_who_comes_and_goes_at_once_is_told_in_one_message_too(world: CallWorld) -> None:
    async with world.raw(ALICE) as alice:
        await alice.info_of(ALICE_ID, lambda info: info.sid)
        alice.seen.clear()
        async with world.raw(BOB) as first:
            sid = (await first.next("join")).join.participant.sid
            async with world.raw(BOB):
                gone = await alice.info_of(BOB_ID, lambda info: info.state == GONE)
                assert gone.sid == sid
                assert (await alice.info_of(BOB_ID, lambda info: info.sid != sid)).state != GONE


@pytest.mark.usefixtures("nothing_grows_back")
async def test_metadata_changes_only_so_often(world: CallWorld) -> None:
    async with world.raw(BOB) as bob:
        for number in range(METADATA_BURST + 1):
            change = rtc.UpdateParticipantMetadata(metadata=str(number), request_id=number)
            await bob.send(update_metadata=change)
        reasons = [
            (await bob.next("request_response")).request_response.reason
            for _ in range(METADATA_BURST + 1)
        ]
        ok, refused = rtc.RequestResponse.OK, rtc.RequestResponse.LIMIT_EXCEEDED
        assert reasons == [ok] * METADATA_BURST + [refused]
        room = world.rooms.room(SPACE)
        assert room is not None
        (client,) = room.clients
        assert client.participant.metadata == str(METADATA_BURST - 1)


async def test_messages_that_came_in_one_piece_are_answered_in_between(world: CallWorld) -> None:
    async with world.raw(BOB) as bob:
        await bob.next("join")
        line = world.lines[BOB_ID]
        line.pause_reading()
        frame = FRAME_HEAD + rtc.SignalRequest(ping=1).ByteSize()
        for _ in range(QUEUE_MAX + 50):
            await bob.send(ping=1)
        await world.until(lambda: unread(line) >= frame * (QUEUE_MAX + 50))
        line.resume_reading()
        for _ in range(QUEUE_MAX + 50):
            await bob.next("pong")


# --- joins, and all connections of a person together --------------------------------------------
@pytest.mark.usefixtures("nothing_grows_back")
async def test_one_person_joins_only_so_often_and_keeps_nobody_else_out(world: CallWorld) -> None:
    for number in range(JOINS_BURST):
        resumed = {"reconnect": "1", "sid": "PA_none"} if number % 2 else {}
        async with world.raw(BOB, path="/rtc", **resumed):
            pass
    headers = {"Upgrade": "websocket", "Connection": "Upgrade"}
    query = {"access_token": world.token(BOB, "OTHER")}
    async with world.http.get(world.url("/rtc"), params=query, headers=headers) as refused:
        assert refused.status == 429
        assert (await refused.text()).endswith(".")
    async with world.raw(ALICE) as alice:
        await alice.next("join")


@pytest.mark.usefixtures("nothing_grows_back")
async def test_a_flood_is_counted_over_all_connections_of_a_person(world: CallWorld) -> None:
    async with world.raw(BOB) as first, world.raw(BOB, "OTHER") as second:
        for _ in range(MESSAGES_BURST // 2):
            await first.send(answer=rtc.SessionDescription())
        await answered(first)
        for _ in range(MESSAGES_BURST):
            await second.send(answer=rtc.SessionDescription())
        assert (await second.next("leave")).leave.reason == models.STATE_MISMATCH
        async with world.raw(ALICE) as alice:
            await answered(alice)


async def test_offers_that_are_refused_again_and_again_are_one_line_in_the_log(
    world: CallWorld, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "spaces_bridge.livekit")
    world.stage.refuse("That is no SDP.")
    for _ in range(5):
        async with world.raw(BOB) as bob:
            await bob.send(offer=offer(LISTENS))
            await bob.next("leave")
    [line] = [record.getMessage() for record in caplog.records]
    assert line.startswith(f"{BOB} has to join")
    assert line.endswith("That is no SDP.")


async def test_the_last_place_that_is_taken_during_the_upgrade_is_taken(
    world: CallWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    refuse = world.rooms.refuse_crowd

    def taken_afterwards(permit: CallPermit, identity: str) -> None:
        refuse(permit, identity)
        monkeypatch.setattr("spaces_bridge.livekit.rooms.PARTICIPANTS_MAX", 0)

    monkeypatch.setattr(world.rooms, "refuse_crowd", taken_afterwards)
    async with world.raw(BOB) as bob:
        left = (await bob.next("leave")).leave
        assert (left.reason, left.action) == (models.JOIN_FAILURE, rtc.LeaveRequest.DISCONNECT)
        await bob.closed()
        assert world.rooms.room(SPACE) is None


# --- one session for each connection ------------------------------------------------------------
@pytest.mark.parametrize(("path", "sessions"), [("/rtc/v1", 1), ("/rtc", 2)])
async def test_a_client_that_offers_again_before_it_was_answered_has_one_session(
    world: CallWorld, monkeypatch: pytest.MonkeyPatch, path: str, sessions: int
) -> None:
    offers: list[CallClient] = []
    obey = CallClient.offered

    async def counting(client: CallClient, described: rtc.SessionDescription) -> None:
        offers.append(client)
        await obey(client, described)

    monkeypatch.setattr(CallClient, "offered", counting)
    held = world.stage.held = Held()
    async with world.raw(BOB, path=path) as first:
        sid = (await first.next("join")).join.participant.sid
        await first.send(offer=offer(LISTENS))
        await held.reached.wait()
        async with world.raw(BOB, path="/rtc", reconnect="1", sid=sid) as second:
            await second.next("reconnect")
            await second.send(offer=offer(LISTENS, 2))
            await world.until(lambda: len(offers) == 2)
            held.go.set()
            assert [(await second.next("answer")).answer.id for _ in range(2)] == [1, 2]
            assert len(world.stage.users) == sessions


async def test_sessions_that_nobody_owns_end_with_a_client_of_their_person(
    world: CallWorld,
) -> None:
    async with world.raw(BOB) as bob, world.raw(BOB, "OTHER") as other:
        await bob.send(offer=offer(LISTENS))
        await bob.next("answer")
        kept = world.stage.session_of(BOB)
        world.stage.users["a stray"] = BOB
        world.stage.users["another's"] = ALICE
        await other.next("join")
        await other.send(leave=rtc.LeaveRequest())
        await other.closed()
        assert world.stage.ended == ["a stray"]
        await world.spaces.ask(SPACE, cmd.ObserveMember(BOB, joined=False))
        await bob.closed()
        assert kept in (*world.stage.ended, *world.recorder.hung_up)
        assert "another's" not in world.stage.ended


async def test_who_is_alone_and_joins_anew_is_still_sent_away_when_removed(
    world: CallWorld,
) -> None:
    async with world.raw(BOB) as first:
        await first.next("join")
        async with world.raw(BOB) as second:
            await second.next("join")
            assert world.rooms.is_connected(SPACE, BOB_ID)
            await world.spaces.ask(SPACE, cmd.ObserveMember(BOB, joined=False))
            assert (await second.next("leave")).leave.reason == models.PARTICIPANT_REMOVED


async def test_nobody_goes_on_as_somebody_else(world: CallWorld) -> None:
    async with world.raw(BOB) as bob:
        sid = (await bob.next("join")).join.participant.sid
        token = world.token(ALICE, identity=BOB_ID)
        query = {"access_token": token, "reconnect": "1", "sid": sid}
        async with world.http.ws_connect(world.url("/rtc"), params=query) as socket:
            left = (await RawClient(socket).next("leave")).leave
            assert left.action == rtc.LeaveRequest.RECONNECT
        await answered(bob)


# --- changes of the live space ------------------------------------------------------------------
async def test_what_calls_do_not_go_by_has_nobody_looked_at_again(
    world: CallWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[UserId] = []
    permit = world.calls.permit

    def counting(space: SpaceId, user: UserId) -> CallPermit:
        asked.append(user)
        return permit(space, user)

    async with world.raw(BOB) as bob:
        await bob.next("join")
        await world.levels({BOB: SPEAKER})
        monkeypatch.setattr(world.calls, "permit", counting)
        await world.spaces.ask(SPACE, cmd.React(ALICE, "👏"))
        assert world.view.reactions
        assert asked == []
        await world.spaces.ask(SPACE, cmd.MuteSpeaker(HOST, BOB))
        assert asked == [BOB]


async def test_a_fault_in_a_call_ends_its_sessions_and_not_the_live_space(
    world: CallWorld, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_args: object) -> CallPermit:
        raise ZeroDivisionError

    for _ in range(2):
        async with world.raw(BOB) as bob:
            await bob.next("join")
            with monkeypatch.context() as patched, caplog.at_level(logging.ERROR):
                patched.setattr(world.calls, "permit", broken)
                level = None if world.view.person(BOB).level else SPEAKER
                await world.levels({BOB: level})
            assert (await bob.next("leave")).leave.action == rtc.LeaveRequest.RECONNECT
            assert world.rooms.room(SPACE) is None
    assert len([record for record in caplog.records if "failed" in record.message]) == 1
    async with world.raw(BOB) as bob:
        await bob.next("join")
        monkeypatch.setattr("spaces_bridge.livekit.loudness.Loudness.changed", broken)
        world.rooms.levels(SPACE, {ALICE: 50})
        assert (await bob.next("leave")).leave.action == rtc.LeaveRequest.RECONNECT


async def test_a_fault_in_the_news_ends_the_sessions_of_that_call(
    world: CallWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_args: object) -> bool:
        raise ZeroDivisionError

    async with world.raw(BOB) as bob:
        await bob.next("join")
        monkeypatch.setattr("spaces_bridge.livekit.call_room.streams_of", broken)
        await world.speak_on_page(HOST)
        assert (await bob.next("leave")).leave.action == rtc.LeaveRequest.RECONNECT
