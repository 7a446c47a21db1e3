"""Somebody who publishes at another server's SFU, a real one, before the whole bridge."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import numpy as np
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from spaces_bridge.core.ids import RoomId, UserId
from spaces_bridge.livekit.names import device_identity, member_identity, room_name
from spaces_bridge_demo.bridge import Settings
from spaces_bridge_demo.deployment import Deployment, caption_of, until
from spaces_bridge_demo.speech import CONVERSATION, silence, speak
from tests.e2e.chromium import write_wav
from tests.livekit.deployments import livekit_deployment
from tests.livekit.engine import Keyed
from tests.livekit.livekit_server import livekit_server
from tests.livekit.python_client import python_client
from tests.support.stage import hears_no_speech, hears_speech
from tests.support.world import World, open_deployment

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.needs("livekit-server")]

MEMBER = "org.matrix.msc3401.call.member"
DEVICE = "PHONE"
SAID = CONVERSATION[4]
SETTINGS: Settings = {
    "livekit": {"remote_speakers": True},
    "openid": {"allowed_networks": ["127.0.0.0/8"]},
}


@pytest.fixture(scope="module", params=["embedded", "livekit"])
def deployment(
    request: pytest.FixtureRequest, models: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Deployment]:
    """A deployment that fetches people from other servers' SFUs, on loopback too."""
    if request.param == "embedded":
        opening = open_deployment(Deployment(models=models, settings=SETTINGS))
    else:
        opening = livekit_deployment(models, tmp_path_factory.mktemp("livekit"), SETTINGS)
    with opening as opened:
        yield opened


class Authoriser:
    """The authoriser of the other server: it asks people's homeserver who they are."""

    def __init__(self, sfu: Keyed, homeserver: str) -> None:
        self._sfu = sfu
        self._homeserver = homeserver
        self.given: list[str] = []
        """Whom it gave tokens."""

    async def get_token(self, request: web.Request) -> web.Response:
        body = await request.json()
        url = f"{self._homeserver}/_matrix/federation/v1/openid/userinfo"
        query = {"access_token": body["openid_token"]["access_token"]}
        async with aiohttp.ClientSession() as http, http.get(url, params=query) as answer:
            user = (await answer.json()).get("sub")
        member = body["member"]
        if user != member["claimed_user_id"]:
            return web.json_response({"errcode": "M_UNAUTHORIZED"}, status=401)
        self.given.append(user)
        identity = member_identity(UserId(user), member["claimed_device_id"], member["id"])
        room = room_name(RoomId(body["room_id"]))
        return web.json_response({"url": self._sfu.url, "jwt": self.token(room, identity)})

    def token(self, room: str, identity: str) -> str:
        video = {"room": room, "roomJoin": True, "canPublish": True, "canSubscribe": True}
        return self._sfu.signed({"sub": identity, "video": video})


@asynccontextmanager
async def elsewhere(folder: Path, homeserver: str) -> AsyncIterator[tuple[Authoriser, str, Keyed]]:
    """Another server's SFU and authoriser, and where the authoriser is."""
    async with livekit_server(folder) as sfu:
        authoriser = Authoriser(sfu, homeserver)
        app = web.Application()
        app.router.add_post("/jwt/get_token", authoriser.get_token)
        async with TestServer(app, host="127.0.0.1") as server:
            yield authoriser, str(server.make_url("/jwt")), sfu


async def test_a_speaker_of_another_servers_sfu_is_heard_and_captioned_while_the_floor_is_theirs(
    world: World, tmp_path: Path
) -> None:
    scene = await world.on_air("From afar")
    room = scene.space.room
    eve = await world.person("eve")
    await eve.join(scene.space.alias)
    wav = tmp_path / "speech.wav"
    write_wav(wav, np.concatenate([speak(SAID), silence(1.0)]))
    homeserver = world.deployment.homeserver.url
    async with (
        elsewhere(tmp_path, homeserver) as (authoriser, service, sfu),
        python_client(tmp_path / "eve", wav) as client,
    ):
        focus = {"type": "livekit", "livekit_alias": room, "livekit_service_url": service}
        content = {
            "application": "m.call",
            "call_id": "",
            "scope": "m.room",
            "device_id": DEVICE,
            "membershipID": f"{eve.id}:{DEVICE}",
            "expires": 14_400_000,
            "focus_active": {"type": "livekit", "focus_selection": "multi_sfu"},
            "foci_preferred": [focus],
        }
        await eve.put_state(room, MEMBER, content, f"_{eve.id}_{DEVICE}_m.call")
        identity = device_identity(UserId(eve.id), DEVICE)
        token = authoriser.token(room_name(RoomId(room)), identity)
        await client.connect(sfu.url, token)
        await client.publish_microphone()
        await eve.personal_link(scene.space)  # so the bridge knows of her membership
        await hears_no_speech(scene.listener)
        assert not authoriser.given, "nobody is fetched without the floor"

        captioned = scene.host.next_in(
            room,
            "m.room.message",
            lambda event: (said := caption_of(event)) is not None and said.speaker == eve.id,
        )
        await scene.host.grant_floor(scene.space, eve)
        await hears_speech(scene.listener)
        assert set(authoriser.given) == {world.deployment.bridge.bot}
        caption = caption_of(await captioned)
        assert caption is not None
        assert caption.text

        await scene.host.set_level(room, eve.id, None)
        await hears_no_speech(scene.listener)

        async def left() -> bool:
            return await sfu.people(room_name(RoomId(room))) == {identity}

        await until(left, "the bot's leave of the other server's SFU")
    words = [str(event.get("content", {}).get("body", "")) for event in eve.seen]
    assert not any("cannot hear" in said for said in words)
