"""What a media node passes on, keeps to itself, and does when no bridge comes back."""

from typing import Any, cast

import pytest

from spaces_bridge.core.ids import SpaceId, UserId
from spaces_bridge.media import messages as say
from spaces_bridge.media.nodes import limits
from spaces_bridge.media.nodes.agent import NodeAgent
from spaces_bridge.media.nodes.channels import LinkMessage
from spaces_bridge.media.nodes.messages import BeHome, SfuClientLost, WorkerAttached
from spaces_bridge.media.sfu_client import messages as sfu
from spaces_bridge.media.worker.values import PeerPhase, StreamDirection
from tests.support.stage import until

pytestmark = pytest.mark.unit

SPACE, EAR = SpaceId("space"), UserId("@ear:x")
LISTEN, SPEAK = StreamDirection.LISTEN, StreamDirection.SPEAK
SOUND = say.SpeakerAudio(SPACE, EAR, 100, bytes(3200))
NOTHING = say.Hello(1, {}, ())
PEERS = (("mic", SPEAK), ("ear", LISTEN))
RECORD = say.Record("peer", SPACE, EAR, LISTEN, b"keys")


class Worker:
    """A worker's supervision on paper."""

    def __init__(self) -> None:
        self.told: list[say.ToMediaWorker] = []
        self.forgotten: list[str] = []
        self.restarts = self.asked = 0
        self.port, self.pid, self.is_attached = 1, 1, True

    async def attached(self, timeout: float) -> None: ...

    async def start(self) -> None: ...

    async def stop(self) -> None: ...

    def send(self, message: say.ToMediaWorker) -> None:
        self.told.append(message)

    def forget(self, peer: str) -> None:
        self.forgotten.append(peer)

    def attach_again(self) -> None:
        self.asked += 1


class Link:
    """A link on paper: what the bridge is told."""

    def __init__(self) -> None:
        self.told: list[LinkMessage] = []
        self.is_busy = False

    def send(self, message: LinkMessage) -> None:
        self.told.append(message)


class Rig:
    """An agent between paper ends."""

    def __init__(self) -> None:
        self.worker, self.client = Worker(), list[sfu.ToSfuClient]()
        self.agent = NodeAgent(self.client.append)
        self.agent.attend(self.worker)

    def link(self) -> Link:
        link = Link()
        self.agent.connected(cast("Any", link))
        return link

    def speaks(self, peer: str) -> None:
        """Somebody on a page speaks by this peer, and another hears by one."""
        self.agent.obey(say.PeerOffer(1, SPACE, peer, EAR, SPEAK, "v=0"))
        self.agent.obey(say.PeerOffer(2, SPACE, "ear", EAR, LISTEN, "v=0"))

    def closed(self) -> list[str]:
        """The peers that the worker was told to close."""
        return [each.peer for each in self.worker.told if isinstance(each, say.ClosePeer)]


def test_only_the_home_nodes_sound_and_levels_travel() -> None:
    rig = Rig()
    link = rig.link()
    levels, packet = say.AudioLevels(SPACE, {EAR: 3}), say.MixPacket(SPACE, 1, b"x")
    for said in (SOUND, levels, packet):
        rig.agent.heard(said)
    assert link.told == []
    assert rig.worker.told == [say.AudioTaken(SPACE, EAR, 200)]  # 100 ms of sound from there
    rig.agent.obey(BeHome(True))
    for said in (SOUND, levels, packet):
        rig.agent.heard(said)
    assert link.told == [SOUND, levels, packet]
    link.is_busy = True
    rig.agent.heard(levels)
    rig.agent.heard(SOUND)
    assert link.told[3:] == [SOUND]


def test_resume_records_never_leave_the_node() -> None:
    rig = Rig()
    link = rig.link()
    rig.agent.attached(NOTHING, {"peer": RECORD})
    seat = say.PeerSeat("peer", SPACE, EAR, LISTEN, PeerPhase.CONNECTED)
    assert link.told == [WorkerAttached(NOTHING, (seat,), 0)]
    rig.agent.obey(say.Restore("peer", SPACE, EAR, LISTEN, b""))
    assert rig.worker.told == [say.Restore("peer", SPACE, EAR, LISTEN, b"keys")]
    rig.agent.obey(say.Restore("other", SPACE, EAR, LISTEN, b""))
    gone = link.told[-1]
    assert isinstance(gone, say.PeerChanged)
    assert (gone.peer, gone.phase) == ("other", PeerPhase.CLOSED)
    rig.agent.obey(say.ClosePeer("peer"))
    assert rig.worker.forgotten == ["peer"]


async def test_a_bridge_that_comes_or_comes_back_is_told_all_anew() -> None:
    rig = Rig()
    ready = sfu.SfuClientReady(1)
    rig.agent.sfu_heard(ready)
    first = rig.link()
    assert (first.told, rig.worker.asked) == ([ready], 1)
    rig.agent.obey(sfu.JoinSfuRoom(SPACE, "home", 1, "ws://sfu", "token", False, False))
    rig.agent.disconnected()
    second = rig.link()
    assert rig.client[-1] == sfu.LeaveSfuRoom(SPACE, "home")
    assert (second.told, rig.worker.asked) == ([ready], 2)


def test_the_end_of_an_sfu_client_is_told() -> None:
    rig = Rig()
    rig.agent.sfu_heard(sfu.SfuClientReady(1))
    link = rig.link()
    rig.agent.obey(sfu.JoinSfuRoom(SPACE, "home", 1, "ws://sfu", "token", False, False))
    rig.agent.sfu_lost()
    assert link.told[1:] == [SfuClientLost()]
    rig.agent.sfu_heard(sfu.SfuClientReady(2))
    assert link.told[2:] == [sfu.SfuClientReady(2)]


async def test_without_a_bridge_microphones_of_pages_end_soon_and_nothing_else(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(limits, "SPEAKERS_S", 0.02)
    rig = Rig()
    rig.link()
    for peer in ("ended", "mic"):
        rig.speaks(peer)
    closed = PeerPhase.CLOSED
    rig.agent.heard(say.PeerChanged("ended", SPACE, EAR, SPEAK, closed, ""))
    rig.agent.disconnected()
    assert rig.closed() == []
    await until(rig.closed)
    assert rig.closed() == rig.worker.forgotten == ["mic"]


async def test_without_a_bridge_a_caller_is_heard_no_more_and_goes_on_hearing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(limits, "SPEAKERS_S", 0.02)
    rig = Rig()
    rig.link()
    for peer in ("caller", "muted", "ended"):
        rig.agent.obey(say.PeerOffer(1, SPACE, peer, EAR, StreamDirection.DUPLEX, "v=0"))
        rig.agent.obey(say.UseMicrophone(peer, True))
    rig.agent.obey(say.UseMicrophone("muted", False))
    rig.agent.obey(say.ClosePeer("ended"))
    before = len(rig.worker.told)
    rig.agent.disconnected()
    await until(lambda: len(rig.worker.told) > before)
    assert rig.worker.told[before:] == [say.UseMicrophone("caller", False)]


async def test_a_node_that_is_started_anew_without_a_bridge_silences_callers_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(limits, "SPEAKERS_S", 0.02)
    rig = Rig()
    seats = tuple(
        say.PeerSeat(
            peer, SPACE, EAR, StreamDirection.DUPLEX, PeerPhase.CONNECTED, speaks=peer == "caller"
        )
        for peer in ("caller", "other")
    )
    rig.agent.attached(say.Hello(1, {}, seats), {})
    await until(lambda: rig.worker.told)
    assert rig.worker.told == [say.UseMicrophone("caller", False)]


async def test_a_bridge_that_is_back_in_time_finds_the_microphones(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rig, other = Rig(), Rig()
    rig.link()
    other.link()
    monkeypatch.setattr(limits, "SPEAKERS_S", 0.02)
    for each in (rig, other):
        each.speaks("mic")
        each.agent.disconnected()
    rig.link()
    await until(other.closed)  # whose time began later
    assert rig.closed() == []


async def test_a_node_that_is_started_anew_without_a_bridge_ends_microphones_of_pages_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(limits, "SPEAKERS_S", 0.02)
    rig = Rig()
    seats = (say.PeerSeat(peer, SPACE, EAR, side, PeerPhase.CONNECTED) for peer, side in PEERS)
    rig.agent.attached(say.Hello(1, {}, tuple(seats)), {})
    await until(rig.closed)
    assert rig.closed() == ["mic"]


async def test_without_a_bridge_for_too_long_all_live_spaces_end() -> None:
    rig = Rig()
    rig.link()
    rig.agent.obey(say.OpenSpace(SPACE, 0))
    rig.agent.attached(say.Hello(1, {SpaceId("earlier"): ()}, ()), {})
    rig.agent.disconnected()
    rig.worker.told.clear()
    rig.agent.close_spaces()
    closed = {each.space for each in rig.worker.told if isinstance(each, say.CloseSpace)}
    assert closed == {SPACE, "earlier"}
    rig.worker.told.clear()
    rig.agent.close_spaces()
    assert rig.worker.told == []
