"""A cluster of media workers on paper: what is lost, who is deaf, and who must not hear on."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace

import pytest

from spaces_bridge.app.media_events import MediaEvents
from spaces_bridge.app.ports import Direction
from spaces_bridge.app.reconcile import Reconciler
from spaces_bridge.app.registry import Spaces
from spaces_bridge.app.relay_ports import RelayedRoom
from spaces_bridge.app.supervisor import TaskSupervisor
from spaces_bridge.config import Config
from spaces_bridge.core import commands as cmd
from spaces_bridge.core.access import GuestPolicy
from spaces_bridge.core.ids import SpaceId, UserId
from spaces_bridge.media import cluster_members, messages, relays
from spaces_bridge.media.cluster_relays import ClusterRelays
from spaces_bridge.media.cluster_stage import ClusterStage
from spaces_bridge.media.nodes import limits
from spaces_bridge.media.relays import WorkerRelays
from spaces_bridge.media.room_sounds import RoomSounds
from spaces_bridge.media.sfu_client import messages as sfu
from spaces_bridge.media.stage import WorkerStage
from spaces_bridge.media.supervision import OnAttached, OnMessage
from spaces_bridge.media.worker.values import PeerPhase, StreamDirection
from spaces_bridge.media_assembly import sound_of
from spaces_bridge.pacing.backoff import Backoff
from tests.media.test_cluster_relays import Client, Told
from tests.support.recorder import Recorder
from tests.support.spaces import BEN, CREATE, EVE, ROOM
from tests.support.spaces import GUEST as GHOST
from tests.support.spaces import HOST as ADA
from tests.support.stage import EAR, GUEST, HOST, SPACE, Noted, until

pytestmark = pytest.mark.unit

HOME_ROOM = RelayedRoom("home", "ws://here", publishes=True)
OTHER_ROOM = RelayedRoom("sfu.test", "wss://sfu.test", publishes=False)
LISTEN = StreamDirection.LISTEN
SOON = Backoff(0.01, 0.01)


class Worker:
    """A worker on paper: it answers each offer, and its peers are what a test says."""

    def __init__(self) -> None:
        self.port, self.pid, self.is_attached, self.restarts = 1, 1, True, 0
        self.peers: dict[str, messages.PeerOffer] = {}
        self.stage = WorkerStage(self._supervise)

    def _supervise(self, hear: OnMessage, _attached: OnAttached) -> "Worker":
        self._hear = hear
        return self

    async def attached(self, timeout: float) -> None: ...

    async def start(self) -> None: ...

    async def stop(self) -> None: ...

    def forget(self, peer: str) -> None: ...

    def send(self, message: messages.ToMediaWorker) -> None:
        if isinstance(message, messages.PeerOffer):
            self.peers[message.peer] = message
            answer = messages.Answer(message.request, "v=0")
            asyncio.get_running_loop().call_soon(self._hear, answer)

    def change(self, phase: PeerPhase) -> None:
        """All its peers are in this phase now."""
        for peer, offer in self.peers.items():
            whose = (offer.space, offer.user, offer.direction)
            self._hear(messages.PeerChanged(peer, *whose, phase, ""))


class Cluster:
    """A bridge's worker and a node's, on paper; the node is in a room or not."""

    def __init__(self) -> None:
        self.here, self.far = Worker(), Worker()
        self.stage, self.noted = ClusterStage(self.here.stage), Noted()
        self.is_in_room = True
        self.stage.attend_nodes(
            lambda _before, _now: None, lambda _name: None, lambda _name, _space: self.is_in_room
        )
        self.stage.listen(self.noted)
        self.stage.add_node("far", self.far.stage)
        self.stage.open_space(SPACE, 0)

    async def offers(self, user: UserId, direction: Direction) -> None:
        await self.stage.offer(SPACE, user, direction, "v=0")

    def loads(self) -> tuple[int, int]:
        return len(self.here.peers), len(self.far.peers)


# --- who is sent where ---------------------------------------------------------------------------


async def test_nobody_is_sent_to_a_node_that_is_in_no_room() -> None:
    cluster = Cluster()
    cluster.is_in_room = False
    for _ in range(2):
        await cluster.offers(EAR, Direction.LISTEN)
    assert cluster.loads() == (2, 0)
    cluster.is_in_room = True
    await cluster.offers(EAR, Direction.LISTEN)
    assert cluster.loads() == (2, 1)


async def test_a_relay_is_in_a_room_from_its_join_to_its_loss() -> None:
    told, far = Told(), Client("far")
    cluster = ClusterRelays()
    cluster.attend_relays(told, told)
    cluster.add("far", far.relays)
    assert cluster.is_in_room("far", SpaceId("without a call"))
    cluster.join_room(SpaceId("space"), HOME_ROOM)
    assert not cluster.is_in_room("far", SpaceId("space"))
    await far.joined()
    assert cluster.is_in_room("far", SpaceId("space"))
    assert not cluster.is_in_room("another", SpaceId("space"))
    far.relays.lost()
    assert not cluster.is_in_room("far", SpaceId("space"))


async def test_nodes_reach_the_live_spaces_own_rooms_where_clients_do() -> None:
    told, here, far = Told(), Client(), Client("far")
    cluster = ClusterRelays(here.relays, url_for_nodes="wss://there")
    cluster.attend_relays(told, told)
    cluster.add("far", far.relays)
    for room in (HOME_ROOM, OTHER_ROOM):
        cluster.join_room(SpaceId("space"), room)
    await until(lambda: len(here.joins()) == len(far.joins()) == 2)
    assert [each.url for each in here.joins()] == ["ws://here", "wss://sfu.test"]
    assert [each.url for each in far.joins()] == ["wss://there", "wss://sfu.test"]


async def test_a_bridge_beside_its_livekit_server_gives_nodes_the_clients_address() -> None:
    config = Config.model_validate(
        {
            "media": {"engine": "livekit", "node_secret": "s" * 32, "local_worker": False},
            "livekit": {"server_url": "http://127.0.0.1:7880", "url": "wss://sfu.test"},
        }
    )
    told, far = Told(), Client("far")
    cluster = sound_of(config, TaskSupervisor(), needs_relays=True).relays
    cluster.attend_relays(told, told)
    cluster.add("far", far.relays)
    cluster.join_room(SpaceId("space"), RelayedRoom("home", config.sfu_url, publishes=True))
    assert (await far.joined()).url == "wss://sfu.test"


# --- microphones ---------------------------------------------------------------------------------


async def test_a_page_microphone_that_other_workers_relay_is_lost_all_the_same() -> None:
    cluster = Cluster()
    await cluster.offers(HOST, Direction.SPEAK)
    cluster.here.change(PeerPhase.CONNECTED)
    cluster.far.stage.room_sounds.use(SPACE, HOST)  # the bot's track of this very microphone
    cluster.here.change(PeerPhase.CLOSED)
    assert cluster.noted.lost == [HOST]


async def test_when_home_moves_its_microphones_are_lost_though_the_new_home_hears_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(cluster_members, "LOST_S", 0.0)
    cluster = Cluster()
    await cluster.offers(HOST, Direction.SPEAK)
    cluster.here.change(PeerPhase.CONNECTED)
    cluster.far.stage.room_sounds.use(SPACE, HOST)
    cluster.here.is_attached = False
    cluster.stage.look()
    assert cluster.noted.lost == [HOST]


async def test_a_microphone_that_is_a_page_elsewhere_is_not_lost() -> None:
    cluster = Cluster()
    await cluster.offers(HOST, Direction.SPEAK)
    cluster.here.change(PeerPhase.CONNECTED)
    await cluster.far.stage.offer(SPACE, HOST, Direction.SPEAK, "v=0")
    cluster.here.change(PeerPhase.CLOSED)
    assert cluster.noted.lost == []


# --- what the home relay saw ---------------------------------------------------------------------


class Losses(Told):
    """A `RelayListener` that notes which rooms are lost."""

    def __init__(self) -> None:
        super().__init__()
        self.lost: list[str] = []

    def room_lost(self, space: SpaceId, name: str, reason: str) -> None:
        self.lost.append(name)


async def test_another_home_and_a_home_that_is_gone_are_losses_of_all_rooms() -> None:
    told, here, far = Losses(), Client(), Client("far")
    cluster = ClusterRelays(here.relays)
    cluster.attend_relays(told, told)
    cluster.add("far", far.relays)
    for room in (HOME_ROOM, OTHER_ROOM):
        cluster.join_room(SpaceId("space"), room)
    cluster.move_home("far")
    assert told.lost == ["home", "sfu.test"]
    cluster.move_home("far")
    assert told.lost == ["home", "sfu.test"]
    cluster.remove("far")
    assert told.lost == ["home", "sfu.test"] * 2
    cluster.add("other", Client("other").relays)
    cluster.remove("other")
    assert told.lost == ["home", "sfu.test"] * 2


# --- attempts to join ----------------------------------------------------------------------------


class Server:
    """An SFU client that joins with its attempts from one on, and its relay."""

    def __init__(self, first: int) -> None:
        self.attempts: list[int] = []
        self._first = first
        self.relays = WorkerRelays(self._obey, RoomSounds(lambda _: None), backoff=SOON)
        told = Told()
        self.relays.attend_relays(told, told)
        self.relays.heard(sfu.SfuClientReady(1))
        self.relays.join_room(SPACE, HOME_ROOM)

    def _obey(self, message: sfu.ToSfuClient) -> None:
        if not isinstance(message, sfu.JoinSfuRoom):
            return
        self.attempts.append(message.attempt)
        if len(self.attempts) >= self._first:
            joined = sfu.SfuRoomJoined(message.space, message.name, message.attempt)
            asyncio.get_running_loop().call_soon(self.relays.heard, joined)


async def test_an_attempt_that_comes_to_nothing_is_made_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(relays, "ATTEMPT", Backoff(0.02, 0.04))
    second = Server(2)
    await until(lambda: second.relays.is_in(SPACE, "home"))
    never = Server(1000)
    await until(lambda: len(never.attempts) > 3)
    assert second.attempts == [1, 2]
    never.relays.stop()


# --- who must not hear on ------------------------------------------------------------------------


def may_stay(stage: ClusterStage) -> Mapping[UserId, bool]:
    """Who would go on listening over a node that comes now."""
    users = (BEN, EVE, GHOST)
    seats = (messages.PeerSeat("p", CREATE.space, u, LISTEN, PeerPhase.CONNECTED) for u in users)
    return {seat.user: stage.may_stay(seat) for seat in seats}


async def test_after_a_restart_who_was_removed_hears_nothing_over_a_node_that_comes() -> None:
    recorder = Recorder()
    spaces = Spaces(recorder.context())
    await spaces.create(CREATE)
    await spaces.ask(CREATE.space, cmd.AttachRoom(ROOM))
    await spaces.ask(CREATE.space, cmd.ObserveRoom({ADA: 90}, {ADA: "Ada", BEN: "Ben"}))
    await spaces.ask(CREATE.space, cmd.StartSpace(ADA, 10_000))
    await spaces.ask(CREATE.space, cmd.RemovePerson(ADA, BEN))
    await spaces.ask(CREATE.space, cmd.SetGuests(ADA, GuestPolicy.OFF))
    await spaces.stop()
    context = recorder.context()
    stage = ClusterStage(None, domain=context.settings.domain)
    restarted = Spaces(replace(context, stage=stage))
    await restarted.resume()
    reconciler = Reconciler(restarted, MediaEvents(restarted), recorder)
    reconciler.start()
    assert may_stay(stage) == {BEN: False, EVE: True, GHOST: False}
    await reconciler.stop()
    await restarted.stop()
    stage.close_space(CREATE.space)
    assert may_stay(stage) == {BEN: True, EVE: True, GHOST: True}


def test_what_ended_in_live_spaces_that_never_open_is_bounded() -> None:
    stage = ClusterStage(None)

    def stays(space: str) -> bool:
        seat = messages.PeerSeat("p", SpaceId(space), GUEST, LISTEN, PeerPhase.CONNECTED)
        return stage.may_stay(seat)

    for number in range(limits.MOST_SPACES + 1):
        stage.end_listening(SpaceId(str(number)), GUEST)
    assert stays("0")
    assert not stays("1")
    assert not stays(str(limits.MOST_SPACES))
