"""What a media node passes on, keeps to itself, and does when no bridge comes back."""

from typing import Any, cast

import pytest

from spaces_bridge.core.ids import SpaceId, UserId
from spaces_bridge.media import messages as say
from spaces_bridge.media.nodes import limits
from spaces_bridge.media.nodes.carrier import Carrier
from spaces_bridge.media.nodes.channels import LinkMessage
from spaces_bridge.media.nodes.messages import BeHome, WorkerAttached
from spaces_bridge.media.sfu_client import messages as sfu
from spaces_bridge.media.worker.values import PeerPhase, StreamDirection

pytestmark = pytest.mark.unit

SPACE, EAR = SpaceId("space"), UserId("@ear:x")
LISTEN = StreamDirection.LISTEN
SOUND = say.SpeakerAudio(SPACE, EAR, 100, bytes(3200))
NOTHING = say.Hello(1, {}, ())
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
    """A carrier between paper ends."""

    def __init__(self) -> None:
        self.worker, self.client = Worker(), list[sfu.ToSfuClient]()
        self.carrier = Carrier(self.client.append)
        self.carrier.attend(self.worker)

    def link(self, *, is_known: bool = False) -> Link:
        link = Link()
        self.carrier.connected(cast("Any", link), is_known=is_known)
        return link


def test_only_the_home_nodes_sound_and_levels_travel() -> None:
    rig = Rig()
    link = rig.link()
    levels, packet = say.AudioLevels(SPACE, {EAR: 3}), say.MixPacket(SPACE, 1, b"x")
    for said in (SOUND, levels, packet):
        rig.carrier.heard(said)
    assert link.told == []
    assert rig.worker.told == [say.AudioTaken(SPACE, EAR, 200)]  # 100 ms of sound from there
    rig.carrier.obey(BeHome(True))
    for said in (SOUND, levels, packet):
        rig.carrier.heard(said)
    assert link.told == [SOUND, levels, packet]
    link.is_busy = True
    rig.carrier.heard(levels)
    rig.carrier.heard(SOUND)
    assert link.told[3:] == [SOUND]


def test_resume_records_never_leave_the_node() -> None:
    rig = Rig()
    link = rig.link()
    rig.carrier.attached(NOTHING, {"peer": RECORD})
    seat = say.PeerSeat("peer", SPACE, EAR, LISTEN, PeerPhase.CONNECTED)
    assert link.told == [WorkerAttached(NOTHING, (seat,), 0)]
    rig.carrier.obey(say.Restore("peer", SPACE, EAR, LISTEN, b""))
    assert rig.worker.told == [say.Restore("peer", SPACE, EAR, LISTEN, b"keys")]
    rig.carrier.obey(say.Restore("other", SPACE, EAR, LISTEN, b""))
    gone = link.told[-1]
    assert isinstance(gone, say.PeerChanged)
    assert (gone.peer, gone.phase) == ("other", PeerPhase.CLOSED)
    rig.carrier.obey(say.ClosePeer("peer"))
    assert rig.worker.forgotten == ["peer"]


def test_a_bridge_that_comes_is_told_all_anew() -> None:
    rig = Rig()
    ready = sfu.SfuClientReady(1)
    rig.carrier.sfu_heard(ready)
    first = rig.link()
    assert (first.told, rig.worker.asked) == ([ready], 1)
    rig.carrier.obey(sfu.JoinSfuRoom(SPACE, "home", 1, "ws://sfu", "token", False, False))
    rig.carrier.disconnected()
    second = rig.link()
    assert rig.client[-1] == sfu.LeaveSfuRoom(SPACE, "home")
    assert (second.told, rig.worker.asked) == ([ready], 2)


def test_a_bridge_that_was_away_for_a_moment_goes_on_where_it_was() -> None:
    rig = Rig()
    rig.carrier.sfu_heard(sfu.SfuClientReady(1))
    rig.link()
    join = sfu.JoinSfuRoom(SPACE, "home", 1, "ws://sfu", "token", False, False)
    rig.carrier.obey(join)
    rig.carrier.disconnected()
    joined = sfu.SfuRoomJoined(SPACE, "home", 1)
    rig.carrier.sfu_heard(joined)
    again = rig.link(is_known=True)
    assert again.told == [joined]
    assert rig.client == [join]
    rig.carrier.disconnected()
    for number in range(limits.MOST_UNSAID + 1):
        rig.carrier.sfu_heard(sfu.SfuPong(number))
    assert rig.link(is_known=True).told == [sfu.SfuClientReady(1)]


def test_without_a_bridge_for_too_long_all_live_spaces_end() -> None:
    rig = Rig()
    rig.link()
    rig.carrier.obey(say.OpenSpace(SPACE, 0))
    rig.carrier.attached(say.Hello(1, {SpaceId("earlier"): ()}, ()), {})
    rig.carrier.disconnected()
    rig.worker.told.clear()
    rig.carrier.close_spaces()
    closed = {each.space for each in rig.worker.told if isinstance(each, say.CloseSpace)}
    assert closed == {SPACE, "earlier"}
    rig.worker.told.clear()
    rig.carrier.close_spaces()
    assert rig.worker.told == []
