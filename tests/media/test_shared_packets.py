"""The packets of those who only listen: a large crowd is served in turns, a small one at once."""

import pytest

from spaces_bridge.media.worker.mix.shared_packets import BURST, CrowdPackets, SharedPackets

pytestmark = pytest.mark.unit

FRAME = b"\xf8\x01"


def served(packets: SharedPackets, ticks: int) -> list[int]:
    """How many are sent to in each tick, while somebody talks."""
    return [
        sum(len(each.peers) for each in packets.push(FRAME, is_silent=False)) for _ in range(ticks)
    ]


@pytest.mark.parametrize(
    ("listeners", "most"), [(BURST, BURST), (BURST + 2, BURST), (2500, BURST), (6000, 2000)]
)
def test_so_many_are_sent_to_at_once_and_all_within_sixty_milliseconds(
    listeners: int, most: int
) -> None:
    packets = SharedPackets(CrowdPackets(frames=3, least=10))
    for count in range(500, listeners, 500):  # they come by and by
        packets.lay_out([f"peer {number}" for number in range(count)])
        packets.push(FRAME, is_silent=False)
    packets.lay_out([f"peer {number}" for number in range(listeners)])
    served(packets, 30)
    shares = served(packets, 3)
    assert sum(shares) == listeners
    assert max(shares) <= most


def test_nobody_is_served_twice_or_left_out_while_people_come_and_go() -> None:
    packets, there = SharedPackets(CrowdPackets(frames=3, least=5)), list[str]()
    heard: dict[str, list[int]] = {}
    for tick in range(300):
        if tick % 7 == 0:
            there.append(f"peer {tick}")
        if tick % 31 == 30:
            there.remove(there[len(there) // 2])
        packets.lay_out(there)
        for each in packets.push(FRAME, is_silent=False):
            first = tick - each.age // 960
            count = 1 if each.packet[0] & 3 == 0 else each.packet[1] & 63
            for peer in each.peers:
                heard.setdefault(peer, []).extend(range(first, first + count))
    for ticks in heard.values():
        assert ticks == list(range(ticks[0], ticks[-1] + 1))
