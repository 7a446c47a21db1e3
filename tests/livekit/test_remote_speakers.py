"""Remote speakers by rules: a live space, and an SFU on paper whose relays write all down."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace

import pytest

from spaces_bridge.app.audiences import Audiences
from spaces_bridge.app.errors import AdapterError
from spaces_bridge.app.relay_attendants import OWN_ROOM, RelayAttendants
from spaces_bridge.app.relay_ports import (
    RelayedParticipant,
    RelayedRoom,
    RelayedTrack,
    RelayListener,
    RelayTokens,
    RoomText,
)
from spaces_bridge.app.remote_ports import RemoteMember, RemoteMemberListener, SfuToken
from spaces_bridge.app.supervisor import TaskSupervisor
from spaces_bridge.core import commands as cmd
from spaces_bridge.core.events import Event
from spaces_bridge.core.ids import RoomId, SpaceId, UserId
from spaces_bridge.livekit.limits import OPENINGS_BURST
from spaces_bridge.livekit.names import device_identity, member_identity
from spaces_bridge.livekit.remote.members import MEMBERS_MAX
from spaces_bridge.livekit.remote.speakers import FAILURES_TOLD, SFUS_MAX, RemoteSpeakers
from spaces_bridge.pacing.backoff import Backoff
from tests.livekit.call_world import ALICE, HOST, ROOM, SPACE, SPEAKER, CallWorld, call_world

pytestmark = pytest.mark.unit

EVE = UserId("@eve:elsewhere.net")
FAR = "https://sfu.elsewhere.net/livekit/jwt"
THERE = f"sfu:{FAR}"
"""What the relays call the room there."""
MEMBER = RemoteMember(EVE, "PHONE", "uuid-7", FAR)
OLDER, NEWER = device_identity(EVE, "PHONE"), member_identity(EVE, "PHONE", "uuid-7")


class Paper:
    """The relays, an authoriser and the room's member events, on paper."""

    def __init__(self) -> None:
        self.rooms: dict[str, RelayedRoom] = {}
        self.taken: dict[str, Mapping[str, UserId]] = {}
        self.asked: list[tuple[str, str]] = []
        self.unheard: list[UserId] = []
        self.refuses = False
        self.refusing: set[str] = set()
        self.url = "wss://far"
        self.room = ROOM
        self.before: list[RemoteMember] = []

    # RoomRelays
    def attend_relays(self, listener: RelayListener, tokens: RelayTokens) -> None: ...

    def join_room(self, space: SpaceId, room: RelayedRoom) -> None:
        self.rooms[room.name] = room

    def leave_room(self, space: SpaceId, name: str) -> None:
        self.rooms.pop(name, None)
        self.taken.pop(name, None)

    def take_tracks(self, space: SpaceId, name: str, tracks: Mapping[str, UserId]) -> None:
        self.taken[name] = dict(tracks)

    def send_text(self, space: SpaceId, name: str, text: RoomText) -> None: ...

    # ForeignSfus
    async def token(self, service: str, room: RoomId, device: str) -> SfuToken:
        assert room == self.room
        self.asked.append((service, device))
        if self.refuses or service in self.refusing:
            raise AdapterError("no")
        return SfuToken(self.url, f"token {len(self.asked)}")

    # RemoteMembers
    def watch(self, listener: RemoteMemberListener) -> None: ...

    async def read(self, space: SpaceId) -> Sequence[RemoteMember]:
        return self.before

    async def tell_unheard(self, space: SpaceId, user: UserId) -> None:
        self.unheard.append(user)


class Far:
    """A live space, with Eve from elsewhere in its room."""

    def __init__(self, world: CallWorld) -> None:
        self.world = world
        self.paper = Paper()
        self.speakers = RemoteSpeakers(
            world.spaces, world.calls, self.paper, self.paper, self.paper, TaskSupervisor()
        )
        audience = world.spaces.context.audience
        assert isinstance(audience, Audiences)
        audience.add(self.speakers)
        self.attendants = RelayAttendants(others=self.speakers)

    def shows(self, *tracks: RelayedTrack, identity: str = OLDER, name: str = THERE) -> None:
        """The SFU shows one participant with these tracks."""
        whom = RelayedParticipant(identity, "PA_1", tracks=tracks)
        self.attendants.room_changed(SPACE, name, [whom])

    async def joined(self) -> None:
        await self.world.until(lambda: self.paper.rooms)

    async def heard(self, user: UserId = EVE) -> None:
        await self.world.until(lambda: user in self.world.view.on_air)

    async def silent(self, user: UserId = EVE) -> None:
        await self.world.until(lambda: user not in self.world.view.on_air)

    async def floor(self, level: int | None) -> None:
        await self.world.levels({EVE: level})


def track(sid: str = "TR_1", *, muted: bool = False) -> RelayedTrack:
    return RelayedTrack(sid, "", muted)


@pytest.fixture
async def far() -> AsyncIterator[Far]:
    async with call_world() as world:
        await world.seat(EVE, "Eve")
        made = Far(world)
        yield made
        await made.speakers.stop()


async def on_air(far: Far) -> None:
    far.speakers.member_seen(SPACE, MEMBER)
    await far.floor(SPEAKER)
    await far.joined()
    far.shows(track())
    await far.heard()


@pytest.mark.parametrize("identity", [OLDER, NEWER])
async def test_with_the_floor_they_are_fetched_and_heard_by_their_own_act(
    far: Far, identity: str
) -> None:
    far.speakers.member_seen(SPACE, MEMBER)
    await far.world.settled()
    assert not far.paper.rooms, "without the floor nobody is fetched"
    await far.floor(SPEAKER)
    await far.joined()
    room = far.paper.rooms[THERE]
    assert (room.url, room.publishes) == ("wss://far", False)
    assert await far.attendants.token(SPACE, room, "") == "token 1"
    assert await far.attendants.token(SPACE, room, "") == "token 2"
    assert await far.attendants.token(SPACE, room, "n1") == "token 3"
    assert [device for _, device in far.paper.asked] == [
        "SPACESBOT",
        "SPACESBOT",
        "SPACESBOT-n1",
    ], "two relays with one name would throw each other out"
    far.shows(track(muted=True), identity=identity)
    assert far.paper.taken[THERE] == {}
    far.shows(track(), identity=identity)
    assert far.paper.taken[THERE] == {"TR_1": EVE}
    await far.heard()
    far.shows(track(muted=True), identity=identity)
    await far.silent()
    assert far.paper.taken[THERE] == {}


async def test_the_floor_taken_away_ends_it_and_given_back_it_needs_another_act(far: Far) -> None:
    await on_air(far)
    await far.floor(None)
    await far.silent()
    assert not far.paper.rooms
    await far.floor(SPEAKER)
    await far.joined()
    far.shows(track())
    await far.world.settled()
    assert (far.paper.taken[THERE], far.world.view.on_air) == ({}, frozenset())
    far.shows(track(muted=True))
    far.shows(track())
    await far.heard()


async def test_muted_by_a_host_they_are_not_heard_until_they_unmute_themselves(far: Far) -> None:
    await on_air(far)
    await far.world.spaces.ask(SPACE, cmd.MuteSpeaker(HOST, EVE))
    await far.world.until(lambda: far.paper.taken[THERE] == {})
    await far.world.spaces.ask(SPACE, cmd.UnmuteSpeaker(HOST, EVE))
    far.shows(track())
    await far.world.settled()
    assert EVE not in far.world.view.on_air
    far.shows(track(muted=True))
    far.shows(track())
    await far.heard()


async def test_what_the_live_space_shuts_while_it_opens_stays_shut(
    far: Far, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask = far.world.spaces.ask

    async def shut_at_once(space: SpaceId, command: cmd.Command) -> Sequence[Event]:
        events = await ask(space, command)
        if isinstance(command, cmd.OpenMicrophone):
            await ask(space, cmd.CloseMicrophone(command.by))
        return events

    monkeypatch.setattr(far.world.spaces, "ask", shut_at_once)
    far.speakers.member_seen(SPACE, MEMBER)
    await far.floor(SPEAKER)
    await far.joined()
    far.shows(track())
    assert far.paper.taken[THERE] == {"TR_1": EVE}
    await far.world.until(lambda: far.paper.taken[THERE] == {})
    far.shows(track())
    assert far.paper.taken[THERE] == {}, "only another act of its owner opens it"


async def test_an_sfu_speaks_for_nobody_but_those_who_named_it(far: Far) -> None:
    await far.world.seat(ALICE, "Alice", SPEAKER)
    other = RemoteMember(ALICE, "DEVICE", "uuid-8", "https://another.example/jwt")
    far.speakers.member_seen(SPACE, other)
    await on_air(far)
    for identity in (
        device_identity(ALICE, "DEVICE"),
        member_identity(ALICE, "DEVICE", "uuid-8"),
        device_identity(EVE, "OTHER"),
        device_identity(HOST, "DEVICE"),
        f"{OLDER} ",
    ):
        far.shows(track("TR_2"), identity=identity)
        assert far.paper.taken[THERE] == {}
    await far.silent()
    assert not far.world.view.on_air


async def test_who_leaves_the_call_or_the_sfu_or_the_end_of_it_all_closes_the_microphone(
    far: Far,
) -> None:
    await on_air(far)
    far.attendants.room_changed(SPACE, THERE, [])
    await far.silent()
    far.shows(track("TR_2"))
    await far.heard()
    far.speakers.member_gone(SPACE, EVE, "", "uuid-7")
    await far.silent()
    assert not far.paper.rooms
    await far.floor(None)
    await on_air_again(far)
    await far.world.spaces.ask(SPACE, cmd.EndSpace(HOST, 9_000))
    assert not far.paper.rooms


async def on_air_again(far: Far) -> None:
    far.speakers.member_seen(SPACE, MEMBER)
    await far.floor(SPEAKER)
    await far.joined()
    far.shows(track("TR_3"))
    await far.heard()


async def test_a_lost_relay_silences_and_its_return_needs_no_act(far: Far) -> None:
    await on_air(far)
    far.attendants.room_lost(SPACE, THERE, "gone")
    await far.silent()
    far.shows(track())
    far.attendants.room_lost(SPACE, THERE, "gone while it opens")
    far.shows(track())
    await far.heard()


async def test_a_microphone_opened_on_the_page_takes_the_place_and_stays_open(far: Far) -> None:
    await on_air(far)
    far.attendants.track_replaced(SPACE, THERE, "TR_1")
    far.shows()
    await far.world.settled()
    assert EVE in far.world.view.on_air, "it is the page's now"


async def test_the_newest_track_of_a_person_is_their_microphone(far: Far) -> None:
    await on_air(far)
    far.shows(track(), track("TR_2"))
    await far.heard()
    assert far.paper.taken[THERE] == {"TR_2": EVE}


async def test_where_no_token_is_given_they_are_told_and_it_is_tried_again(
    far: Far, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "spaces_bridge.livekit.remote.speakers.FIRST_BACKOFF", Backoff(0.001, 0.001)
    )
    far.paper.refuses = True
    far.speakers.member_seen(SPACE, MEMBER)
    await far.floor(SPEAKER)
    await far.world.until(lambda: len(far.paper.asked) > 2 * FAILURES_TOLD)
    assert far.paper.unheard == [EVE]
    far.paper.refuses = False
    await far.joined()


async def test_members_of_before_a_start_are_read_and_expired_ones_are_not_fetched(
    far: Far,
) -> None:
    now_ms = far.world.spaces.context.clock.now_ms()
    far.paper.before = [
        MEMBER,
        RemoteMember(ALICE, "D", "m", "https://late.example", expires_at_ms=now_ms),
    ]
    await far.world.seat(ALICE, "Alice", SPEAKER)
    await far.floor(SPEAKER)
    running = asyncio.create_task(far.speakers.run())
    await far.joined()
    assert [*far.paper.rooms] == [THERE]
    running.cancel()


async def test_sfus_are_bounded(far: Far) -> None:
    for number in range(SFUS_MAX + 1):
        user = UserId(f"@far{number}:elsewhere.net")
        await far.world.seat(user, "Far", SPEAKER)
        far.speakers.member_seen(SPACE, RemoteMember(user, "D", "m", f"https://far{number}"))
    await far.world.until(lambda: len(far.paper.rooms) == SFUS_MAX)
    await far.world.until(lambda: far.paper.unheard)
    assert len(far.paper.asked) == SFUS_MAX
    assert far.paper.unheard == [f"@far{SFUS_MAX}:elsewhere.net"]


async def test_one_persons_devices_take_one_place(far: Far) -> None:
    await on_air(far)
    for number in range(SFUS_MAX):
        device = RemoteMember(EVE, f"D{number}", f"m{number}", f"https://far{number}")
        far.speakers.member_seen(SPACE, device)
    await far.world.until(lambda: [*far.paper.rooms] == [f"sfu:https://far{SFUS_MAX - 1}"])
    await far.world.seat(ALICE, "Alice", SPEAKER)
    far.speakers.member_seen(SPACE, RemoteMember(ALICE, "D", "m", "https://hers.example"))
    await far.world.until(lambda: "sfu:https://hers.example" in far.paper.rooms)
    assert not far.paper.unheard


async def test_an_sfu_that_lets_nobody_in_keeps_nobodys_place(
    far: Far, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "spaces_bridge.livekit.remote.speakers.FIRST_BACKOFF", Backoff(0.001, 0.001)
    )
    far.paper.refusing = {f"https://far{number}" for number in range(SFUS_MAX)}
    for number in range(SFUS_MAX):
        user = UserId(f"@far{number}:elsewhere.net")
        await far.world.seat(user, "Far", SPEAKER)
        far.speakers.member_seen(SPACE, RemoteMember(user, "D", "m", f"https://far{number}"))
    await far.world.until(lambda: len(far.paper.unheard) == SFUS_MAX)
    await on_air(far)


async def test_a_room_of_ones_own_cannot_be_named(far: Far) -> None:
    far.speakers.member_seen(SPACE, RemoteMember(EVE, "PHONE", "uuid-7", OWN_ROOM))
    await far.floor(SPEAKER)
    await far.joined()
    assert OWN_ROOM not in far.paper.rooms
    assert OWN_ROOM not in far.paper.taken


async def test_an_sfu_that_names_another_address_is_asked_for_another_token(far: Far) -> None:
    await on_air(far)
    room = far.paper.rooms[THERE]
    await far.attendants.token(SPACE, room, "")
    far.paper.url = "wss://moved"
    with pytest.raises(AdapterError):
        await far.attendants.token(SPACE, room, "")
    moved = far.paper.rooms[THERE]
    assert moved.url == "wss://moved"
    assert await far.attendants.token(SPACE, moved, "")


async def test_somebody_who_toggles_for_ever_stays_shut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("spaces_bridge.livekit.remote.speakers.OPENINGS_PER_S", 0.0)
    async with call_world() as world:
        await world.seat(EVE, "Eve")
        far = Far(world)
        await on_air(far)
        for _ in range(OPENINGS_BURST):
            assert far.paper.taken[THERE] == {"TR_1": EVE}
            far.shows(track(muted=True))
            far.shows(track())
        assert far.paper.taken[THERE] == {}
        await far.silent()
        await far.speakers.stop()


async def test_a_membership_that_is_renewed_late_needs_no_act(far: Far) -> None:
    now_ms = far.world.spaces.context.clock.now_ms()
    await on_air(far)
    far.speakers.member_seen(SPACE, replace(MEMBER, expires_at_ms=now_ms))
    await far.silent()
    assert not far.paper.rooms
    far.speakers.member_seen(SPACE, MEMBER)
    await far.joined()
    far.shows(track())
    await far.heard()


async def test_a_crowd_of_listeners_keeps_no_speaker_out(far: Far) -> None:
    await on_air(far)
    for number in range(MEMBERS_MAX + 5):
        user = UserId(f"@far{number}:elsewhere.net")
        far.speakers.member_seen(SPACE, RemoteMember(user, "D", "m", FAR))
    await far.world.seat(UserId("@new:elsewhere.net"), "New", SPEAKER)
    member = RemoteMember(UserId("@new:elsewhere.net"), "D", "m", "https://new.example")
    far.speakers.member_seen(SPACE, member)
    await far.world.until(lambda: [*far.paper.rooms] == [THERE, "sfu:https://new.example"])
    assert EVE in far.world.view.on_air


async def test_who_is_in_the_call_before_it_begins_is_fetched_when_it_has_begun() -> None:
    async with call_world() as world:
        far = Far(world)
        space = SpaceId("space0000000000b")
        room = RoomId("!later")
        await world.spaces.create(cmd.CreateSpace(space, "later", "Later", ALICE, "Alice", 1_000))
        await world.spaces.ask(space, cmd.AttachRoom(room))
        await world.spaces.ask(space, cmd.ObserveMember(ALICE, joined=True, name="Alice"))
        await world.spaces.ask(space, cmd.ObserveMember(EVE, joined=True, name="Eve"))
        await world.spaces.ask(space, cmd.ObserveLevels({EVE: SPEAKER, ALICE: 90}, EVE))
        far.paper.room = room
        far.speakers.member_seen(space, MEMBER)
        assert not far.paper.asked
        await world.spaces.ask(space, cmd.StartSpace(ALICE, 2_000))
        await far.joined()
        await far.speakers.stop()
