"""A relay without a client: what it has it do, and what it makes of what it hears."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import replace

import pytest

from spaces_bridge.app.errors import AdapterError
from spaces_bridge.app.relay_ports import RelayedParticipant, RelayedRoom, RelayedTrack, RoomText
from spaces_bridge.app.supervisor import TaskSupervisor
from spaces_bridge.core.ids import SpaceId, UserId
from spaces_bridge.media.relays import WorkerRelays
from spaces_bridge.media.sfu_client import messages as sfu
from spaces_bridge.pacing.backoff import Backoff
from tests.support.stage import until

pytestmark = pytest.mark.unit

SPACE, HOME = SpaceId("space0000000000a"), "home"
ROOM = RelayedRoom(HOME, "ws://sfu.test", publishes=True)
ADA, BEN = UserId("@ada:x"), UserId("@ben:x")


class Sounds:
    """The worker's side: whose sound it takes, in order."""

    def __init__(self) -> None:
        self.done: list[tuple[str, UserId]] = []
        self.published: list[bool] = []
        self.replaced: Callable[[SpaceId, UserId], None] | None = None

    def use(self, space: SpaceId, user: UserId) -> None:
        self.done.append(("use", user))

    def drop(self, space: SpaceId, user: UserId) -> None:
        self.done.append(("drop", user))

    def publish(self, space: SpaceId, on: bool) -> None:
        self.published.append(on)

    def attend_replaced(self, replaced: Callable[[SpaceId, UserId], None]) -> None:
        self.replaced = replaced

    def take(self) -> list[tuple[str, UserId]]:
        done, self.done = self.done, []
        return done


class Tokens:
    """Gives tokens that say how many came before; or none."""

    def __init__(self) -> None:
        self.given = 0
        self.refusals = 0

    async def token(self, space: SpaceId, room: RelayedRoom, node: str) -> str:
        if self.refusals:
            self.refusals -= 1
            raise AdapterError("not now")
        self.given += 1
        return f"token {self.given} of {node or 'home'}"


class RelaySetup:
    """A relay, what it sent to its client, and what it told."""

    def __init__(self, node: str = "") -> None:
        self.sent: list[sfu.ToSfuClient] = []
        self.changed: list[Sequence[RelayedParticipant]] = []
        self.lost: list[str] = []
        self.replaced: list[str] = []
        self.sounds, self.tokens = Sounds(), Tokens()
        self.relays = WorkerRelays(
            self.sent.append, self.sounds, TaskSupervisor(), node=node, backoff=Backoff(0.01, 0.01)
        )
        self.relays.attend_relays(self, self.tokens)

    def room_changed(
        self, space: SpaceId, name: str, participants: Sequence[RelayedParticipant]
    ) -> None:
        assert (space, name) == (SPACE, HOME)
        self.changed.append(participants)

    def room_lost(self, space: SpaceId, name: str, reason: str) -> None:
        self.lost.append(reason)

    def track_replaced(self, space: SpaceId, name: str, sid: str) -> None:
        self.replaced.append(sid)

    async def joining(self) -> sfu.JoinSfuRoom:
        """The attempt to join that comes next."""

        def next_join() -> list[sfu.JoinSfuRoom]:
            return [each for each in self.sent if isinstance(each, sfu.JoinSfuRoom)]

        await until(next_join)
        join = next_join()[0]
        self.sent.remove(join)
        await asyncio.sleep(0)  # the task that sent it ends
        return join

    async def joined(self) -> int:
        """Have the client join; return its attempt."""
        attempt = (await self.joining()).attempt
        self.relays.heard(sfu.SfuRoomJoined(SPACE, HOME, attempt))
        return attempt

    def tracks(self) -> Mapping[str, UserId]:
        """The tracks that the client was last told to take."""
        told = [each for each in self.sent if isinstance(each, sfu.TakeSfuTracks)]
        return told[-1].tracks


@pytest.fixture
async def home() -> AsyncIterator[RelaySetup]:
    """A relay whose client is ready."""
    setup = RelaySetup()
    setup.relays.heard(sfu.SfuClientReady(1))
    yield setup
    setup.relays.stop()


async def test_a_room_is_joined_with_a_token_and_published_in(home: RelaySetup) -> None:
    home.relays.join_room(SPACE, ROOM)
    home.relays.join_room(SPACE, ROOM)
    join = await home.joining()
    assert join == sfu.JoinSfuRoom(
        SPACE, HOME, 1, ROOM.url, "token 1 of home", publishes=True, reports=True
    )
    assert "token 1" not in repr(join)
    assert home.sounds.published == [True]
    home.relays.leave_room(SPACE, HOME)
    assert home.sent[-1] == sfu.LeaveSfuRoom(SPACE, HOME)
    assert home.sounds.published == [True, False]
    home.relays.leave_room(SPACE, HOME)
    assert home.sent == [sfu.LeaveSfuRoom(SPACE, HOME)]


async def test_without_a_token_or_a_room_it_is_tried_again(home: RelaySetup) -> None:
    home.tokens.refusals = 3
    home.relays.join_room(SPACE, ROOM)
    first = await home.joining()
    home.relays.heard(sfu.SfuRoomLost(SPACE, HOME, first.attempt, "refused"))
    assert home.lost == []  # it never was in
    second = await home.joining()
    assert (second.attempt, second.token) == (2, "token 2 of home")
    home.relays.heard(sfu.SfuRoomJoined(SPACE, HOME, second.attempt))
    home.relays.heard(sfu.SfuRoomLost(SPACE, HOME, first.attempt, "late"))
    home.relays.heard(sfu.SfuRoomLost(SPACE, HOME, second.attempt, "gone"))
    assert home.lost == ["gone"]
    assert (await home.joining()).attempt == 3


async def test_what_is_told_of_a_room_is_handed_on(home: RelaySetup) -> None:
    home.relays.join_room(SPACE, ROOM)
    attempt = await home.joined()
    seen = sfu.SfuParticipant("ada", "PA_1", {"a": "b"}, True, (sfu.SfuTrack("TR_1", "m", True),))
    home.relays.heard(sfu.SfuParticipants(SPACE, HOME, attempt, (seen,)))
    home.relays.heard(sfu.SfuParticipants(SPACE, HOME, attempt - 1, ()))
    track = RelayedTrack("TR_1", "m", True)
    assert home.changed == [(RelayedParticipant("ada", "PA_1", {"a": "b"}, True, (track,)),)]


async def test_sound_is_used_as_it_comes_and_dropped_as_it_ends(home: RelaySetup) -> None:
    home.relays.join_room(SPACE, ROOM)
    home.relays.take_tracks(SPACE, HOME, {"TR_1": ADA})  # before the room is joined
    attempt = await home.joined()
    assert home.tracks() == {"TR_1": ADA}
    assert home.sounds.take() == []
    home.relays.heard(sfu.SfuTracksTaken(SPACE, HOME, attempt, ("TR_1", "TR_unknown")))
    assert home.sounds.take() == [("use", ADA)]
    home.relays.heard(sfu.SfuTracksTaken(SPACE, HOME, attempt, ("TR_1",)))
    assert home.sounds.take() == []
    home.relays.take_tracks(SPACE, HOME, {"TR_1": ADA, "TR_2": BEN})
    home.relays.heard(sfu.SfuTracksTaken(SPACE, HOME, attempt, ("TR_1", "TR_2")))
    assert home.sounds.take() == [("use", BEN)]
    home.relays.take_tracks(SPACE, HOME, {"TR_2": BEN})
    assert home.sounds.take() == [("drop", ADA)]
    assert home.tracks() == {"TR_2": BEN}
    home.relays.heard(sfu.SfuRoomLost(SPACE, HOME, attempt, "gone"))
    assert home.sounds.take() == [("drop", BEN)]
    again = await home.joined()
    assert home.tracks() == {"TR_2": BEN}
    home.relays.heard(sfu.SfuTracksTaken(SPACE, HOME, again, ("TR_2",)))
    assert home.sounds.take() == [("use", BEN)]


async def test_a_track_that_moves_between_rooms_is_never_dropped(home: RelaySetup) -> None:
    home.relays.join_room(SPACE, ROOM)
    attempt = await home.joined()
    home.relays.take_tracks(SPACE, HOME, {"TR_1": ADA, "TR_2": ADA})
    home.relays.heard(sfu.SfuTracksTaken(SPACE, HOME, attempt, ("TR_1",)))
    home.relays.heard(sfu.SfuTracksTaken(SPACE, HOME, attempt, ("TR_1", "TR_2")))
    assert home.sounds.take() == [("use", ADA)] * 2  # the newer track is the newer microphone
    home.relays.heard(sfu.SfuTracksTaken(SPACE, HOME, attempt, ("TR_2",)))
    assert home.sounds.take() == []


async def test_a_microphone_on_the_page_replaces_a_track_until_it_is_named_anew(
    home: RelaySetup,
) -> None:
    home.relays.join_room(SPACE, ROOM)
    attempt = await home.joined()
    home.relays.take_tracks(SPACE, HOME, {"TR_1": ADA, "TR_2": BEN})
    home.relays.heard(sfu.SfuTracksTaken(SPACE, HOME, attempt, ("TR_1", "TR_2")))
    home.sounds.take()
    assert home.sounds.replaced is not None
    home.sounds.replaced(SPACE, ADA)
    assert home.replaced == ["TR_1"]
    assert home.tracks() == {"TR_2": BEN}
    home.relays.heard(sfu.SfuTracksTaken(SPACE, HOME, attempt, ("TR_1", "TR_2")))  # on its way
    home.relays.take_tracks(SPACE, HOME, {"TR_1": ADA})  # as before, of Ada
    assert ("use", ADA) not in home.sounds.take()
    assert home.tracks() == {}
    home.relays.take_tracks(SPACE, HOME, {})
    home.relays.take_tracks(SPACE, HOME, {"TR_1": ADA})
    assert home.tracks() == {"TR_1": ADA}


async def test_a_new_client_is_brought_to_where_the_one_before_was(home: RelaySetup) -> None:
    home.relays.join_room(SPACE, ROOM)
    attempt = await home.joined()
    home.relays.take_tracks(SPACE, HOME, {"TR_1": ADA})
    home.relays.heard(sfu.SfuTracksTaken(SPACE, HOME, attempt, ("TR_1",)))
    home.sounds.take()
    home.relays.lost()
    assert home.lost == ["the SFU client ended"]
    assert home.sounds.take() == [("drop", ADA)]
    home.sent.clear()
    home.relays.send_text(SPACE, HOME, RoomText("lk.chat", "hello"))
    home.relays.take_tracks(SPACE, HOME, {"TR_1": ADA, "TR_2": BEN})
    assert home.sent == []
    home.relays.heard(sfu.SfuClientReady(2))
    await home.joined()
    assert home.tracks() == {"TR_1": ADA, "TR_2": BEN}
    assert home.lost == ["the SFU client ended"]


async def test_a_text_is_said_by_who_is_there(home: RelaySetup) -> None:
    home.relays.join_room(SPACE, ROOM)
    home.relays.send_text(SPACE, HOME, RoomText("lk.chat", "lost"))
    await home.joined()
    home.relays.send_text(SPACE, HOME, RoomText("lk.chat", "hello", {"a": "b"}, "ada"))
    assert home.sent[-1] == sfu.SendSfuText(SPACE, HOME, "lk.chat", "hello", {"a": "b"}, "ada")
    assert sum(isinstance(each, sfu.SendSfuText) for each in home.sent) == 1


async def test_another_nodes_relay_is_hidden_and_tells_nothing_until_it_becomes_the_home_one() -> (
    None
):
    setup = RelaySetup("north")
    setup.relays.heard(sfu.SfuClientReady(1))
    setup.relays.join_room(SPACE, RelayedRoom(HOME, "ws://sfu.test", publishes=False))
    join = await setup.joining()
    assert (join.token, join.reports, join.publishes) == ("token 1 of north", False, False)
    setup.relays.heard(sfu.SfuRoomJoined(SPACE, HOME, join.attempt))
    setup.relays.become("")
    assert sfu.LeaveSfuRoom(SPACE, HOME) in setup.sent
    again = await setup.joining()
    assert (again.token, again.reports) == ("token 2 of home", True)
    setup.relays.stop()


async def test_a_server_that_is_ever_elsewhere_is_asked_ever_more_rarely() -> None:
    waits = list[int]()

    class Noted(Backoff):
        def wait_s(self, failures: int, chance: Callable[[], float] = lambda: 0.0) -> float:
            waits.append(failures)
            return 0.0

    setup = RelaySetup()
    setup.relays = WorkerRelays(
        setup.sent.append, setup.sounds, TaskSupervisor(), backoff=Noted(1.0, 1.0)
    )

    class Moving(Tokens):
        async def token(self, space: SpaceId, room: RelayedRoom, node: str) -> str:
            if self.given == 4:
                return await super().token(space, room, node)
            self.given += 1
            setup.relays.join_room(space, replace(room, url=f"ws://sfu{self.given}.test"))
            raise AdapterError("it is elsewhere now")

    setup.relays.attend_relays(setup, Moving())
    setup.relays.heard(sfu.SfuClientReady(1))
    setup.relays.join_room(SPACE, ROOM)
    assert (await setup.joining()).url == "ws://sfu4.test"
    assert waits == sorted(waits)
    assert waits[-1] == 4
    setup.relays.stop()
