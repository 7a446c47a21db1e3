"""How long the bridge waits before it asks again whether it is reached."""

import pytest

from spaces_bridge.matrix.homeserver.watch import PING_EVERY_S, rest_s

pytestmark = pytest.mark.unit


def test_it_pings_again_soon_and_then_less_and_less_often() -> None:
    assert [rest_s(failed) for failed in range(1, 5)] == [1.0, 2.0, 4.0, 8.0]
    assert rest_s(6) == rest_s(10_000) == PING_EVERY_S
