"""Our own offers to a call's client, when as many streams as there may be have come and gone."""

import pytest

from spaces_bridge.media.worker.edge.call_sections import MOST_STREAMS
from spaces_bridge.media.worker.values import WantedStream
from tests.support.call_client import CallWire, sections_of
from tests.support.edge import edge_world

pytestmark = pytest.mark.peers


def crowd(name: str) -> list[WantedStream]:
    """As many streams as one client may have."""
    return [WantedStream(f"{name}{n}", f"{name}{n}", f"TR_{name}{n}") for n in range(MOST_STREAMS)]


async def test_the_answer_to_the_fullest_offer_is_taken() -> None:
    async with edge_world() as world:
        wire = CallWire()
        carried = list[int]()
        for name in ("a", "b", "a"):
            offer = world.edge.offer_call("anna", crowd(name))
            world.edge.accept_call_answer("anna", wire.answer(len(sections_of(offer.sdp))))
            carried.append(len(offer.sections))
        assert carried == [MOST_STREAMS, MOST_STREAMS - 1, MOST_STREAMS]
