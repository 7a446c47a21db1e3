"""Calls on a Synapse with the experimental parts: the proxied API, sticky events."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

import aiohttp
import pytest

from spaces_bridge.app.call_ports import DelayedEventGone
from spaces_bridge.app.registry import Spaces
from spaces_bridge.app.usecases.calls import CallPermit, Calls, CallToken
from spaces_bridge.core import commands as cmd
from spaces_bridge.core.ids import RoomId, UserId
from spaces_bridge.matrix import MatrixService, ProxiedCalls
from spaces_bridge.matrix.client.http import HomeserverApi
from spaces_bridge.matrix.client.matrix_client import MatrixClient
from spaces_bridge.matrix.client.reach import Reach
from spaces_bridge_demo.homeserver import Homeserver
from spaces_bridge_demo.matrix_user import MatrixUser
from tests.matrix.conftest import Settle
from tests.matrix.moderating import id_of
from tests.matrix.support import BOT, PAGES, Bridge, LiveSetup, eventually, room_of

pytestmark = pytest.mark.e2e

GET_TOKEN = "unstable/io.element.msc4195/rtc/livekit/get_token"
LEAVE = "unstable/io.element.msc4195/rtc/livekit/delegate_delayed_leave"
STICKY = "org.matrix.msc4143.rtc.member"
MEMBER = {"id": "uuid-1", "claimed_device_id": "BENDEV"}


class ExperimentalHomeserver(Homeserver):
    """A Synapse with MatrixRTC's experiments."""

    def config(self) -> dict[str, Any]:
        names = ("msc4143", "msc4354", "msc4502", "msc4512")
        return {
            **super().config(),
            "experimental_features": {f"{name}_enabled": True for name in names},
        }


class ExperimentalTown(LiveSetup):
    """A homeserver that hands the API of calls on to the bridge."""

    def _registration(self) -> dict[str, object]:
        return {
            **super()._registration(),
            "io.element.msc4512.proxy_prefix": "rtc/livekit",
            "io.element.msc4512.proxy_url": f"http://127.0.0.1:{self.port}",
        }


class Tokens:
    """Tokens that say for what they were given, and leaves that are kept."""

    def __init__(self) -> None:
        self.kept: list[tuple[object, ...]] = []
        self.gone = False

    def issue(self, permit: CallPermit, device: str, member: str) -> CallToken:
        words = (permit.user, device, member, str(permit.may_publish))
        return CallToken("wss://sfu", "|".join(words))

    async def delegate(
        self, permit: CallPermit, device: str, member: str, delay_id: str, delay_ms: int
    ) -> None:
        if self.gone:
            raise DelayedEventGone("There is no such delayed event.")
        self.kept.append((permit.user, device, member, delay_id, delay_ms))


@pytest.fixture(scope="module")
def setup(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveSetup]:
    directory = tmp_path_factory.mktemp("experimental")
    made = ExperimentalTown(directory, ExperimentalHomeserver(directory / "synapse"))
    asyncio.run(made.homeserver.start())
    yield made
    made.homeserver.kill_now()


@pytest.fixture
def tokens() -> Tokens:
    return Tokens()


@pytest.fixture
async def bridge(setup: LiveSetup, tmp_path: Path, tokens: Tokens) -> AsyncIterator[Bridge]:
    def desk_of(spaces: Spaces, matrix: MatrixService) -> ProxiedCalls:
        return ProxiedCalls(Calls(spaces), matrix, tokens, tokens, ["wss://sfu"])

    settings = setup.settings(call_stage="open")
    async with Bridge(settings, tmp_path / "spaces.db", desk_of=desk_of) as running:
        await running.connected()
        yield running


async def ask(
    person: MatrixUser, path: str, body: object, **headers: str
) -> tuple[int, Mapping[str, Any]]:
    """Ask the homeserver as a client does; status and answer."""
    sent = {"Authorization": f"Bearer {person.account.access_token}", **headers}
    url = f"{person.url}/_matrix/client/{path}"
    async with aiohttp.ClientSession() as http, http.post(url, json=body, headers=sent) as answer:
        return answer.status, await answer.json()


def wanted(room: RoomId, **changes: object) -> dict[str, object]:
    return {"room_id": room, "slot_id": "m.call#ROOM", "member": MEMBER, **changes}


async def test_whoever_is_in_the_room_gets_a_token_by_way_of_their_homeserver(
    bridge: Bridge, settle: Settle
) -> None:
    ada, ben, eve = [await settle(name) for name in ("ada", "ben", "eve")]
    space = await bridge.live(ada, "Tokens", [ben])
    room = room_of(space)
    status, answer = await ask(ben, GET_TOKEN, wanted(room))
    assert (status, answer) == (200, {"url": "wss://sfu", "jwt": f"{ben.id}|BENDEV|uuid-1|False"})
    status, answer = await ask(ada, "v1/rtc/livekit/get_token", wanted(room))
    assert (status, answer["jwt"]) == (200, f"{ada.id}|BENDEV|uuid-1|True")
    forged = {"X-Matrix-User-Identifier": ada.id}
    status, answer = await ask(eve, GET_TOKEN, wanted(room), **forged)
    assert (status, answer["errcode"]) == (403, "M_FORBIDDEN")


async def test_a_private_live_space_is_to_strangers_as_if_there_was_none(
    bridge: Bridge, settle: Settle
) -> None:
    ada, ben = await settle("ada"), await settle("ben")
    space = await bridge.create(ada, "Secret", private=True)
    await bridge.spaces.ask(space.space, cmd.StartSpace(id_of(ada), time.time_ns() // 10**6))
    refused = await ask(ben, GET_TOKEN, wanted(room_of(space)))
    assert (refused[0], refused[1]["errcode"]) == (403, "M_FORBIDDEN")
    assert await ask(ben, GET_TOKEN, wanted(RoomId("!none"))) == refused


@pytest.mark.parametrize(
    ("changes", "status", "errcode"),
    [
        ({"slot_id": "m.call#OTHER"}, 400, "M_INVALID_PARAM"),
        ({"room_id": 7}, 400, "M_BAD_JSON"),
        ({"member": {"id": "uuid-1"}}, 400, "M_BAD_JSON"),
        ({"member": "me"}, 400, "M_BAD_JSON"),
        ({"server_name": "elsewhere.net"}, 404, "M_NOT_FOUND"),
        ({"padding": "x" * 70_000}, 413, "M_TOO_LARGE"),
    ],
)
async def test_what_is_not_understood_is_refused_with_a_reason(
    bridge: Bridge, settle: Settle, changes: dict[str, object], status: int, errcode: str
) -> None:
    ben = await settle("ben")
    answer = await ask(ben, GET_TOKEN, wanted(RoomId("!room"), **changes))
    assert (answer[0], answer[1]["errcode"]) == (status, errcode)


async def test_a_delayed_leave_is_taken_over_by_way_of_the_homeserver(
    bridge: Bridge, settle: Settle, tokens: Tokens
) -> None:
    ada, ben = await settle("ada"), await settle("ben")
    room = room_of(await bridge.live(ada, "Leaves", [ben]))
    body = wanted(room, delay_id="syd_1", delay_timeout=3_600_000)
    assert await ask(ben, LEAVE, body) == (200, {})
    assert tokens.kept == [(ben.id, "BENDEV", "uuid-1", "syd_1", 3_600_000)]
    for changes in ({"delay_id": None}, {"delay_timeout": "1"}):
        status, answer = await ask(ben, LEAVE, {**body, **changes})
        assert (status, answer["errcode"]) == (400, "M_BAD_JSON")
    assert len(tokens.kept) == 1
    tokens.gone = True
    status, answer = await ask(ben, LEAVE, body)
    assert (status, answer["errcode"]) == (404, "M_NOT_FOUND")


async def test_nobody_gets_a_token_for_the_call_of_an_encrypted_room(
    setup: LiveSetup, bridge: Bridge, settle: Settle
) -> None:
    ada = await settle("ada")
    room = room_of(await bridge.live(ada, "Cipher"))
    api = HomeserverApi(setup.homeserver.url, setup.as_token, Reach(), lambda _: None)
    await api.start()
    content = {"algorithm": "m.megolm.v1.aes-sha2"}
    await MatrixClient(api, UserId(BOT)).write_state(room, "m.room.encryption", content)
    await api.stop()
    refused: list[str] = []

    async def is_refused() -> bool:  # the bridge knows as soon as the event has reached it
        status, answer = await ask(ada, GET_TOKEN, wanted(room))
        if (status, answer.get("errcode")) == (403, "M_FORBIDDEN"):
            refused.append(answer["error"])
        return bool(refused)

    await eventually(is_refused, "a token for an encrypted room's call")
    assert "encrypted" in refused[0]


async def test_only_the_homeserver_is_answered(bridge: Bridge, settle: Settle) -> None:
    ada = await settle("ada")
    room = room_of(await bridge.live(ada, "Only"))
    url = f"http://127.0.0.1:{bridge.settings.port}/_matrix/client/{GET_TOKEN}"
    claimed = {"X-Matrix-User-Identifier": ada.id}
    for headers, status in (
        (claimed, 401),
        ({**claimed, "Authorization": "Bearer guess"}, 403),
        ({"Authorization": f"Bearer {bridge.settings.hs_token}"}, 401),
        ({**claimed, "Authorization": f"Bearer {bridge.settings.hs_token}"}, 200),
    ):
        async with (
            aiohttp.ClientSession() as http,
            http.post(url, json=wanted(room), headers=headers) as answer,
        ):
            assert answer.status == status


async def test_a_hand_on_a_sticky_membership_asks_for_the_floor(
    bridge: Bridge, settle: Settle
) -> None:
    ada, ben = await settle("ada"), await settle("ben")
    space = await bridge.live(ada, "Sticky", [ben])
    room = room_of(space)
    content = {
        "application": {"type": "m.call"},
        "slot_id": "m.call#ROOM",
        "transports": {
            "published": [{"type": "livekit", "livekit_service_url": f"{PAGES}/livekit"}],
            "can_subscribe": ["livekit"],
        },
        "member": {"device_id": "BENDEV", "user_id": ben.id, "id": "uuid-1"},
        "versions": [],
        "msc4354_sticky_key": "uuid-1",
    }
    path = f"rooms/{quote(room)}/send/{STICKY}/one"
    query = "org.matrix.msc4354.sticky_duration_ms=3600000"
    member = (await ben.request("PUT", f"{path}?{query}", content))["event_id"]
    await ben.react(room, str(member), "🖐️")
    await bridge.until(space.space, lambda s: id_of(ben) in s.requests, "no hand")


async def test_the_newest_form_names_the_member_alone(bridge: Bridge, settle: Settle) -> None:
    ada = await settle("ada")
    room = room_of(await bridge.live(ada, "Newest"))
    body = {"room_id": room, "slot_id": "m.call#ROOM", "member_id": "uuid-9", "url": "wss://sfu"}
    status, answer = await ask(ada, GET_TOKEN, body)
    assert (status, answer["jwt"]) == (200, f"{ada.id}||uuid-9|True")
    status, answer = await ask(ada, GET_TOKEN, {**body, "url": "wss://other"})
    assert (status, answer["errcode"]) == (400, "M_INVALID_PARAM")
