"""The API of calls that a homeserver hands on, on the appservice's listener."""

import json
from collections.abc import AsyncIterator, Mapping
from typing import Any

import aiohttp
import pytest

from spaces_bridge.app.usecases.calls import LEAVE_DELAY_MS, CallPermit
from spaces_bridge.core import refusals
from spaces_bridge.core.errors import Rejected
from spaces_bridge.core.ids import RoomId, SpaceId, UserId
from spaces_bridge.matrix.appservice.call_api import BODY_MAX_BYTES, ProxiedCalls
from spaces_bridge.matrix.appservice.server import AppserviceServer
from tests.support.spaces import BEN, ROOM

pytestmark = pytest.mark.peers

TOKEN = "token-of-the-homeserver"
BASE = "/_matrix/client/unstable/io.element.msc4195/rtc/livekit"
HEADERS = {"Authorization": f"Bearer {TOKEN}", "X-Matrix-User-Identifier": BEN}
WANTED = {"room_id": ROOM, "member": {"id": "uuid-1", "claimed_device_id": "DEV"}}


class Desk:
    """Who lets everybody in, unless told otherwise, and keeps every leave."""

    def __init__(self) -> None:
        self.refusal: Rejected | None = None
        self.kept: list[object] = []
        self.base = ""

    async def permit_in(self, room: RoomId, user: UserId) -> CallPermit:
        if self.refusal is not None:
            raise self.refusal
        return CallPermit(SpaceId("space1"), room, user, "Ben", may_publish=False)

    async def is_encrypted(self, _: RoomId) -> bool:
        return False

    async def delegate(self, *leave: object) -> None:
        self.kept.append(leave[-1])

    async def post(self, path: str, body: object) -> tuple[int, Mapping[str, Any]]:
        """Status and answer. An iterator is sent as it comes, without saying its length."""
        sent = body if isinstance(body, AsyncIterator) else json.dumps(body).encode()
        url = f"{self.base}{BASE}/{path}"
        async with (
            aiohttp.ClientSession() as http,
            http.post(url, data=sent, headers=HEADERS) as answer,
        ):
            return answer.status, await answer.json()


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    made = Desk()
    every: Any = made
    server = AppserviceServer(TOKEN, every, every, every, every, every)
    server.serve_calls(ProxiedCalls(every, every, every, every), "example.org")
    await server.start("127.0.0.1", 0)
    made.base = f"http://127.0.0.1:{server.port}"
    yield made
    await server.stop()


async def in_parts(body: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(body), 1000):
        yield body[start : start + 1000]


async def test_a_body_of_unsaid_length_has_the_same_bound(desk: Desk) -> None:
    for size, status in ((BODY_MAX_BYTES // 2, 200), (BODY_MAX_BYTES + 1, 413)):
        delegates = {**WANTED, "delay_id": "syd_1", "delay_timeout": 60_000, "x": "x" * size}
        body = json.dumps(delegates).encode()
        assert (await desk.post("delegate_delayed_leave", in_parts(body)))[0] == status
    assert desk.kept == [60_000]


@pytest.mark.parametrize(
    ("delay", "errcode"),
    [
        (None, "M_BAD_JSON"),
        (True, "M_BAD_JSON"),
        ("60000", "M_BAD_JSON"),
        (6e4, "M_BAD_JSON"),
        (1, "M_INVALID_PARAM"),
        (LEAVE_DELAY_MS[0] - 1, "M_INVALID_PARAM"),
        (LEAVE_DELAY_MS[-1] + 1, "M_INVALID_PARAM"),
    ],
)
async def test_a_leave_that_cannot_be_put_off_in_time_is_not_taken_over(
    desk: Desk, delay: object, errcode: str
) -> None:
    body = {**WANTED, "delay_id": "syd_1", "delay_timeout": delay}
    status, answer = await desk.post("delegate_delayed_leave", body)
    assert (status, answer["errcode"]) == (400, errcode)
    assert desk.kept == []


async def test_no_refusal_reads_as_if_there_were_no_calls(desk: Desk) -> None:
    """Element Call takes 404 for that."""
    for refusal in (Rejected("not_found", "There is no such live space."), refusals.not_joined()):
        desk.refusal = refusal
        answer = {"errcode": "M_FORBIDDEN", "error": refusal.text}
        assert await desk.post("get_token", WANTED) == (403, answer)
