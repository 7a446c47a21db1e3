"""A receiver that has dropped what it had acknowledged out of order (RFC 9260, 6.2.1)."""

import pytest

from spaces_bridge.media.worker.edge.sctp.pacing import PACKET
from spaces_bridge.media.worker.edge.sctp.packets import Sack
from spaces_bridge.media.worker.edge.sctp.sending import SendQueue

pytestmark = pytest.mark.unit

WINDOW = 100_000


def test_what_was_dropped_again_is_sent_again() -> None:
    queue, now = SendQueue(1, WINDOW), 0.0
    assert queue.put(0, 53, [bytes(PACKET - 100) for _ in range(3)])
    assert len(list(queue.packets(now))) == 3
    queue.acknowledge(Sack(0, WINDOW, ((2, 3),)), now)
    for arrived in (1, 2, 3):  # one comes at a time, and nothing is kept that comes before it
        assert queue.due is not None
        now = queue.due
        queue.tick(now)
        assert len(list(queue.packets(now))) >= 1
        queue.acknowledge(Sack(arrived, WINDOW, ()), now)
    assert queue.due is None
    assert not queue.has_failed
