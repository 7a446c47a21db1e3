"""The rig tried on the real thing: official SDKs with a real livekit-server."""

import pytest

from tests.livekit import scenarios
from tests.livekit.clients import Made
from tests.livekit.engine import Keyed

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.needs("chromium", "livekit-client", "livekit-server"),
]

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
@pytest.mark.parametrize("scenario", scenarios.MORE)
async def test_official_clients_with_a_real_server(
    server: Keyed, made: Made, scenario: scenarios.Scenario, one: str, other: str
) -> None:
    await scenario(server, await made(one, scenarios.HIGH), await made(other, scenarios.LOW))
