"""The rig tried on the real thing: official SDKs with a real livekit-server."""

from collections.abc import Awaitable, Callable

import pytest

from tests.livekit import scenarios
from tests.livekit.client import LiveKitClient
from tests.livekit.conftest import Made
from tests.livekit.engine import Engine, Keyed

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.needs("chromium", "livekit-client", "livekit-server"),
]

Scenario = Callable[[Engine, LiveKitClient, LiveKitClient], Awaitable[None]]
PAIRS = (("python", "page"), ("page", "python"))


@pytest.mark.parametrize(
    ("one", "other"),
    [*PAIRS, ("page of two", "page"), ("page", "page of two"), ("python of two", "page of two")],
)
async def test_official_clients_hear_each_other(
    server: Keyed, made: Made, one: str, other: str
) -> None:
    speaker, listener = await made(one, scenarios.HIGH), await made(other, scenarios.LOW)
    await scenarios.both_are_heard(server, speaker, listener)


@pytest.mark.parametrize(("one", "other"), PAIRS)
@pytest.mark.parametrize(
    "scenario",
    [
        scenarios.a_muted_one_is_silent,
        scenarios.a_listener_may_not_publish,
        scenarios.a_grant_is_heard_and_taken_back,
        scenarios.who_is_removed_is_out,
        scenarios.words_arrive,
        scenarios.a_second_connection_replaces_the_first,
    ],
)
async def test_official_clients_with_a_real_server(
    server: Keyed, made: Made, scenario: Scenario, one: str, other: str
) -> None:
    await scenario(server, await made(one, scenarios.HIGH), await made(other, scenarios.LOW))
