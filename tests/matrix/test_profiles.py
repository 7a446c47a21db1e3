"""What profiles say, and what is made of those that cannot be read."""

from collections.abc import Mapping
from typing import Any

import pytest

from spaces_bridge.core.ids import UserId
from spaces_bridge.matrix.client.errors import Away, RequestRefused
from spaces_bridge.matrix.client.matrix_client import MatrixClient

pytestmark = pytest.mark.unit

BOT, EVE = UserId("@bot:x.org"), UserId("@eve:elsewhere.net")


class Homeserver:
    """Answers with a profile's fields, or fails."""

    def __init__(
        self, fields: Mapping[str, object] | None = None, failure: Exception | None = None
    ) -> None:
        self._fields = fields or {}
        self._failure = failure

    async def call(self, method: str, path: list[str], *_: object, **__: object) -> object:
        if self._failure is not None:
            raise self._failure
        if path[-1] not in self._fields:
            raise RequestRefused(404, "M_NOT_FOUND", "no such field")
        return {path[-1]: self._fields[path[-1]]}


def client(homeserver: Homeserver) -> MatrixClient:
    anything: Any = homeserver
    return MatrixClient(anything, BOT)


@pytest.mark.parametrize(
    ("fields", "zone"),
    [
        ({"m.tz": "Europe/Lisbon"}, "Europe/Lisbon"),
        ({"us.cloke.msc4175.tz": "Europe/Lisbon"}, "Europe/Lisbon"),
        ({"m.tz": "Europe/Paris", "us.cloke.msc4175.tz": "Asia/Tokyo"}, "Europe/Paris"),
        ({"m.tz": 7}, None),
        ({}, None),
    ],
)
async def test_a_time_zone_is_read_from_the_profile(
    fields: dict[str, object], zone: str | None
) -> None:
    assert await client(Homeserver(fields)).time_zone(EVE) == zone


async def test_nobody_waits_for_a_profile_whose_own_server_is_away() -> None:
    asked = client(Homeserver(failure=Away("502 M_UNKNOWN: no route", broken=True)))
    assert await asked.time_zone(EVE) is None
    assert await asked.display_name(EVE) is None


async def test_while_our_homeserver_is_away_it_is_asked_again() -> None:
    with pytest.raises(Away):
        await client(Homeserver(failure=Away("gone", unreached=True))).time_zone(EVE)
