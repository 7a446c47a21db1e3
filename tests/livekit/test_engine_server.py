"""The LiveKit engine steers a real livekit-server: rights, removals, the end, and an outage."""

from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import pytest

from spaces_bridge.app.errors import AdapterError
from spaces_bridge.core import commands as cmd
from spaces_bridge.livekit.engine.api import LiveKitApi, LiveKitRefused
from spaces_bridge_demo.deployment import until
from tests.livekit import scenarios
from tests.livekit.call_world import HOST, SPACE
from tests.livekit.client import LiveKitClient, Refused
from tests.livekit.clients import Made
from tests.livekit.embedded import WithoutBot, user_of
from tests.livekit.engine import Keyed
from tests.livekit.engine_world import NAME
from tests.livekit.livekit_engine import SteeredEngine, livekit_engine
from tests.livekit.livekit_server import free_place, livekit_server
from tests.support.logged import json_lines

pytestmark = [pytest.mark.e2e, pytest.mark.needs("livekit-server")]


@pytest.fixture
async def engine(tmp_path: Path) -> AsyncIterator[SteeredEngine]:
    async with livekit_engine(tmp_path) as running:
        yield running


@pytest.fixture
async def ada(made: Made) -> LiveKitClient:
    return await made("python", scenarios.HIGH)


async def put_out(client: LiveKitClient, url: str, token: str, reason: str) -> None:
    """A client that connects is disconnected for this reason, unless it comes not even so far."""
    out = client.events.next("state", state="disconnected", reason=reason)
    with suppress(Refused):
        await client.connect(url, token)
        await out


async def test_a_token_of_before_the_floor_was_lost_gives_nobody_the_floor(
    engine: SteeredEngine, ada: LiveKitClient
) -> None:
    kept = await engine.ticket(NAME, "ada", may_publish=True)
    await engine.permit(NAME, kept.identity, may_publish=False)
    lost = ada.events.next("permissions", identity=kept.identity, can_publish=False)
    await ada.connect(kept.url, kept.token)
    await lost
    with pytest.raises(Refused):
        await ada.publish_microphone()
    assert engine.world.view.on_air == set()


@pytest.mark.parametrize("forged", [False, True])
async def test_who_has_a_token_of_another_service_is_put_out(
    engine: SteeredEngine, ada: LiveKitClient, made: Made, forged: bool
) -> None:
    ben = await made("python", scenarios.LOW)
    host = await engine.ticket(NAME, "ben", may_publish=True)
    await ben.connect(host.url, host.token)
    video = {"room": NAME, "roomJoin": True, "canUpdateOwnMetadata": True}
    claims = {"sub": "somebody", "video": video}
    if forged:
        claims["attributes"] = engine.world.participant(user_of("ben")).attributes
    await put_out(ada, engine.server.url, engine.server.signed(claims), "PARTICIPANT_REMOVED")

    async def is_alone() -> bool:
        return await engine.people(NAME) == {host.identity}

    await until(is_alone, "the removal of somebody else")


async def test_a_host_mutes_at_the_server_and_the_mute_holds(
    engine: SteeredEngine, ada: LiveKitClient
) -> None:
    identity = await scenarios.enter(engine, ada, NAME, "ada")
    await ada.publish_microphone()
    await engine.world.until(lambda: user_of("ada") in engine.world.view.on_air)
    muted = ada.events.next("permissions", identity=identity, can_publish=False)
    await engine.world.spaces.ask(SPACE, cmd.MuteSpeaker(HOST, user_of("ada")))
    await muted
    with pytest.raises(Refused):
        await ada.publish_microphone()
    lifted = ada.events.next("permissions", identity=identity, can_publish=True)
    await engine.world.spaces.ask(SPACE, cmd.UnmuteSpeaker(HOST, user_of("ada")))
    await lifted
    await ada.publish_microphone()
    await engine.world.until(lambda: user_of("ada") in engine.world.view.on_air)


async def test_a_microphone_that_is_shut_elsewhere_is_muted_at_the_server(
    engine: SteeredEngine, ada: LiveKitClient, made: Made
) -> None:
    ben = await made("python", scenarios.LOW)
    identity = await scenarios.enter(engine, ada, NAME, "ada")
    sid = await ada.publish_microphone()
    await scenarios.enter(engine, ben, NAME, "ben", may_publish=False)
    await engine.world.until(lambda: user_of("ada") in engine.world.view.on_air)
    shut = ben.events.next("track_muted", identity=identity, sid=sid)
    await engine.world.spaces.ask(SPACE, cmd.CloseMicrophone(user_of("ada")))
    await shut


async def test_when_the_live_space_is_over_the_room_is_and_tokens_open_it_for_nobody(
    engine: SteeredEngine, ada: LiveKitClient
) -> None:
    ticket = await engine.ticket(NAME, "ada", may_publish=True)
    await ada.connect(ticket.url, ticket.token)
    over = ada.events.next("state", state="disconnected", reason="ROOM_DELETED")
    await engine.world.spaces.ask(SPACE, cmd.EndSpace(HOST, 3_000, "over"))
    await over
    await put_out(ada, ticket.url, ticket.token, "ROOM_DELETED")

    async def is_empty() -> bool:
        return not await engine.api.people(NAME)

    await until(is_empty, "the end of the room")


async def test_official_clients_on_the_stage_without_any_relay(
    engine: SteeredEngine, ada: LiveKitClient, made: Made
) -> None:
    ben = await made("python", scenarios.LOW)
    await scenarios.a_grant_is_heard_and_taken_back(engine, WithoutBot(ada), WithoutBot(ben))


async def test_an_outage_is_said_once_and_so_is_its_end(tmp_path: Path) -> None:
    place = free_place()
    api = LiveKitApi(place.url, place.key, place.secret)
    try:
        with json_lines("spaces_bridge.livekit.engine.api") as lines:
            for _ in range(3):
                with pytest.raises(AdapterError):
                    await api.people(NAME)
            async with livekit_server(tmp_path, place):
                assert await api.people(NAME) == ()
                await api.remove(NAME, "nobody")
                await api.delete(NAME)
        assert len(lines()) == 2
    finally:
        await api.close()


async def test_another_key_is_refused(tmp_path: Path, server: Keyed) -> None:
    api = LiveKitApi(server.url, server.key, "another-secret-of-forty-digits-000000000")
    try:
        with pytest.raises(LiveKitRefused):
            await api.check()
    finally:
        await api.close()
