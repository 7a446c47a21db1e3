"""LiveKit's RoomService, asked by the official client and word by word."""

import json
from collections.abc import AsyncIterator
from dataclasses import replace

import aiohttp
import pytest
from livekit.api.room_service import RoomService as RoomServiceClient
from livekit.protocol import models, rtc
from livekit.protocol import room as service

from livekit import api
from spaces_bridge.core.ids import RoomId
from spaces_bridge.core.live_space import Phase
from spaces_bridge.livekit.names import device_identity, room_name
from spaces_bridge.livekit.tokens import CallGrant
from spaces_bridge.livekit.twirp import BODY_MAX
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
    SPEAKS,
    CallWorld,
    RawClient,
    call_world,
    microphone,
    offer,
)

pytestmark = pytest.mark.peers

CALL = room_name(ROOM)
ADMIN = CallGrant(CALL, "an admin", admin=True, room_list=True, room_create=True)


@pytest.fixture
async def world() -> AsyncIterator[CallWorld]:
    async with call_world() as running:
        await running.seat(ALICE, "Alice", SPEAKER)
        await running.seat(BOB, "Bob")
        yield running


@pytest.fixture
async def alice(world: CallWorld) -> AsyncIterator[RawClient]:
    """A speaker, on air."""
    async with world.raw(ALICE) as client:
        await client.next("join")
        await client.send(add_track=microphone())
        await client.next("track_published")
        await client.send(offer=offer(SPEAKS))
        await client.next("answer")
        world.stage.connect(ALICE)
        await world.until(lambda: world.view.on_air == {ALICE})
        yield client


@pytest.fixture
async def bob(world: CallWorld) -> AsyncIterator[RawClient]:
    """A listener."""
    async with world.raw(BOB) as client:
        await client.next("join")
        await client.send(offer=offer(LISTENS))
        await client.next("answer")
        yield client


@pytest.fixture
async def admin(world: CallWorld) -> AsyncIterator[RoomServiceClient]:
    """LiveKit's own client, with the API key and its secret."""
    async with api.LiveKitAPI(world.url(""), "key", world.secret) as client:
        yield client.room


async def asked(
    world: CallWorld,
    method: str,
    body: bytes | str = b"",
    grant: CallGrant | None = ADMIN,
    *,
    kind: str = "application/protobuf",
    below: str = "/livekit",
) -> tuple[int, bytes]:
    """Ask word by word; return status and body."""
    bearer = {"Authorization": f"Bearer {world.signer.issue(grant)}"} if grant else {}
    url = f"http://127.0.0.1:{world.port}{below}/twirp/livekit.RoomService/{method}"
    headers = {"Content-Type": kind, **bearer}
    async with world.http.post(url, data=body, headers=headers) as answer:
        return answer.status, await answer.read()


def error_of(answered: tuple[int, bytes]) -> tuple[int, str]:
    status, body = answered
    error = json.loads(body)
    assert error["msg"].endswith("."), error
    return status, error["code"]


# --- reading ------------------------------------------------------------------------------------


async def test_calls_and_their_participants_are_listed(
    admin: RoomServiceClient, alice: RawClient, bob: RawClient
) -> None:
    (room,) = (await admin.list_rooms(api.ListRoomsRequest())).rooms
    assert (room.name, room.num_participants) == (CALL, 3)
    assert not (await admin.list_rooms(api.ListRoomsRequest(names=["another"]))).rooms
    listed = await admin.list_participants(api.ListParticipantsRequest(room=CALL))
    assert [p.identity for p in listed.participants] == [BOT_ID, ALICE_ID, BOB_ID]
    one = api.RoomParticipantIdentity(room=CALL, identity=ALICE_ID)
    found = await admin.get_participant(one)
    assert (found.name, len(found.tracks)) == ("Alice", 1)
    with pytest.raises(api.TwirpError) as gone:
        await admin.get_participant(api.RoomParticipantIdentity(room=CALL, identity="nobody"))
    assert gone.value.code == "not_found"


async def test_a_call_that_nobody_is_in_has_no_participants(
    world: CallWorld, admin: RoomServiceClient
) -> None:
    listed = await admin.list_participants(api.ListParticipantsRequest(room=CALL))
    assert not listed.participants
    assert (await admin.create_room(api.CreateRoomRequest(name=CALL))).name == CALL
    with pytest.raises(api.TwirpError) as none:
        await admin.create_room(api.CreateRoomRequest(name=room_name(RoomId("!other"))))
    assert none.value.code == "not_found"


async def test_json_is_understood_and_answered(world: CallWorld, alice: RawClient) -> None:
    kind = "application/json"
    body = json.dumps({"room": CALL, "unheardOf": 1})
    status, text = await asked(world, "ListParticipants", body, kind=kind)
    assert status == 200
    bot, one = json.loads(text)["participants"]
    assert (bot["identity"], one["permission"]["can_publish"]) == (BOT_ID, True)


# --- acting -------------------------------------------------------------------------------------


async def test_a_floor_is_taken_and_given_by_nobody_but_a_host(
    world: CallWorld, admin: RoomServiceClient, alice: RawClient, bob: RawClient
) -> None:
    def permission(identity: str, *, publishes: bool) -> api.UpdateParticipantRequest:
        wanted = models.ParticipantPermission(can_subscribe=True, can_publish=publishes)
        return api.UpdateParticipantRequest(room=CALL, identity=identity, permission=wanted)

    with pytest.raises(api.TwirpError) as refused:
        await admin.update_participant(permission(BOB_ID, publishes=True))
    assert refused.value.code == "permission_denied"
    await admin.update_participant(permission(ALICE_ID, publishes=True))  # she has it
    told = await admin.update_participant(permission(ALICE_ID, publishes=False))
    assert not told.permission.can_publish
    await alice.next("track_unpublished")
    assert ALICE in world.view.closing
    deaf = models.ParticipantPermission(can_publish=False, can_subscribe=False)
    with pytest.raises(api.TwirpError) as refused:
        await admin.update_participant(
            api.UpdateParticipantRequest(room=CALL, identity=BOB_ID, permission=deaf)
        )
    assert refused.value.code == "unimplemented"


async def test_metadata_is_set_within_bounds_and_names_are_not(
    admin: RoomServiceClient, bob: RawClient
) -> None:
    def request(metadata: str = "", name: str = "") -> api.UpdateParticipantRequest:
        attributes = {"k": "v"}
        return api.UpdateParticipantRequest(
            room=CALL, identity=BOB_ID, metadata=metadata, name=name, attributes=attributes
        )

    await admin.update_participant(request("m"))
    told = await bob.info_of(BOB_ID, lambda info: info.metadata == "m")
    assert dict(told.attributes) == {"k": "v"}
    for wanted, code in (
        (request("m" * 9000), "invalid_argument"),
        (request(name="Hanna"), "permission_denied"),
    ):
        with pytest.raises(api.TwirpError) as refused:
            await admin.update_participant(wanted)
        assert refused.value.code == code


async def test_a_microphone_is_closed_never_opened(
    world: CallWorld, admin: RoomServiceClient, alice: RawClient
) -> None:
    sid = world.all_tracks()[0]
    muting = api.MuteRoomTrackRequest(room=CALL, identity=ALICE_ID, track_sid=sid, muted=True)
    assert (await admin.mute_published_track(muting)).track.muted
    assert (await alice.next("mute")).mute == rtc.MuteTrackRequest(sid=sid, muted=True)
    assert world.view.on_air == set()
    for request, code in (
        (
            api.MuteRoomTrackRequest(room=CALL, identity=ALICE_ID, track_sid=sid),
            "permission_denied",
        ),
        (
            api.MuteRoomTrackRequest(room=CALL, identity=BOT_ID, track_sid="TR_x", muted=True),
            "not_found",
        ),
    ):
        with pytest.raises(api.TwirpError) as refused:
            await admin.mute_published_track(request)
        assert refused.value.code == code


async def test_a_microphone_on_the_page_is_closed_by_the_bots_track(
    world: CallWorld, admin: RoomServiceClient, bob: RawClient
) -> None:
    await world.speak_on_page(HOST)
    (track,) = (await bob.info_of(BOT_ID, lambda info: info.tracks)).tracks
    muting = api.MuteRoomTrackRequest(room=CALL, identity=BOT_ID, track_sid=track.sid, muted=True)
    assert (await admin.mute_published_track(muting)).track.muted
    assert world.view.on_air == set()


async def test_a_participant_is_removed_until_the_end_but_not_the_host(
    world: CallWorld, admin: RoomServiceClient, bob: RawClient
) -> None:
    await admin.remove_participant(api.RoomParticipantIdentity(room=CALL, identity=BOB_ID))
    assert (await bob.next("leave")).leave.reason == models.PARTICIPANT_REMOVED
    assert world.view.removed[BOB].by is None
    async with world.raw(HOST) as host:
        await host.next("join")
        identity = device_identity(HOST, "DEVICE")
        with pytest.raises(api.TwirpError) as refused:
            await admin.remove_participant(
                api.RoomParticipantIdentity(room=CALL, identity=identity)
            )
        assert refused.value.code == "failed_precondition"


async def test_deleting_a_room_ends_the_live_space(
    world: CallWorld, admin: RoomServiceClient, bob: RawClient
) -> None:
    await admin.delete_room(api.DeleteRoomRequest(room=CALL))
    assert (await bob.next("leave")).leave.reason == models.ROOM_DELETED
    assert world.view.phase is Phase.ENDED


# --- refusing -----------------------------------------------------------------------------------


async def test_tokens_that_grant_something_else_are_refused(world: CallWorld) -> None:
    listing = service.ListParticipantsRequest(room=CALL).SerializeToString()
    assert error_of(await asked(world, "ListRooms", grant=None)) == (401, "unauthenticated")
    for method, grant in (
        ("ListRooms", replace(ADMIN, room_list=False)),
        ("CreateRoom", replace(ADMIN, room_create=False)),
        ("DeleteRoom", replace(ADMIN, room_create=False)),
        ("ListParticipants", replace(ADMIN, room="another")),
        ("ListParticipants", replace(ADMIN, admin=False)),
        ("ListParticipants", CallGrant(CALL, BOB_ID, "Bob", BOB, SPACE, join=True)),
    ):
        refused = error_of(await asked(world, method, listing, grant))
        assert refused == (403, "permission_denied"), method


async def test_without_a_secret_of_its_own_the_service_is_off(world: CallWorld) -> None:
    refused = await asked(world, "ListRooms", below="/closed")
    assert error_of(refused) == (403, "permission_denied")
    assert b"api_secret" in refused[1]


async def test_what_cannot_be_read_or_is_not_there_is_said_so(world: CallWorld) -> None:
    assert error_of(await asked(world, "Unheard")) == (404, "bad_route")
    assert error_of(await asked(world, "SendData")) == (501, "unimplemented")
    assert error_of(await asked(world, "ListRooms", kind="text/plain")) == (404, "bad_route")
    assert error_of(await asked(world, "ListRooms", b"\xff")) == (400, "malformed")
    too_long = b"\x0a" * (BODY_MAX + 1)
    assert error_of(await asked(world, "ListRooms", too_long)) == (400, "malformed")
    for text in ("", "[]", "{", '{"names": 1}', "[" * 5000, '{"names":' + "[" * 5000):
        refused = await asked(world, "ListRooms", text, kind="application/json")
        assert error_of(refused) == (400, "malformed"), text


async def test_a_body_of_no_announced_length_is_bounded(world: CallWorld) -> None:
    async def endless() -> AsyncIterator[bytes]:
        for _ in range(BODY_MAX // 1024 + 2):
            yield bytes(1024)

    url = world.url("/twirp/livekit.RoomService/ListRooms")
    bearer = {"Authorization": f"Bearer {world.signer.issue(ADMIN)}"}
    headers = {"Content-Type": "application/protobuf", **bearer}
    try:
        async with world.http.post(url, data=endless(), headers=headers) as answer:
            assert answer.status == 400
    except aiohttp.ClientConnectionError:
        pass  # it was refused before all was sent
