"""The tokens of the LiveKit engine, as LiveKit reads them."""

import time

import jwt
import pytest

from spaces_bridge.app.errors import AdapterError
from spaces_bridge.app.relay_attendants import OWN_ROOM
from spaces_bridge.app.relay_ports import RelayedRoom
from spaces_bridge.app.usecases.calls import CallPermit
from spaces_bridge.core.ids import RoomId, SpaceId
from spaces_bridge.livekit.engine.credentials import Credentials
from spaces_bridge.livekit.engine.issuing import EngineTokens, HomeTokens, bot_identity
from spaces_bridge.livekit.engine.limits import TOKEN_LIFE_S
from tests.livekit.call_world import ALICE, ALICE_ID, BOT, SPACE, LiveSpaceWorld
from tests.livekit.engine_world import NAME

pytestmark = pytest.mark.unit

KEY, SECRET = "key", "a-secret-of-forty-digits-00000000000000"
CREDENTIALS = Credentials(SECRET)
URL = "wss://sfu.example.org"


def claims_of(token: str) -> dict[str, object]:
    claims: dict[str, object] = jwt.decode(token, SECRET, algorithms=["HS256"])
    return claims


@pytest.mark.parametrize("may_publish", [False, True])
def test_a_token_is_short_and_gives_a_microphone_at_most(may_publish: bool) -> None:
    tokens = EngineTokens(URL, KEY, SECRET, CREDENTIALS)
    permit = CallPermit(SPACE, RoomId("!room"), ALICE, "Alice", may_publish)
    token = tokens.issue(permit, "DEVICE", "")
    claims = claims_of(token.jwt)
    assert token.url == URL
    assert claims["video"] == {
        "room": NAME,
        "roomCreate": False,
        "roomJoin": True,
        "canPublish": may_publish,
        "canPublishSources": ["microphone"],
        "canSubscribe": True,
        "canPublishData": False,
        "canUpdateOwnMetadata": False,
    }
    assert isinstance(claims["exp"], int)
    assert claims["exp"] <= time.time() + TOKEN_LIFE_S
    attributes = claims["attributes"]
    assert isinstance(attributes, dict)
    assert CREDENTIALS.holder(SPACE, ALICE_ID, attributes) == ALICE
    assert CREDENTIALS.holder(SpaceId("another"), ALICE_ID, attributes) is None
    assert Credentials("another" + SECRET).holder(SPACE, ALICE_ID, attributes) is None


async def test_the_home_relay_is_seen_and_speaks_the_others_are_hidden_and_listen() -> None:
    world = LiveSpaceWorld(None)
    await world.begin()
    tokens = HomeTokens(world.spaces, KEY, SECRET, CREDENTIALS, BOT)
    home = RelayedRoom(OWN_ROOM, URL, publishes=True)
    try:
        seen = claims_of(await tokens.token(SPACE, home, ""))
        hidden = claims_of(await tokens.token(SPACE, home, "berlin"))
        another = claims_of(await tokens.token(SPACE, home, "berlin"))
        for room, space in ((home, SpaceId("nowhere")), (RelayedRoom("far", URL, False), SPACE)):
            with pytest.raises(AdapterError):
                await tokens.token(space, room, "")
    finally:
        await world.spaces.stop()
    assert seen["sub"] == bot_identity(BOT)
    for claims in hidden, another:  # none takes the place of another
        assert str(claims["sub"]).startswith(f"{bot_identity(BOT)}:berlin:")
    assert hidden["sub"] != another["sub"]
    for claims, is_home in ((seen, True), (hidden, False)):
        video = claims["video"]
        assert isinstance(video, dict)
        assert video["canPublish"] is video["canPublishData"] is is_home
        assert video.get("hidden", False) is not is_home
