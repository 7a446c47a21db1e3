"""A crowd's server and audience, of which the figures of crowds are made."""

import pytest

from benchmarks.crowd_server import crowd_server
from benchmarks.peers.audience import Audience
from tests.support.stage import until

pytestmark = [pytest.mark.peers, pytest.mark.needs("gcc")]


async def test_listeners_of_the_sink_and_those_that_decrypt_hear_the_talker() -> None:
    async with crowd_server() as server:
        audience = Audience()
        try:
            await audience.grow(2, server.answers, decrypts=True)
            await audience.grow(5, server.answers)
            await until(lambda: min(audience.heard().sink.packets, audience.heard().real_packets))
            assert audience.heard().real_rejected == 0
            window = await server.window(audience, 0.1)
            heard = window.heard
            assert (window.listeners, heard.sink.listeners, heard.real) == (5, 3, 2)
            assert window.rss_kib > 0
        finally:
            await audience.close()
