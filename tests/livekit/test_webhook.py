"""What a LiveKit server says of its rooms: only what our secret signed is believed."""

import hashlib
import time
from base64 import b64encode
from collections.abc import AsyncIterator
from pathlib import Path

import jwt
import pytest

from spaces_bridge.livekit import webhook
from tests.livekit.authorised import KEY, SECRET, Authorised, authorised

pytestmark = pytest.mark.peers

BODY = b'{"event":"participant_left"}'


@pytest.fixture
async def calls(tmp_path: Path) -> AsyncIterator[Authorised]:
    async with authorised(tmp_path) as running:
        yield running


def token(body: bytes = BODY, key: str = KEY, secret: str = SECRET, lasts_s: float = 300) -> str:
    digest = b64encode(hashlib.sha256(body).digest()).decode()
    claims = {"iss": key, "exp": time.time() + lasts_s, "sha256": digest}
    return jwt.encode(claims, secret, algorithm="HS256")


@pytest.mark.parametrize("form", ["{}", "Bearer {}"])
async def test_a_signed_webhook_is_taken(calls: Authorised, form: str) -> None:
    address = f"{calls.world.base}/livekit/sfu_webhook"
    headers = {"Authorization": form.format(token())}
    async with calls.world.http.post(address, data=BODY, headers=headers) as response:
        assert response.status == 200


@pytest.mark.parametrize(
    "authorization",
    [
        None,
        "",
        "nonsense",
        token(b"another body"),
        token(secret="another-secret-that-is-long-enough-too"),
        token(key="other"),
        token(lasts_s=-60),
        jwt.encode({"iss": KEY, "exp": 2**40}, SECRET, algorithm="HS256"),
        jwt.encode({"iss": KEY, "exp": 2**40, "sha256": 7}, SECRET, algorithm="HS256"),
        jwt.encode({"iss": KEY, "exp": 2**40, "sha256": "ü"}, SECRET, algorithm="HS256"),
    ],
)
async def test_what_is_not_signed_for_this_body_is_refused(
    calls: Authorised, authorization: str | None
) -> None:
    address = f"{calls.world.base}/livekit/sfu_webhook"
    headers = {} if authorization is None else {"Authorization": authorization}
    async with calls.world.http.post(address, data=BODY, headers=headers) as response:
        assert response.status == 401
        assert (await response.json())["errcode"] == "M_UNAUTHORIZED"


async def test_a_token_to_join_is_no_signature(calls: Authorised) -> None:
    space = await calls.world.create()
    _, answer = await calls.post("/sfu/get", calls.older(space, space.host))
    headers = {"Authorization": str(answer["jwt"])}
    address = f"{calls.world.base}/livekit/sfu_webhook"
    async with calls.world.http.post(address, data=BODY, headers=headers) as response:
        assert response.status == 401


@pytest.mark.parametrize(
    ("body", "room"),
    [
        (b'{"event":"participant_joined","room":{"sid":"RM_1","name":"a room"}}', "a room"),
        (BODY, ""),
        (b'{"room":{"name":7}}', ""),
        (b'{"room":"name"}', ""),
        (b"[]", ""),
        (b"\xff", ""),
        (b"[" * 100_000, ""),
    ],
)
def test_of_an_event_the_rooms_name_is_read_and_nothing_else(body: bytes, room: str) -> None:
    assert webhook.room_in(body) == room
