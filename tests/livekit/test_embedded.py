"""LiveKit's official clients with the engine that is embedded in the bridge."""

import os
import signal
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import pytest

from spaces_bridge.app.ports import Draft
from spaces_bridge.core import commands as cmd
from spaces_bridge.core.ids import UserId, UtteranceId
from tests.livekit import scenarios
from tests.livekit.call_world import BOT_ID, HOST, SPACE
from tests.livekit.client import LiveKitClient, Refused
from tests.livekit.clients import Made
from tests.livekit.embedded import EmbeddedEngine, WithoutBot, embedded_engine, user_of
from tests.livekit.listening import hears_no_tone, hears_tone, length
from tests.support.sound import tone
from tests.support.stage import hears, listening, speaking, until

pytestmark = [pytest.mark.e2e, pytest.mark.needs("chromium", "livekit-client")]

PAIRS = (("python", "page"), ("page", "python"))
WITHOUT_DATA = tuple(s for s in scenarios.MORE if s is not scenarios.words_arrive)
"""What clients say to each other goes by the Matrix room: only captions go by data channels."""

PAGE = 600.0
"""The tone of somebody who speaks on the page (Hz)."""


@pytest.fixture
async def engine(tmp_path: Path) -> AsyncIterator[EmbeddedEngine]:
    async with embedded_engine(tmp_path / "worker") as running:
        yield running


@pytest.mark.parametrize(
    ("one", "other"),
    [*PAIRS, ("python", "python"), ("page of two", "page"), ("python of two", "page of two")],
)
async def test_official_clients_hear_each_other(
    engine: EmbeddedEngine, made: Made, one: str, other: str
) -> None:
    speaker, listener = await made(one, scenarios.HIGH), await made(other, scenarios.LOW)
    await scenarios.both_are_heard(engine, WithoutBot(speaker), WithoutBot(listener))


@pytest.mark.parametrize(("one", "other"), PAIRS)
@pytest.mark.parametrize("scenario", WITHOUT_DATA)
async def test_official_clients_on_our_stage(
    engine: EmbeddedEngine, made: Made, scenario: scenarios.Scenario, one: str, other: str
) -> None:
    speaker, listener = await made(one, scenarios.HIGH), await made(other, scenarios.LOW)
    await scenario(engine, WithoutBot(speaker), WithoutBot(listener))


async def joined(engine: EmbeddedEngine, client: LiveKitClient, name: str) -> str:
    """Somebody joins the call on the stage, and speaks; return the identity."""
    identity = await scenarios.enter(engine, client, await engine.room(), name)
    await client.publish_microphone()
    await engine.world.until(lambda: user_of(name) in engine.world.view.on_air)
    return identity


async def test_two_clients_and_somebody_on_the_page_converse(
    engine: EmbeddedEngine, made: Made
) -> None:
    ada, ben = await made("python", scenarios.HIGH), await made("page", scenarios.LOW)
    async with speaking(engine.sound, HOST) as host, listening(engine.sound) as ear:
        host.say(tone(PAGE, 300))
        ada_id = await joined(engine, ada, "ada")
        await engine.world.speak_on_page(HOST)
        ben_id = await joined(engine, ben, "ben")
        await hears_tone(ada, BOT_ID, PAGE)
        await hears_tone(ben, BOT_ID, PAGE)
        await hears_tone(ada, ben_id, scenarios.LOW)
        await hears_tone(ben, ada_id, scenarios.HIGH)
        for heard in (PAGE, scenarios.LOW, scenarios.HIGH):
            await hears(ear, heard)
        await engine.world.spaces.ask(SPACE, cmd.CloseMicrophone(HOST))
        await ada.events.once("track_muted", identity=BOT_ID)
        await hears_no_tone(ada, BOT_ID, PAGE)


async def is_shown_drafts(
    engine: EmbeddedEngine, client: LiveKitClient, speaker: UserId, sender: str
) -> None:
    """Drafts of a speaker reach a client, from the moment at which its data channel is open."""
    said = Draft(UtteranceId(f"{speaker}-1"), speaker, f"Good, said {sender}", 0, 0, 500, "en")

    def is_shown() -> bool:
        engine.world.rooms.draft(SPACE, said)
        return any(
            (event.get("text"), event.get("sender")) == (said.text, sender)
            for event in client.events.seen
        )

    await engine.world.until(is_shown)


@pytest.mark.parametrize("kind", ["python", "page", "python of two", "page of two"])
async def test_captions_reach_official_clients_as_the_speakers_words(
    engine: EmbeddedEngine, made: Made, kind: str
) -> None:
    ada, ben = await made("python", scenarios.HIGH), await made(kind, scenarios.LOW)
    ada_id = await joined(engine, ada, "ada")
    await engine.world.speak_on_page(HOST)
    await scenarios.enter(engine, ben, await engine.room(), "ben", may_publish=False)
    for speaker, sender in ((user_of("ada"), ada_id), (HOST, BOT_ID)):
        await is_shown_drafts(engine, ben, speaker, sender)
        final = ben.events.next("text", topic="lk.transcription", text="Good evening. " * 300)
        segment = UtteranceId(f"{speaker}-1")
        caption = cmd.CaptionUtterance(segment, speaker, 0, 900, "Good evening. " * 300, "en")
        await engine.world.spaces.ask(SPACE, caption)
        told = await final
        assert told["sender"] == sender
        assert told["attributes"]["io.spacesbridge.user"] == speaker
        assert told["attributes"]["lk.segment_id"] == segment
        assert told["attributes"]["lk.transcription_final"] == "true"
        track = told["attributes"]["lk.transcribed_track_id"]
        people = await ben.participants()
        assert [each.sid for each in people[sender].tracks] == [track]


@pytest.mark.parametrize("kind", ["python", "page"])
async def test_what_a_client_sends_reaches_nobody_and_disturbs_nobody(
    engine: EmbeddedEngine, made: Made, kind: str
) -> None:
    ada, ben = await made(kind, scenarios.HIGH), await made("python", scenarios.LOW)
    ada_id, ben_id = await joined(engine, ada, "ada"), await joined(engine, ben, "ben")
    with suppress(Refused):
        await ada.send_text("lk.chat", "Hear my text. " * 2000)
    await is_shown_drafts(engine, ada, user_of("ben"), ben_id)
    await is_shown_drafts(engine, ben, user_of("ben"), ben_id)
    assert not [event for event in ben.events.seen if event.get("topic") == "lk.chat"]
    await hears_tone(ben, ada_id, scenarios.HIGH)


@pytest.mark.parametrize("kind", ["python", "page", "python of two", "page of two"])
async def test_a_client_goes_on_after_its_signalling_was_lost(
    engine: EmbeddedEngine, made: Made, kind: str
) -> None:
    ada, ben = await made(kind, scenarios.HIGH), await made("python", scenarios.LOW)
    ada_id, ben_id = await joined(engine, ada, "ada"), await joined(engine, ben, "ben")
    await hears_tone(ada, ben_id, scenarios.LOW)
    await hears_tone(ben, ada_id, scenarios.HIGH)
    before = await ben.participants()
    back = ada.events.next("state", state="connected")
    engine.world.cut_off(ada_id)
    await back
    assert (await ben.participants())[ada_id].sid == before[ada_id].sid
    await hears_tone(ben, ada_id, scenarios.HIGH, await length(ben, ada_id))
    await hears_tone(ada, ben_id, scenarios.LOW, await length(ada, ben_id))
    muted = ben.events.next("track_muted", identity=ada_id)
    await ada.mute()
    await muted


@pytest.mark.parametrize("kind", ["python", "page"])
async def test_clients_come_back_by_themselves_when_the_media_worker_dies(
    engine: EmbeddedEngine, made: Made, kind: str
) -> None:
    ada, ben = await made(kind, scenarios.HIGH), await made("python", scenarios.LOW)
    ada_id, ben_id = await joined(engine, ada, "ada"), await joined(engine, ben, "ben")
    await hears_tone(ada, ben_id, scenarios.LOW)
    backs = [client.events.next("state", state="connected") for client in (ada, ben)]
    killed = engine.sound.worker_pid
    assert killed is not None
    os.kill(killed, signal.SIGKILL)
    for back in backs:
        await back
    await until(lambda: {user_of("ada"), user_of("ben")} <= engine.world.view.on_air)
    await hears_tone(ben, ada_id, scenarios.HIGH, await length(ben, ada_id))
    await hears_tone(ada, ben_id, scenarios.LOW, await length(ada, ben_id))
