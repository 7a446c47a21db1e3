"""The reports of call peers: spread, as all of a crowd may have connected at one moment."""

import pytest

from spaces_bridge.media.worker.edge.call_peer import CallPeer
from spaces_bridge.media.worker.edge.forwarding import Forwarding
from spaces_bridge.media.worker.edge.ice import Ice
from spaces_bridge.media.worker.edge.peer import Link
from spaces_bridge.media.worker.edge.srtp import Keys, Profile

pytestmark = pytest.mark.unit

KEYS = Keys.for_server(Profile.GCM, bytes(range(Keys.material_size(Profile.GCM))))


class Path:
    """Goes nowhere."""

    owner: str | None = "anna"
    address = ("192.0.2.1", 1)
    proven = False

    def send(self, datagram: bytes) -> bool:
        return True

    def claim(self, owner: str) -> None:
        raise AssertionError

    def forget(self) -> None:
        raise AssertionError


def test_peers_that_reported_at_one_moment_report_at_different_ones_next() -> None:
    due = list[float]()
    for number in range(50):
        peer = CallPeer(str(number), Ice("a", "b", "c", "d"), Forwarding(), 0.0)
        peer.link = Link.made(KEYS, 1)
        peer.ice.selected = Path()
        peer.send_report(None, 100.0)
        due.append(peer.link.report_at)
    assert all(101.5 <= at <= 104.5 for at in due)
    assert max(due) - min(due) > 1.0
