"""The relays of a cluster: who publishes, who tells, and what a newcomer joins."""

from collections.abc import Sequence

import pytest

from spaces_bridge.app.relay_ports import RelayedParticipant, RelayedRoom
from spaces_bridge.core.ids import SpaceId, UserId
from spaces_bridge.media.cluster_relays import AWAY_FROM_HOME, ClusterRelays
from spaces_bridge.media.relays import WorkerRelays
from spaces_bridge.media.room_sounds import RoomSounds
from spaces_bridge.media.sfu_client import messages as say
from tests.support.stage import until

pytestmark = pytest.mark.unit

SPACE = SpaceId("space")
ROOM = RelayedRoom("home", "ws://sfu", publishes=True)
ALICE = UserId("@alice:x")


class Told:
    """A `RelayListener`, and who asked it for tokens (`RelayTokens`)."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.seen: list[Sequence[RelayedParticipant]] = []

    async def token(self, space: SpaceId, room: RelayedRoom, node: str) -> str:
        self.asked.append(node)
        return f"token of {node}"

    def room_changed(
        self, space: SpaceId, name: str, participants: Sequence[RelayedParticipant]
    ) -> None:
        self.seen.append(participants)

    def room_lost(self, space: SpaceId, name: str, reason: str) -> None: ...

    def track_replaced(self, space: SpaceId, name: str, sid: str) -> None: ...


class Client:
    """An SFU client on paper, with its relay."""

    def __init__(self, node: str = "") -> None:
        self.told: list[say.ToSfuClient] = []
        self.relays = WorkerRelays(self.told.append, RoomSounds(lambda _: None), node=node)
        self.relays.heard(say.SfuClientReady(1))

    def joins(self) -> list[say.JoinSfuRoom]:
        return [each for each in self.told if isinstance(each, say.JoinSfuRoom)]

    async def joined(self, count: int = 1) -> say.JoinSfuRoom:
        """The newest of so many joins, which succeeds."""
        await until(lambda: len(self.joins()) == count)
        join = self.joins()[-1]
        self.relays.heard(say.SfuRoomJoined(SPACE, "home", join.attempt))
        return join

    def taken(self) -> list[UserId]:
        takes = [each for each in self.told if isinstance(each, say.TakeSfuTracks)]
        return list(takes[-1].tracks.values()) if takes else []


async def test_the_home_relay_publishes_and_tells_and_a_newcomer_joins_hidden() -> None:
    told, here, far = Told(), Client(), Client("far")
    relays = ClusterRelays(here.relays)
    relays.attend_relays(told, told)
    relays.join_room(SPACE, ROOM)
    relays.take_tracks(SPACE, "home", {"TR_1": ALICE})
    relays.add("far", far.relays)
    home, other = await here.joined(), await far.joined()
    assert (home.publishes, home.reports) == (True, True)
    assert (other.publishes, other.reports) == (False, False)
    assert set(told.asked) == {"", "far"}
    assert here.taken() == far.taken() == [ALICE]
    far.relays.heard(say.SfuParticipants(SPACE, "home", other.attempt, ()))
    assert told.seen == []
    here.relays.heard(say.SfuParticipants(SPACE, "home", home.attempt, ()))
    assert told.seen == [()]


async def test_when_home_moves_the_other_relay_publishes_and_is_the_bot() -> None:
    told, here, far = Told(), Client(), Client("far")
    relays = ClusterRelays(here.relays)
    relays.attend_relays(told, told)
    relays.add("far", far.relays)
    relays.join_room(SPACE, ROOM)
    relays.take_tracks(SPACE, "home", {"TR_1": ALICE})
    await here.joined()
    await far.joined()
    relays.move_home("far")
    home, other = await far.joined(2), await here.joined(2)
    assert (home.publishes, home.token) == (True, "token of ")
    assert (other.publishes, other.token) == (False, f"token of {AWAY_FROM_HOME}")
    assert here.taken() == far.taken() == [ALICE]


async def test_a_node_that_is_gone_is_told_nothing_more() -> None:
    told, here, far = Told(), Client(), Client("far")
    relays = ClusterRelays(here.relays)
    relays.attend_relays(told, told)
    relays.add("far", far.relays)
    relays.remove("far")
    relays.join_room(SPACE, ROOM)
    await here.joined()
    assert far.told == []
