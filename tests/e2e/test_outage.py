"""The homeserver away for a minute: the sound and the page go on, the backlog comes in order."""

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from spaces_bridge_demo import speech
from spaces_bridge_demo.deployment import Deployment, caption_of, said_by, until
from spaces_bridge_demo.ears import words_in
from tests.support.words import understood, word_error_rate_within
from tests.support.world import World

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

AWAY_S = 60.0


@pytest.fixture
async def lonely(models: Path) -> AsyncIterator[World]:
    """A deployment of its own: its homeserver is going to be away."""
    async with Deployment(models=models) as deployment, World(deployment) as world:
        yield world


async def test_a_minute_without_homeserver_costs_nothing_but_the_wait(
    lonely: World, models: Path
) -> None:
    homeserver, live = lonely.deployment.homeserver, await lonely.on_air()
    lines = [line for line in speech.CONVERSATION if line.voice is speech.HOST][:4]
    said = " ".join(line.text for line in lines)

    def say() -> None:
        for line in lines:
            live.host_mic.say(speech.speak(line))
            live.host_mic.say(speech.silence(2.5))

    async def again() -> None:
        say()
        await live.host_mic.said()

    def on_page() -> str:
        frames = live.host_page.frames
        return " ".join(f["text"] for f in frames if f["type"] == "caption" and f["final"])

    async def misread() -> float:
        return word_error_rate_within(said, on_page())

    async def misheard() -> float:
        heard = await words_in(live.listener.pcm(), models)
        return word_error_rate_within(said, heard.text)

    async def all_in_room() -> bool:
        return said_by(await live.host.captions(live.space), live.host.id) == on_page()

    first = live.host.next_event(
        lambda event: caption_of(event) is not None, "the first caption", 60.0
    )

    gone = time.monotonic()
    homeserver.suspend()  # it still takes connections, and answers nothing
    say()
    await asyncio.sleep(AWAY_S / 3)
    await homeserver.kill9()  # now nobody is there at all

    guest = await lonely.page(live.space.page, "Guest")
    hand = live.host_page.next_frame("roster", lambda frame: len(frame["queue"]) == 1)
    await guest.send({"type": "hand", "raised": True})
    await hand
    await live.host_mic.said()
    await understood(misread, again)
    await asyncio.sleep(max(0.0, AWAY_S - (time.monotonic() - gone)))

    await homeserver.start()
    await first  # how soon: benchmarks/outage.py

    await until(all_in_room, "all captions in the room")
    answer = await live.host.tell_bot("help start")
    assert "goes live" in answer["content"]["body"], "what people write comes through again"
    captions = await live.host.captions(live.space)
    in_order = [
        caption.start_ms
        for event in await live.host.timeline(live.space.room)
        if (caption := caption_of(event)) is not None
    ]
    assert in_order == sorted(in_order)
    assert len({caption.utterance for caption in captions}) == len(captions)
    assert live.listener.state == "connected"
    await understood(misheard, again, within_s=0)
