"""The queue of what an edge sends on data channels: its bounds, and a peer that fails."""

from collections.abc import Callable, Sequence

import pytest

from spaces_bridge.media.worker.edge.call_peer import CallPeer
from spaces_bridge.media.worker.edge.data import MOST_CROWDS, TURN, PeersData
from spaces_bridge.media.worker.edge.forwarding import Forwarding
from spaces_bridge.media.worker.edge.ice import Ice
from spaces_bridge.media.worker.edge.peers import Peers

pytestmark = pytest.mark.unit

CROWD = TURN * 3
DRAFT, FINAL = [b"draft"], [b"final"]


class Crowd:
    """Peers who note what they are sent, and the turns that are to come."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, bytes]] = []
        self.turns: list[Callable[[], None]] = []
        self.failing = ""
        self.peers = Peers(1000)
        crowd = self

        class Noting(CallPeer):
            def send_data(self, messages: Sequence[bytes], now: float, *, fades: bool) -> None:
                if self.id == crowd.failing:
                    raise RuntimeError("a bug")
                crowd.sent += [(self.id, message) for message in messages]

        for number in range(CROWD):
            ice = Ice(f"ufrag{number}", "pwd", "", "")
            self.peers.adopt(Noting(str(number), ice, Forwarding(lambda _: None), 0.0))
        self.data = PeersData(self.peers, lambda: 0.0, self.turns.append)

    def say(self, messages: Sequence[bytes], *, fades: bool) -> None:
        """Send everybody these."""
        self.data.send(list(self.peers), messages, fades=fades)

    def run(self) -> None:
        """Until nothing more is to be done."""
        while self.turns:
            self.turns.pop()()


def test_a_peer_that_fails_stops_no_others() -> None:
    crowd = Crowd()
    crowd.failing = "0"
    with pytest.raises(RuntimeError):
        crowd.say(FINAL, fades=False)
    crowd.run()
    assert [peer for peer, _ in crowd.sent] == [str(number) for number in range(1, CROWD)]


def test_drafts_give_way_to_what_waits() -> None:
    crowd = Crowd()
    for _ in range(2):
        crowd.say(FINAL, fades=False)
    crowd.say(DRAFT, fades=True)
    crowd.run()
    assert [said for _, said in crowd.sent] == [b"final"] * 2 * CROWD
    crowd.say(DRAFT, fades=True)
    crowd.run()
    assert [said for _, said in crowd.sent[2 * CROWD :]] == [b"draft"] * CROWD


def test_what_waits_is_bounded() -> None:
    crowd = Crowd()
    for _ in range(3 * MOST_CROWDS):
        crowd.say(FINAL, fades=False)
    crowd.run()
    assert MOST_CROWDS * CROWD < len(crowd.sent) <= (MOST_CROWDS + 2) * CROWD
