"""The main job on real parts: a host speaks, listeners hear, the room shows the words."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from spaces_bridge_demo import speech
from spaces_bridge_demo.deployment import Deployment, caption_of, said_by, until
from spaces_bridge_demo.ears import tone, tone_level_db, usual_tone_db, words_in
from spaces_bridge_demo.expected import Event
from spaces_bridge_demo.peer import RATE, JoinRefused, ListenerPeer
from tests.support.postgres import postgres_database, shared_postgres
from tests.support.words import understood, word_error_rate_within
from tests.support.world import OnAir, World, last, open_deployment

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

SILENT_DB = -60.0
AUDIBLE_DB = -20.0
LINES = speech.CONVERSATION[:3]


@pytest.fixture(scope="module")
def other_deployment(models: Path) -> Iterator[Deployment]:
    """Rooms of version 11, everything on PostgreSQL."""
    server = shared_postgres()
    with postgres_database(server) as first, postgres_database(server) as second:
        deployment = Deployment(
            room_version="11", homeserver_database=first, bridge_database=second, models=models
        )
        with open_deployment(deployment) as opened:
            yield opened


@pytest.fixture(params=["version 12 on SQLite", "version 11 on PostgreSQL"])
def either_deployment(request: pytest.FixtureRequest) -> Deployment:
    """Each of the two deployments."""
    opened: Deployment = request.getfixturevalue(
        "deployment" if "12" in request.param else "other_deployment"
    )
    return opened


@pytest.fixture
async def either_world(either_deployment: Deployment) -> AsyncIterator[World]:
    """People in each of the two deployments."""
    async with World(either_deployment) as people:
        yield people


async def test_what_is_said_is_heard_by_listeners_and_captioned_in_the_room(
    either_world: World, models: Path
) -> None:
    live = await either_world.on_air("Gardens in the city")
    mia, page = await either_world.speaker(live)
    microphones = {
        speech.HOST: (live.host.id, live.host_mic),
        speech.GUEST: (mia.id, await page.open_microphone()),
    }

    async def talk() -> None:
        for line in LINES:
            _, microphone = microphones[line.voice]
            microphone.say(speech.speak(line))
            await microphone.said()
            await asyncio.sleep(0.7)

    async def miswritten() -> float:
        captions = await live.host.captions(live.space)
        return max(
            word_error_rate_within(words_of_voice(voice), said_by(captions, user))
            for voice, (user, _) in microphones.items()
        )

    async def misheard() -> float:
        heard = await words_in(live.listener.pcm(), models)
        return word_error_rate_within(" ".join(line.text for line in LINES), heard.text)

    await talk()
    await understood(miswritten, talk)
    await understood(misheard, talk, within_s=0)
    captions = await live.host.captions(live.space)
    starts = [caption.start_ms for caption in captions]
    assert starts == sorted(starts)
    assert len({caption.utterance for caption in captions}) == len(captions)


def words_of_voice(voice: speech.Voice) -> str:
    """Everything that this one says."""
    return " ".join(line.text for line in LINES if line.voice is voice)


async def test_captions_carry_what_clients_and_bots_need(world: World) -> None:
    live = await world.on_air()
    captioned = live.host.next_event(
        lambda event: caption_of(event) is not None, "a caption", 180.0
    )
    live.host_mic.say(speech.speak(LINES[0]))
    event = await captioned
    content, block = event["content"], event["content"]["io.spacesbridge.caption"]
    assert event["sender"] == world.deployment.bridge.bot
    assert content["msgtype"] == "m.notice"
    assert content["m.mentions"] == {}
    assert content["m.relates_to"]["rel_type"] == "m.thread"
    assert content["m.relates_to"]["event_id"] == live.space.card
    assert content["m.relates_to"]["is_falling_back"] is True
    assert content["body"] == f"{live.host.name}: {caption_of(event).text}"  # type: ignore[union-attr]  # armed for one
    assert block["speaker"] == live.host.id
    assert block["language"] == "en"
    assert 0 <= block["start_ms"] < block["end_ms"]


async def test_the_page_shows_words_before_they_are_final_and_the_room_only_then(
    world: World,
) -> None:
    live = await world.on_air()
    page = live.host_page

    def of_utterance(id_: str) -> list[Event]:
        return [f for f in page.frames if f["type"] == "caption" and f["id"] == id_]

    def drafted_first() -> list[str]:
        captions = [f for f in page.frames if f["type"] == "caption"]
        drafted = {f["id"] for f in captions if not f["final"] and f["text"]}
        return [f["id"] for f in captions if f["final"] and f["id"] in drafted]

    async with asyncio.timeout(240):
        while not drafted_first():  # a busy worker may leave drafts out, until it has had a rest
            for line in LINES:
                live.host_mic.say(speech.speak(line))
            live.host_mic.say(speech.silence(8.0))
            await live.host_mic.said()
    frames = of_utterance(drafted_first()[0])
    shown, final = next(f for f in frames if f["text"]), frames[-1]

    async def in_the_room() -> bool:
        captions = await live.host.captions(live.space)
        return any(final["text"] in caption.text for caption in captions)

    await until(in_the_room, "the caption in the room", 180.0)
    assert (shown["speaker"], shown["name"]) == (final["speaker"], final["name"])
    assert shown["start_ms"] == final["start_ms"]
    assert 0 <= shown["committed"] <= len(shown["text"])
    assert [f["final"] for f in frames] == [False] * (len(frames) - 1) + [True]


async def test_each_speaker_hears_the_others_but_never_themselves(world: World) -> None:
    live = await world.on_air()
    _, page = await world.speaker(live)
    microphone = await page.open_microphone()
    host_hears, mia_hears = await live.host_page.listen(), await page.listen()
    await asyncio.gather(host_hears.wait_packets(25), mia_hears.wait_packets(25))
    live.host_mic.say(tone(440, 120.0))
    microphone.say(tone(1000, 120.0))

    def level(peer: ListenerPeer, hertz: int) -> float:
        return tone_level_db(last(peer, 1.0), hertz)

    async def the_other_is_heard() -> bool:
        everybody = {hertz: level(live.listener, hertz) for hertz in (440, 1000)}
        off = (
            level(host_hears, 1000) - everybody[1000],
            level(mia_hears, 440) - everybody[440],
        )
        return min(everybody.values()) > AUDIBLE_DB and max(map(abs, off)) <= 3

    await until(the_other_is_heard, "each at the other's, as loud as at a listener's")
    for hears, own in ((host_hears, 440), (mia_hears, 1000)):
        assert usual_tone_db(last(hears, 1.0), own) - level(live.listener, own) <= -40


async def test_nobody_is_put_on_air_unasked_nor_before_the_host_grants_it(world: World) -> None:
    live = await world.on_air()
    mia = await world.person("mia")
    await mia.join(live.space.alias)
    page = await world.page(await mia.personal_link(live.space))
    with pytest.raises(JoinRefused, match="403"):
        await page.open_microphone()
    answer = await mia.tell_bot("speak", live.space.room)
    assert answer["content"]["body"]
    queue = live.host_page.next_frame("roster", lambda frame: frame["queue"] == [])
    granted = live.host.next_level(live.space, mia.id, 10)
    await live.host.tell_bot(f"approve {mia.id}", live.space.room)
    await granted
    roster = await queue
    on_air = {person["id"]: person["on_air"] for person in roster["stage"]}
    assert on_air == {live.host.id: True, mia.id: False}


async def test_a_hosts_plain_client_steers_the_stage(world: World) -> None:
    live = await world.on_air()
    mia = await world.person("mia")
    await mia.join(live.space.alias)
    page = await world.page(await mia.personal_link(live.space))

    offered = page.next_frame("role", lambda frame: frame["may_speak"])
    await live.host.set_level(live.space.room, mia.id, 10)
    await offered
    microphone = await page.open_microphone()
    microphone.say(tone(1000, 120.0))
    await heard(live, 1000)

    await live.host.set_level(live.space.room, mia.id, 0)
    await silent(live, 1000)
    with pytest.raises(JoinRefused, match="403"):
        await page.open_microphone()

    offered = page.next_frame("role", lambda frame: frame["may_speak"])
    await live.host.set_level(live.space.room, mia.id, 10)
    await offered
    assert tone_level_db(last(live.listener, 0.2), 1000) < SILENT_DB, "a regrant starts muted"
    microphone = await page.open_microphone()
    microphone.say(tone(1000, 120.0))
    await heard(live, 1000)

    await live.host.kick(live.space.room, mia.id)
    await silent(live, 1000)
    await until(lambda: has_no_level(live, mia.id), "the level taken away after the kick")
    await live.host.let_in_again(live.space, mia.id)
    await mia.join(live.space.alias)
    with pytest.raises(JoinRefused, match="403"):
        await page.open_microphone()


async def test_a_raised_users_default_opens_no_microphone(world: World) -> None:
    live = await world.on_air()
    mia = await world.person("mia")
    await mia.join(live.space.alias)
    page = await world.page(await mia.personal_link(live.space))
    content = dict(await live.host.state(live.space.room, "m.room.power_levels"))
    await live.host.put_state(
        live.space.room, "m.room.power_levels", {**content, "users_default": 10}
    )
    await live.host.tell_bot("help", live.space.room)
    with pytest.raises(JoinRefused, match="403"):
        await page.open_microphone()


async def test_live_ogg_carries_the_same_sound(world: World) -> None:
    import io

    import aiohttp
    import av
    import numpy as np

    live = await world.on_air()
    live.host_mic.say(tone(440, 120.0))
    body = b""
    async with aiohttp.ClientSession() as http, http.get(f"{live.space.page}/live.ogg") as answer:
        assert answer.status == 200
        assert answer.content_type == "audio/ogg"
        async with asyncio.timeout(60):
            while len(body) < 12_000:
                body += await answer.content.read(4096)
    with av.open(io.BytesIO(body), "r") as stream:
        frames = [frame.to_ndarray() for frame in stream.decode(audio=0)]
        rate = stream.streams.audio[0].rate
    assert rate == RATE
    samples = np.concatenate(frames, axis=1)[0]
    pcm = (samples * 32767 if samples.dtype.kind == "f" else samples).astype(np.int16)
    assert tone_level_db(pcm[-RATE:], 440) > AUDIBLE_DB


async def heard(live: OnAir, hertz: float) -> None:
    """Until the listener hears a tone."""

    async def audible() -> bool:
        return tone_level_db(last(live.listener, 0.2), hertz) > AUDIBLE_DB

    await until(audible, f"{hertz} Hz at the listener")


async def silent(live: OnAir, hertz: float) -> None:
    """Until the listener hears a tone no more."""

    async def inaudible() -> bool:
        return tone_level_db(last(live.listener, 0.2), hertz) < SILENT_DB

    await until(inaudible, f"no {hertz} Hz at the listener")


async def has_no_level(live: OnAir, user: str) -> bool:
    """Whether somebody has no entry of their own in the room's power levels."""
    return user not in await live.host.levels(live.space.room)
