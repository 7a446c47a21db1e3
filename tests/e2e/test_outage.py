"""The homeserver away for a minute: the sound and the page go on, the backlog comes in order."""

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from spaces_bridge.demo import speech
from spaces_bridge.demo.ears import words_in
from spaces_bridge.demo.house import House, caption_of, said_by, until
from spaces_bridge.demo.wer import word_error_rate
from tests.support.world import World

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

AWAY_S = 60.0
MAX_WER = 0.15


@pytest.fixture
async def lonely(models: Path) -> AsyncIterator[World]:
    """A house of its own: its homeserver is going to be away."""
    async with House(models=models) as house, World(house) as world:
        yield world


async def test_a_minute_without_homeserver_costs_nothing_but_the_wait(
    lonely: World, models: Path
) -> None:
    homeserver, scene = lonely.house.homeserver, await lonely.on_air()
    lines = [line for line in speech.CONVERSATION if line.voice is speech.HOST][:4]
    said = " ".join(line.text for line in lines)

    def complete(written: str) -> bool:
        return len(written.split()) >= 0.9 * len(said.split())

    async def all_on_page() -> bool:
        frames = scene.host_page.frames
        return complete(
            " ".join(f["text"] for f in frames if f["type"] == "caption" and f["final"])
        )

    async def all_in_room() -> bool:
        return complete(said_by(await scene.host.captions(scene.space), scene.host.id))

    first = scene.host.next_event(
        lambda event: caption_of(event) is not None, "the first caption", 60.0
    )

    gone = time.monotonic()
    homeserver.suspend()  # it still takes connections, and answers nothing
    for line in lines:
        scene.host_mic.say(speech.speak(line))
        scene.host_mic.say(speech.silence(2.5))
    await asyncio.sleep(AWAY_S / 3)
    await homeserver.kill9()  # now nobody is there at all

    guest = await lonely.page(scene.space.page, "Guest")
    hand = scene.host_page.next_frame("roster", lambda frame: len(frame["queue"]) == 1)
    await guest.send({"type": "hand", "raised": True})
    await hand
    await scene.host_mic.said()
    await until(all_on_page, "all captions on the page")
    await asyncio.sleep(max(0.0, AWAY_S - (time.monotonic() - gone)))

    await homeserver.start()
    await first  # how soon: benchmarks/outage.py

    await until(all_in_room, "all captions in the room", 30.0)
    answer = await scene.host.tell_bot("help start")
    assert "goes live" in answer["content"]["body"], "what people write comes through again"
    captions = await scene.host.captions(scene.space)
    in_order = [
        caption.start_ms
        for event in await scene.host.timeline(scene.space.room)
        if (caption := caption_of(event)) is not None
    ]
    assert in_order == sorted(in_order)
    assert len({caption.utterance for caption in captions}) == len(captions)
    assert word_error_rate(said, said_by(captions, scene.host.id)) <= MAX_WER
    assert scene.listener.state == "connected"
    heard = await words_in(scene.listener.pcm(), models)
    assert word_error_rate(said, heard.text) <= MAX_WER
