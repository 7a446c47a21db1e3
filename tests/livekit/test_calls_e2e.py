"""The authoriser before a real homeserver: who somebody is, who is in, and leaves it sends."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from spaces_bridge.app.call_ports import DelayedEventGone
from spaces_bridge.app.usecases.calls import Calls
from spaces_bridge.check import calls_finding
from spaces_bridge.config import Config
from spaces_bridge.core.ids import UserId
from spaces_bridge.core.live_space import LiveSpace
from spaces_bridge.livekit import delayed_leaves
from spaces_bridge.livekit.issuer import CallTokens
from spaces_bridge.livekit.names import device_identity
from spaces_bridge.livekit.service import CallDependencies, LiveKitService
from spaces_bridge.livekit.tokens import TokenSigner
from spaces_bridge.matrix import DelayedEventsClient, OpenIdSettings, OpenIdVerifier
from spaces_bridge_demo.homeserver import Homeserver
from spaces_bridge_demo.matrix_user import MatrixUser
from tests.livekit.authorised import KEY, SECRET, SFU, ToldPresence
from tests.matrix.support import BOT, PAGES, Bridge, LiveSetup, eventually, room_of

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

CALL_MEMBER = "org.matrix.msc4143.rtc.member"
DELAY_MS = 3_600_000


class Calling(Homeserver):
    """Has delayed events, and tells clients where calls are; tests may say what it tells."""

    matrix_rtc: Mapping[str, object] = {
        "transports": [
            {
                "type": "livekit",
                "url": f"{PAGES.replace('https', 'wss')}/livekit",
                "livekit_service_url": f"{PAGES}/livekit",
            }
        ]
    }

    def config(self) -> dict[str, Any]:
        return {
            **super().config(),
            "max_event_delay_duration": "24h",
            "experimental_features": {"msc4143_enabled": True},
            "matrix_rtc": self.matrix_rtc,
        }


@pytest.fixture(scope="module")
def live_setup(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveSetup]:
    """A homeserver that knows the bridge, and calls."""
    directory = tmp_path_factory.mktemp("live_setup")
    made = LiveSetup(directory, Calling(directory / "synapse"))
    asyncio.run(made.homeserver.start())
    yield made
    made.homeserver.kill_now()


class AuthoriserSetup:
    """A bridge with an authoriser, people, and requests to it."""

    def __init__(self, live_setup: LiveSetup, bridge: Bridge, http: aiohttp.ClientSession) -> None:
        self.bridge, self.http = bridge, http
        self.presence = ToldPresence()
        self.signer = TokenSigner(KEY, SECRET)
        settings = OpenIdSettings(live_setup.homeserver.url, live_setup.homeserver.domain)
        self.identities, self.events = OpenIdVerifier(settings), DelayedEventsClient(settings)
        needs = CallDependencies(
            Calls(bridge.spaces),
            self.identities,
            bridge.matrix,
            self.presence,
            self.events,
            bridge.notes,
            bridge.tasks,
            lambda request: request.remote or "",
            bridge.settings.domain,
        )
        self.service = LiveKitService(CallTokens(SFU, self.signer), self.signer, needs)
        self.base = ""

    async def post(self, path: str, body: object) -> tuple[int, Mapping[str, Any]]:
        async with self.http.post(f"{self.base}/livekit{path}", json=body) as response:
            return response.status, await response.json()

    async def older(self, space: LiveSpace, person: MatrixUser) -> dict[str, object]:
        """The body of `/sfu/get`, with a fresh OpenID token."""
        openid = await person.openid_token()
        return {"room": room_of(space), "openid_token": openid, "device_id": "PHONE"}

    async def newer(self, space: LiveSpace, person: MatrixUser) -> dict[str, object]:
        """The body of `/get_token`."""
        member = {"id": "uuid-1", "claimed_user_id": person.id, "claimed_device_id": "PHONE"}
        openid = await person.openid_token()
        return {
            "room_id": room_of(space),
            "slot_id": "m.call#ROOM",
            "openid_token": openid,
            "member": member,
        }


@pytest.fixture
async def setup(live_setup: LiveSetup, tmp_path: Path) -> AsyncIterator[AuthoriserSetup]:
    async with AsyncExitStack() as stack:
        bridge = await stack.enter_async_context(
            Bridge(live_setup.settings(), tmp_path / "spaces.db")
        )
        await bridge.connected()
        http = await stack.enter_async_context(aiohttp.ClientSession())
        made = AuthoriserSetup(live_setup, bridge, http)
        for part in (made.identities, made.events):
            await part.start()
            stack.push_async_callback(part.stop)
        app = web.Application()
        made.service.routes(app.router, "")
        server = await stack.enter_async_context(TestServer(app))
        made.base = str(server.make_url("")).rstrip("/")
        made.service.start()
        stack.push_async_callback(made.service.stop)
        yield made


@pytest.fixture
async def people(live_setup: LiveSetup) -> AsyncIterator[list[MatrixUser]]:
    """A host, a listener and a stranger."""
    async with AsyncExitStack() as everybody:
        made = []
        for name in ("hanna", "lea", "eve"):
            account = await live_setup.homeserver.register(f"{name}{next(_NUMBERS)}")
            user = MatrixUser(live_setup.homeserver.url, account)
            made.append(await everybody.enter_async_context(user))
        yield made


_NUMBERS = iter(range(1_000_000))


async def test_the_homeserver_says_who_gets_a_token_and_the_room_says_whether(
    setup: AuthoriserSetup, people: list[MatrixUser]
) -> None:
    host, listener, stranger = people
    space = await setup.bridge.live(host, "Garden hour", [listener])
    for path, body in (
        ("/sfu/get", await setup.older(space, listener)),
        ("/get_token", await setup.newer(space, listener)),
    ):
        status, answer = await setup.post(path, body)
        assert (status, answer.get("url")) == (200, SFU), answer
        grant = setup.signer.read(answer["jwt"])
        assert (grant.user, grant.space, grant.can_publish) == (listener.id, space.space, False)
    status, answer = await setup.post("/sfu/get", await setup.older(space, host))
    assert setup.signer.read(answer["jwt"]).can_publish

    # somebody else's token, a token that nobody made, and somebody who is not in the room
    claimed = await setup.newer(space, listener) | {"openid_token": await stranger.openid_token()}
    assert (await setup.post("/get_token", claimed))[0] == 403
    forged = await setup.older(space, listener)
    forged["openid_token"] = {**await listener.openid_token(), "access_token": "forged"}
    assert (await setup.post("/sfu/get", forged))[0] == 401
    assert (await setup.post("/sfu/get", await setup.older(space, stranger)))[0] == 403

    await host.ban(room_of(space), listener.id)
    await setup.bridge.until(
        space.space, lambda s: not s.person(UserId(listener.id)).joined, "the ban was not seen"
    )
    assert (await setup.post("/sfu/get", await setup.older(space, listener)))[0] == 403


async def test_an_encrypted_room_has_no_call(
    live_setup: LiveSetup, setup: AuthoriserSetup, people: list[MatrixUser]
) -> None:
    host = people[0]
    space = await setup.bridge.live(host, "Whispers")
    url = f"{live_setup.homeserver.url}/_matrix/client/v3/rooms/{room_of(space)}/state"
    headers = {"Authorization": f"Bearer {live_setup.as_token}"}
    content = {"algorithm": "m.megolm.v1.aes-sha2"}
    as_bot = {"user_id": BOT}
    async with setup.http.put(
        f"{url}/m.room.encryption/", params=as_bot, json=content, headers=headers
    ) as response:
        assert response.status == 200, await response.text()
    refused: list[str] = []

    async def is_refused() -> bool:  # the bridge knows as soon as the event has reached it
        status, answer = await setup.post("/sfu/get", await setup.older(space, host))
        if status == 403:
            refused.append(answer["error"])
        return bool(refused)

    await eventually(is_refused, "a token for an encrypted room's call")
    assert "encrypted" in refused[0]


async def delayed_leave(
    live_setup: LiveSetup, setup: AuthoriserSetup, host: MatrixUser, space: LiveSpace
) -> str:
    """A leave of the host's from the call that is delayed by an hour; return the event's id."""
    room = f"{live_setup.homeserver.url}/_matrix/client/v3/rooms/{room_of(space)}"
    headers = {"Authorization": f"Bearer {host.account.access_token}"}
    query = {"org.matrix.msc4140.delay": str(DELAY_MS)}
    content = {"msc4354_sticky_key": "uuid-1"}
    async with setup.http.put(
        f"{room}/send/{CALL_MEMBER}/leave", json=content, headers=headers, params=query
    ) as response:
        answer = await response.json()
        assert response.status == 200, answer
    return str(answer["delay_id"])


async def test_a_participant_who_is_gone_leaves_the_call_in_the_room_too(
    live_setup: LiveSetup,
    setup: AuthoriserSetup,
    people: list[MatrixUser],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(delayed_leaves, "GONE_AFTER_S", 0.0)
    monkeypatch.setattr(delayed_leaves, "LOOK_EVERY_S", 0.05)
    host = people[0]
    space = await setup.bridge.live(host, "Closed lid")
    setup.presence.identities.add(device_identity(UserId(host.id), "PHONE"))
    delay_id = await delayed_leave(live_setup, setup, host, space)
    body = await setup.older(space, host)
    body |= {"delay_id": delay_id, "delay_timeout": DELAY_MS}
    # whatever address the request names: nobody listens there, and nobody looks
    body["delay_cs_api_url"] = "http://127.0.0.1:1"
    assert (await setup.post("/sfu/get", body))[0] == 200

    async def left() -> bool:
        return any(event["type"] == CALL_MEMBER for event in await host.timeline(room_of(space)))

    assert not await left()
    setup.presence.identities.clear()
    await eventually(left, "the leave was not sent")
    with pytest.raises(DelayedEventGone):
        await setup.events.restart(UserId(host.id), delay_id)


async def test_an_event_that_nobody_delayed_cannot_be_delegated(
    setup: AuthoriserSetup, people: list[MatrixUser]
) -> None:
    host = people[0]
    space = await setup.bridge.live(host, "No such event")
    body = await setup.newer(space, host)
    body |= {"delay_id": "syd_nothing", "delay_timeout": DELAY_MS}
    status, answer = await setup.post("/delegate_delayed_leave", body)
    assert (status, answer["errcode"]) == (404, "M_NOT_FOUND")


def config_for(live_setup: LiveSetup) -> Config:
    return Config.model_validate(
        {
            "homeserver": {
                "address": live_setup.homeserver.url,
                "domain": live_setup.homeserver.domain,
            },
            "appservice": {"as_token": live_setup.as_token, "hs_token": live_setup.hs_token},
            "web": {"public_url": PAGES},
        }
    )


async def test_check_sees_that_the_homeserver_leads_clients_here(
    setup: AuthoriserSetup, live_setup: LiveSetup
) -> None:
    async with aiohttp.ClientSession(live_setup.homeserver.url) as session:
        finding = await calls_finding(session, config_for(live_setup), "")
    assert finding.text == "the homeserver tells clients that calls are here"


async def test_check_sees_a_homeserver_that_leads_clients_nowhere(tmp_path: Path) -> None:
    homeserver = Calling(tmp_path / "synapse")
    homeserver.matrix_rtc = {}
    live_setup = LiveSetup(tmp_path, homeserver)
    async with (
        live_setup.homeserver,
        aiohttp.ClientSession(live_setup.homeserver.url) as session,
        Bridge(live_setup.settings(), tmp_path / "spaces.db") as bridge,
    ):
        await bridge.connected()
        finding = await calls_finding(session, config_for(live_setup), "")
    assert finding.warning
    assert "worse than nothing" in finding.text
