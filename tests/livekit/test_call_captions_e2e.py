"""Captions reach LiveKit's official clients by data channels, and nothing else does."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from spaces_bridge.core import commands as cmd
from spaces_bridge.core.ids import UtteranceId
from tests.livekit import scenarios
from tests.livekit.call_world import BOT_ID, HOST, SPACE
from tests.livekit.clients import Made
from tests.livekit.embedded import EmbeddedEngine, embedded_engine, user_of
from tests.livekit.listening import hears_tone
from tests.livekit.stage_scenarios import is_shown_drafts, joined

pytestmark = [pytest.mark.e2e, pytest.mark.needs("chromium", "livekit-client")]

LONG = "Good evening. " * 300


@pytest.fixture
async def engine(tmp_path: Path) -> AsyncIterator[EmbeddedEngine]:
    async with embedded_engine(tmp_path / "worker") as running:
        yield running


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
        final = ben.events.next("text", topic="lk.transcription", text=LONG)
        segment = UtteranceId(f"{speaker}-1")
        caption = cmd.CaptionUtterance(segment, speaker, 0, 900, LONG, "en")
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
    await ada.send_text("lk.chat", "Hear my text. " * 2000)  # either SDK does
    await is_shown_drafts(engine, ada, user_of("ben"), ben_id)
    await is_shown_drafts(engine, ben, user_of("ben"), ben_id)
    assert not [event for event in ben.events.seen if event.get("topic") == "lk.chat"]
    await hears_tone(ben, ada_id, scenarios.HIGH)
