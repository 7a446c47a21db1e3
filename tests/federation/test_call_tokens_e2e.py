"""Tokens of calls for people of another homeserver, asked for by it (MSC4195 over MSC4512).

The other server's own service asks through its homeserver, which signs the request as for all of
federation; ours checks that and hands it on to the bridge with the name of who asks.
"""

import asyncio
import json
import secrets
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from spaces_bridge.app.registry import Spaces
from spaces_bridge.app.usecases.calls import CallPermit, Calls, CallToken
from spaces_bridge.matrix import MatrixService, ProxiedCalls
from spaces_bridge_demo.matrix_user import MatrixUser
from tests.federation.authority import Authority
from tests.federation.homeserver import FederatedHomeserver
from tests.matrix.support import Bridge, LiveSetup, room_of

pytestmark = pytest.mark.e2e

FED_PROXY = "_matrix/client/unstable/io.element.msc4512/appservice/fed_proxy"
GET_TOKEN = "/_matrix/federation/{version}/rtc/livekit/get_token"
SFU = "wss://sfu.home"


class ProxyingHomeserver(FederatedHomeserver):
    """A homeserver that hands on to application services what other servers ask of calls."""

    def config(self) -> dict[str, Any]:
        names = ("msc4143", "msc4502", "msc4512")
        features = {f"{name}_enabled": True for name in names}
        return {**super().config(), "experimental_features": features}


class ProxyingTown(LiveSetup):
    """A homeserver of which the bridge answers for calls."""

    def _registration(self) -> dict[str, object]:
        return {
            **super()._registration(),
            "io.element.msc4512.proxy_prefix": "rtc/livekit",
            "io.element.msc4512.proxy_url": f"http://127.0.0.1:{self.port}",
        }


class Pair:
    """Our homeserver, and another one with an application service of its own."""

    def __init__(self, directory: Path) -> None:
        authority = Authority(directory / "authority")
        self.home = ProxyingTown(
            directory / "home", ProxyingHomeserver(directory / "home" / "synapse", authority)
        )
        self.away = ProxyingHomeserver(directory / "away", authority)
        self.as_token = secrets.token_hex(16)
        registration = directory / "away.yaml"
        registration.write_text(
            json.dumps(
                {
                    "id": "calls",
                    "url": None,
                    "io.element.msc4512.proxy_prefix": "rtc/livekit",
                    "io.element.msc4512.proxy_url": "http://127.0.0.1:1",
                    "as_token": self.as_token,
                    "hs_token": secrets.token_hex(16),
                    "sender_localpart": "callsbot",
                    "namespaces": {"users": [], "aliases": [], "rooms": []},
                }
            )
        )
        self.away.add_registration(registration)

    async def start(self) -> None:
        await asyncio.gather(self.home.homeserver.start(), self.away.start())

    async def ask(self, version: str, body: Mapping[str, object]) -> tuple[int, Mapping[str, Any]]:
        """The other server asks ours; status and answer."""
        wanted = {
            "destination": self.home.homeserver.domain,
            "method": "POST",
            "path": GET_TOKEN.format(version=version),
            "body": body,
        }
        headers = {"Authorization": f"Bearer {self.as_token}"}
        url = f"{self.away.url}/{FED_PROXY}"
        async with (
            aiohttp.ClientSession() as http,
            http.post(url, json=wanted, headers=headers) as response,
        ):
            answer = await response.json()
            assert response.status == 200, answer
        return answer["status"], answer["content"]


class Tokens:
    """Tokens that say for what they were given."""

    def issue(self, permit: CallPermit, device: str, member: str) -> CallToken:
        return CallToken(SFU, f"{permit.user}|{device}|{member}")


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    made = Pair(tmp_path_factory.mktemp("pair"))
    asyncio.run(made.start())
    yield made
    made.home.homeserver.kill_now()
    made.away.kill_now()


@pytest.fixture
async def bridge(pair: Pair, tmp_path: Path) -> AsyncIterator[Bridge]:
    def desk_of(spaces: Spaces, matrix: MatrixService) -> ProxiedCalls:
        return ProxiedCalls(Calls(spaces), matrix, Tokens(), None, [SFU])

    settings = pair.home.settings(call_stage="open")
    async with Bridge(settings, tmp_path / "spaces.db", desk_of=desk_of) as running:
        await running.connected()
        yield running


async def test_another_server_gets_tokens_for_its_own_people_who_are_in_the_room(
    pair: Pair, bridge: Bridge
) -> None:
    async with AsyncExitStack() as people:

        async def person(server: Any, name: str) -> MatrixUser:  # noqa: ANN401
            account = await server.register(name)
            return await people.enter_async_context(MatrixUser(server.url, account))

        ada = await person(pair.home.homeserver, "ada")
        carl, eve = await person(pair.away, "carl"), await person(pair.away, "eve")
        room = room_of(await bridge.live(ada, "Far", [carl]))
        newest = {
            "user_id": carl.id,
            "url": SFU,
            "room_id": room,
            "slot_id": "m.call#ROOM",
            "member_id": "uuid-1",
        }
        given = await pair.ask("v1", newest)
        assert given == (200, {"url": SFU, "jwt": f"{carl.id}||uuid-1"})
        older = {"id": "uuid-2", "claimed_device_id": "CARLDEV"}
        without = {key: value for key, value in newest.items() if key != "member_id"}
        version = "unstable/io.element.msc4195"
        given = await pair.ask(version, {**without, "member": older})
        assert given == (200, {"url": SFU, "jwt": f"{carl.id}|CARLDEV|uuid-2"})
        for user in (eve.id, ada.id, f"@carl:{pair.home.homeserver.domain}", "carl", 7):
            status, answer = await pair.ask("v1", {**newest, "user_id": user})
            assert (status, answer["errcode"]) == (403, "M_FORBIDDEN"), user
        status, answer = await pair.ask("v1", {**newest, "url": "wss://other"})
        assert (status, answer["errcode"]) == (400, "M_INVALID_PARAM")
