"""Element Call, unmodified, with a real Synapse and a real livekit-server."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from spaces_bridge_demo.matrix_user import MatrixUser
from spaces_bridge_demo.processes import free_port
from spaces_bridge_demo.speech import CONVERSATION, silence, speak
from tests.e2e.chromium import write_wav
from tests.livekit.authoriser import Authoriser
from tests.livekit.call_scenarios import is_understood, plays_tone
from tests.livekit.client import RATE, LiveKitClient
from tests.livekit.clients import Made
from tests.livekit.element_call import ElementCall, element_call
from tests.livekit.engine import Keyed
from tests.livekit.matrix_rtc import (
    MEMBER,
    RtcHomeserver,
    call_room,
    legacy_identity,
    livekit_room,
    say_in_call,
)
from tests.support.world import model_directory

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.needs("chromium", "element call", "livekit-server"),
]

HERTZ = 660.0
LINE = CONVERSATION[1]
ADA_DEVICE, BEN_DEVICE = "ADADEVICE", "BENDEVICE"


@pytest.fixture(scope="module")
def models() -> Iterator[Path]:
    """Where the speech model is put together."""
    with model_directory() as directory:
        yield directory


@pytest.fixture(scope="module")
def port() -> int:
    """Where the authoriser of each test is: the homeserver names it."""
    return free_port()


@pytest.fixture(scope="module")
def homeserver(port: int, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RtcHomeserver]:
    """A homeserver that knows of calls."""
    service = f"http://127.0.0.1:{port}/livekit/jwt"
    server = RtcHomeserver(tmp_path_factory.mktemp("homeserver"), service)
    with asyncio.Runner() as runner:
        runner.run(server.start())
    try:
        yield server
    finally:
        with asyncio.Runner() as runner:
            runner.run(server.stop())


@dataclass
class Call:
    """Ada's Element Call, ready to join, and Ben, who is in the room's call with an SDK."""

    room: str
    app: ElementCall
    ben: MatrixUser
    ben_client: LiveKitClient
    authoriser: Authoriser
    ada_identity: str
    said_s: float


@pytest.fixture
async def call(
    homeserver: RtcHomeserver, port: int, server: Keyed, made: Made, tmp_path: Path
) -> AsyncIterator[Call]:
    """A room with both in it."""
    speech = np.concatenate([speak(LINE), silence(0.7)])
    wav = tmp_path / "speech.wav"
    write_wav(wav, speech)
    authoriser = Authoriser(server, port, homeserver.url)
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(authoriser.running())
        ada, ben = [
            await stack.enter_async_context(
                MatrixUser(homeserver.url, await homeserver.register(f"{name}{port}{id(stack)}"))
            )
            for name in ("ada", "ben")
        ]
        room = await call_room(ada)
        await ben.join(room)
        client = await made("python", HERTZ)
        identity = legacy_identity(ben.id, BEN_DEVICE)
        ticket = await server.ticket(livekit_room(room), identity, may_publish=True)
        await client.connect(ticket.url, ticket.token)
        await client.publish_microphone()
        await say_in_call(ben, BEN_DEVICE, room, authoriser.url)
        app = await stack.enter_async_context(element_call(homeserver.url, homeserver.domain, wav))
        await app.sign_in(ada.account, ADA_DEVICE)
        whole = len(speech) / RATE
        ada_identity = legacy_identity(ada.id, ADA_DEVICE)
        yield Call(room, app, ben, client, authoriser, ada_identity, whole)


async def test_element_call_and_an_sdk_hear_each_other(call: Call, models: Path) -> None:
    await call.app.join(call.room)
    await call.ben_client.events.once("track_subscribed", identity=call.ada_identity)
    await plays_tone(call.app, HERTZ)
    await is_understood(call.ben_client, call.ada_identity, LINE.text, call.said_s, models)


async def test_what_is_done_in_element_call_is_seen_in_the_room_and_in_the_call(
    call: Call,
) -> None:
    joined = call.ben.next_in(call.room, MEMBER, lambda event: bool(event["content"]))
    await call.app.join(call.room)
    member = (await joined)["event_id"]

    hand = call.ben.next_in(call.room, "m.reaction")
    await call.app.raise_hand()
    raised = await hand
    about = {"rel_type": "m.annotation", "event_id": member, "key": "🖐️"}
    assert raised["content"]["m.relates_to"] == about

    reaction = call.ben.next_in(call.room, "io.element.call.reaction")
    await call.app.react("party")
    assert (await reaction)["content"]["emoji"] == "🎉"

    lowered = call.ben.next_redaction(call.room, raised["event_id"])
    await call.app.raise_hand()
    await lowered

    await call.ben_client.events.once("track_subscribed", identity=call.ada_identity)
    muted = call.ben_client.events.next("track_muted", identity=call.ada_identity)
    await call.app.tap_microphone()
    await muted
    assert not await call.app.shows_microphone_on()

    gone = call.ben.next_in(call.room, MEMBER, lambda event: event["content"] == {})
    left = call.ben_client.events.next("left", identity=call.ada_identity)
    await call.app.leave()
    await gone
    await left


async def test_element_call_that_may_only_listen_is_heard_once_it_may_speak(
    call: Call, server: Keyed
) -> None:
    call.authoriser.may_publish = lambda _user: False
    await call.app.join(call.room)
    await call.ben_client.events.once("joined", identity=call.ada_identity)
    await plays_tone(call.app, HERTZ)
    assert await call.app.shows_microphone_on()  # it says so, though nothing is published
    assert (await call.ben_client.participants())[call.ada_identity].tracks == ()

    told = call.ben_client.events.next("permissions", identity=call.ada_identity, can_publish=True)
    await server.permit(livekit_room(call.room), call.ada_identity, may_publish=True)
    await told
    heard = call.ben_client.events.next("track_subscribed", identity=call.ada_identity)
    await call.app.tap_microphone()
    await call.app.tap_microphone()
    await heard
