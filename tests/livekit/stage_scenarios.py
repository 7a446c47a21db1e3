"""What the stage does on every engine: scenarios over live spaces with calls and a page."""

from typing import Protocol

from spaces_bridge.app.ports import Draft
from spaces_bridge.core import commands as cmd
from spaces_bridge.core.ids import UserId, UtteranceId
from spaces_bridge.media.stage import WorkerStage
from tests.livekit import scenarios
from tests.livekit.call_world import BOT_ID, HOST, SPACE, LiveSpaceWorld
from tests.livekit.client import LiveKitClient
from tests.livekit.embedded import user_of
from tests.livekit.engine import Engine
from tests.livekit.listening import hears_tone
from tests.support.sound import tone
from tests.support.stage import hears, listening, speaking

PAGE = 600.0
"""The tone of somebody who speaks on the page (Hz)."""


class StageEngine(Engine, Protocol):
    """An engine with a live space and the sound of pages."""

    @property
    def world(self) -> LiveSpaceWorld:
        """The live space."""

    @property
    def sound(self) -> WorkerStage:
        """The media worker's stage."""

    @property
    def page_falls_silent(self) -> str:
        """The kind of event that tells that somebody on the page has shut the microphone."""

    def draft(self, draft: Draft) -> None:
        """Words are said that are not final yet."""


async def joined(engine: StageEngine, client: LiveKitClient, name: str) -> str:
    """Somebody joins the call on the stage, and speaks; return the identity."""
    identity = await scenarios.enter(engine, client, await engine.room(), name)
    await client.publish_microphone()
    await engine.world.until(lambda: user_of(name) in engine.world.view.on_air)
    return identity


async def is_shown_drafts(
    engine: StageEngine, client: LiveKitClient, speaker: UserId, sender: str
) -> None:
    """Drafts of a speaker reach a client, from the moment at which its data channel is open."""
    said = Draft(UtteranceId(f"{speaker}-1"), speaker, f"Good, said {sender}", 0, 0, 500, "en")

    def is_shown() -> bool:
        engine.draft(said)
        return any(
            (event.get("text"), event.get("sender")) == (said.text, sender)
            for event in client.events.seen
        )

    await engine.world.until(is_shown)


async def two_and_the_page_converse(
    engine: StageEngine, ada: LiveKitClient, ben: LiveKitClient
) -> None:
    """Two in the call and one on the page hear each other, and a listener there hears all."""
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
        await ada.events.once(engine.page_falls_silent, identity=BOT_ID)
