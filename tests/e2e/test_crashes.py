"""kill -9 of the bridge, of its media worker, of the homeserver: the room reads as if nothing
had happened, and the sound goes on.

`CRASH_ROUNDS` (default 10) says how often, `CRASH_SEED` repeats a run.
"""

import asyncio
import itertools
import os
import random
import signal
import time
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from spaces_bridge_demo import speech
from spaces_bridge_demo.deployment import Deployment, LiveRoom, Person, said_by, until
from spaces_bridge_demo.ears import tone, tone_level_db
from spaces_bridge_demo.expected import Event
from spaces_bridge_demo.feed import PageGuest
from spaces_bridge_demo.peer import SpeakerPeer
from tests.e2e.attentive import attentive
from tests.e2e.proxy import Proxy
from tests.support.words import understood, word_error_rate_within
from tests.support.world import OnAir, World, last, quiet_stretches

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

ROUNDS = int(os.environ.get("CRASH_ROUNDS", "10"))
SEED = int(os.environ.get("CRASH_SEED", "0")) or random.SystemRandom().randrange(1, 10**6)
KICK_EVERY = 5
DMS = 5  # the bot answers at most some commands a minute in one room
LAST_WORDS = next(line for line in speech.CONVERSATION if line.voice is not speech.HOST)
"""Words that nobody says before."""
HUM_HZ, MIA_HZ = 300, 1000


@pytest.fixture
def chance() -> random.Random:
    """The seed is printed: a failed run can be repeated."""
    print(f"CRASH_SEED={SEED} CRASH_ROUNDS={ROUNDS}")  # noqa: T201  # pytest shows it on failure
    return random.Random(SEED)


@pytest.fixture
async def restored(world: World) -> AsyncIterator[World]:
    """The shared deployment, and its bridge running again afterwards."""
    yield world
    if not world.deployment.bridge.running:
        await world.deployment.bridge.start()


async def test_the_bridge_killed_at_any_moment_leaves_no_trace(
    restored: World, chance: random.Random
) -> None:
    world, bridge = restored, restored.deployment.bridge
    live = await world.on_air()
    mia, mia_page = await world.speaker(live)
    mia_mic = await mia_page.open_microphone()
    crowd = [await world.person("carl") for _ in range(DMS)]
    await crowd[0].join(live.space.alias)
    hum(live, seconds=30 * ROUNDS)
    await until(lambda: hears(live, HUM_HZ), "the host at the listener")
    listened_from = len(live.listener.pcm())
    before = await roles(world, live)
    commands: list[list[str]] = [[] for _ in crowd]
    dead_s: list[float] = []

    async with attentive(live.space.page) as other:
        for round_ in range(1, ROUNDS + 1):
            asker = round_ % DMS
            for topic in ("speak", "cancel"):
                event = await crowd[asker].send_text(crowd[asker].dm, f"help {topic}")
                commands[asker].append(event)
            hand = await crowd[0].react(live.space.room, live.space.card, "✋")
            await crowd[0].redact(live.space.room, hand)
            await asyncio.sleep(chance.uniform(0.0, 1.2))
            killed = time.monotonic()
            await bridge.kill9()
            kicked = round_ % KICK_EVERY == 0
            if kicked:
                mia_mic.say(tone(MIA_HZ, 60.0))
                await live.host.kick(live.space.room, mia.id)
            await bridge.start()
            dead_s.append(time.monotonic() - killed)
            if kicked:
                await until(lambda: hears_not(live, MIA_HZ), "silence after the kick")
                mia_mic.stop_saying()
                mia_mic = await come_back(live, mia, mia_page)
        received = await other.stop()

    assert received.lost == 0
    # the sound did not wait for the bridge (how long its gaps are: benchmarks/restarts.py)
    quiet = quiet_stretches(live.listener.pcm()[listened_from:])
    assert len([gap for gap in quiet if gap >= min(dead_s)]) < ROUNDS / 2
    for person, asked in zip(crowd, commands, strict=True):
        await assert_each_answered_once(person, person.dm, asked)
    prompts = [
        event
        for event in await live.host.timeline(live.host.dm)
        if crowd[0].name in str(event["content"].get("body", ""))
    ]
    assert len(prompts) <= ROUNDS
    assert await roles(world, live) == before
    assert_nothing_doubled(await live.host.timeline(live.space.room), bridge.bot)


async def test_words_said_while_the_bridge_is_dead_are_captioned_once(
    restored: World, chance: random.Random
) -> None:
    bridge, live = restored.deployment.bridge, await restored.on_air()
    lines = [line for line in speech.CONVERSATION if line.voice is speech.HOST]
    said = " ".join(line.text for line in lines)

    async def interrupted() -> None:
        for line in lines:
            live.host_mic.say(speech.speak(line))
            live.host_mic.say(speech.silence(0.8))
        for _ in range(3):
            await asyncio.sleep(chance.uniform(2.0, 4.0))
            await bridge.kill9()
            await asyncio.sleep(chance.uniform(0.0, 1.0))
            await bridge.start()
        await live.host_mic.said(90)

    async def miswritten() -> float:
        captions = await live.host.captions(live.space)
        return word_error_rate_within(said, said_by(captions, live.host.id))

    await interrupted()
    await understood(miswritten, interrupted, most=0.2)

    # captions come in order: what would be written twice is there before words said after it
    async def say_last() -> None:
        live.host_mic.say(speech.speak(LAST_WORDS))
        live.host_mic.say(speech.silence(0.8))
        await live.host_mic.said(30)

    async def last_miswritten() -> float:
        captions = await live.host.captions(live.space)
        return word_error_rate_within(LAST_WORDS.text, said_by(captions, live.host.id))

    await say_last()
    await understood(last_miswritten, say_last, most=0.3)
    captions = await live.host.captions(live.space)
    assert Counter(caption.utterance for caption in captions).most_common(1)[0][1] == 1
    pairs = list(itertools.pairwise(captions))
    assert [(a.end_ms, b.start_ms) for a, b in pairs if b.start_ms < a.end_ms - 500] == []


async def test_the_sound_comes_back_when_the_media_worker_is_killed(restored: World) -> None:
    world, bridge = restored, restored.deployment.bridge
    live = await world.on_air()
    before = await roles(world, live)
    hum(live, seconds=120)
    await live.listener.wait_packets(50)
    for _ in range(3):
        pid = bridge.worker_pid("media")
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        await until(lambda: replaced(bridge.worker_pid("media"), pid), "a new media worker")  # noqa: B023  # awaited here
        await live.listener.wait_packets(100)
        await until(lambda: hears(live, HUM_HZ), "the host at the listener")
    assert live.listener.state == "connected"
    assert await roles(world, live) == before


# --- the homeserver ------------------------------------------------------------------------------


@dataclass
class Doomed:
    """A deployment whose bridge talks to Synapse through a proxy that can cut the power."""

    world: World
    proxy: Proxy

    async def cut_and_repair(self, part: str, method: str = "PUT") -> None:
        """Wait until the armed request was swallowed, then bring the homeserver back."""
        await until(self._is_cut, f"a {method} request with {part}")
        await self.world.deployment.homeserver.start()

    def arm(self, part: str, method: str = "PUT") -> None:
        """Kill the homeserver after the next such request was accepted."""
        self.world.deployment.homeserver.prepare()
        self.proxy.cut(
            lambda used, path: used == method and part in path,
            self.world.deployment.homeserver.kill9,
        )

    async def _is_cut(self) -> bool:
        return not self.proxy.armed and not self._alive()

    def _alive(self) -> bool:
        return self.world.deployment.homeserver.running


@pytest.fixture
async def doomed(models: Path) -> AsyncIterator[Doomed]:
    """A deployment of its own, with the proxy in between."""
    async with Proxy() as proxy:
        deployment = Deployment(
            models=models,
            homeserver_seen_at=proxy.url,
            settings={"reactions": {"ttl_s": 1}, "captions": {"enabled": False}},
        )
        proxy.target = deployment.homeserver.url
        async with deployment, World(deployment) as world:
            yield Doomed(world, proxy)


async def test_the_homeserver_killed_between_accepting_and_answering_doubles_nothing(
    doomed: Doomed,
) -> None:
    world = doomed.world
    host, mia = await world.person("ada"), await world.person("mia")
    space = await world.live_space(host)
    await mia.join(space.alias)
    commands: list[str] = []
    kinds = (cut_a_reply, cut_a_level, cut_a_redaction, cut_an_invitation, cut_a_room)
    for round_ in range(ROUNDS):
        commands += await kinds[round_ % len(kinds)](doomed, host, mia, space)
    assert doomed.proxy.cuts == ROUNDS

    await assert_each_answered_once(host, host.dm, commands)
    assert_nothing_doubled(await host.timeline(space.room), world.deployment.bridge.bot)


async def cut_a_reply(doomed: Doomed, host: Person, mia: Person, space: LiveRoom) -> Sequence[str]:
    """The answer to a command."""
    doomed.arm("/send/m.room.message")
    command = await host.send_text(host.dm, "help start")
    await doomed.cut_and_repair("/send/m.room.message")
    return [command]


HANDS = itertools.cycle(f"✋{tone}" for tone in ("", *map(chr, range(0x1F3FB, 0x1F400))))


async def cut_a_level(doomed: Doomed, host: Person, mia: Person, space: LiveRoom) -> Sequence[str]:
    """The power level of a speaker, who then steps down again."""
    prompt = host.next_prompt(mia)
    # the one of last time may wait for the room's minute before it is redacted
    await mia.react(space.room, space.card, next(HANDS))
    asked = await prompt
    doomed.arm("/state/m.room.power_levels")
    offered = mia.next_message(mia.dm, "The floor", mia.bot)
    await host.react(asked["room_id"], asked["event_id"], "✅")
    await doomed.cut_and_repair("/state/m.room.power_levels")
    await offered
    assert await has_level(host, space, mia, 10)
    await host.set_level(space.room, mia.id, None)
    return []


async def cut_a_redaction(
    doomed: Doomed, host: Person, mia: Person, space: LiveRoom
) -> Sequence[str]:
    """The redaction of a reaction that has had its time."""
    doomed.arm("/redact/")
    reaction = await mia.react(space.room, space.card, "👏")
    await doomed.cut_and_repair("/redact/")
    await until(lambda: redacted_once(host, space, reaction), "the redaction")
    return []


async def cut_an_invitation(
    doomed: Doomed, host: Person, mia: Person, space: LiveRoom
) -> Sequence[str]:
    """The invite of the DM that invites somebody; they get exactly one."""
    friend = await doomed.world.person("friend", met=False)
    doomed.arm("/state/m.room.member/")
    command = await host.send_text(host.dm, f"invite {friend.id}")
    await doomed.cut_and_repair("/state/m.room.member/")
    await until(lambda: invites(friend, 1), "the invitation")
    # its message is written after the invite, however often that was tried
    [room, *others] = [event["room_id"] for event in friend.seen if "invite_state" in event]
    await friend.join(room)
    await until(lambda: is_written_to(friend, room), "the invitation's message")
    assert not others
    assert len([event for event in friend.seen if "invite_state" in event]) == 1
    return [command]


async def cut_a_room(doomed: Doomed, host: Person, mia: Person, space: LiveRoom) -> Sequence[str]:
    """The creation of a live space's room: it is found again by its alias."""
    other = await doomed.world.person("eve")
    doomed.arm("/createRoom", "POST")
    created = asyncio.create_task(other.create_space("A second talk"))
    await doomed.cut_and_repair("/createRoom", "POST")
    room = await created
    assert len([event for event in other.seen if "invite_state" in event]) == 1
    assert room.alias
    return []


# --- looking ------------------------------------------------------------------------------------


async def roles(world: World, live: OnAir) -> tuple[object, object]:
    """Levels in the room, and the stage as the page shows it."""
    async with PageGuest(live.space.page) as page:
        stage = {p["id"]: (p["role"], p["on_air"]) for p in page.hello["roster"]["stage"]}
    return await live.host.levels(live.space.room), stage


async def come_back(live: OnAir, mia: Person, page: PageGuest) -> SpeakerPeer:
    """The kicked speaker joins again and is granted the floor again."""
    await until(lambda: has_level(live.host, live.space, mia, None), "the level taken away")
    await mia.come_back(live.space, page, live.host)
    offered = page.next_frame("role", lambda frame: frame["may_speak"])
    await live.host.grant_floor(live.space, mia)
    await offered
    return await page.open_microphone()


async def assert_each_answered_once(person: Person, room: str, commands: Sequence[str]) -> None:
    """Every command has exactly one answer of the bot."""

    async def answers() -> Mapping[str, int]:
        found = Counter(replied_to(event, person.bot) for event in await person.timeline(room))
        return {command: found[command] for command in commands}

    async def complete() -> bool:
        return all((await answers()).values())

    await until(complete, "an answer to every command", 60.0)
    # answers come in order: a second one to an earlier command is there before the last one's
    last_one = await person.send_text(room, "help mute")

    async def answered() -> bool:
        return last_one in [replied_to(event, person.bot) for event in await person.timeline(room)]

    await until(answered, "an answer to the last command", 60.0)
    assert await answers() == dict.fromkeys(commands, 1)


def replied_to(event: Event, bot: str) -> str:
    """The event that this message of the bot answers, "" when it is no answer."""
    if event["type"] != "m.room.message" or event["sender"] != bot:
        return ""
    relation = event["content"].get("m.relates_to", {})
    if relation.get("rel_type") == "m.thread":
        return ""  # a caption, which replies to the one before
    return str(relation.get("m.in_reply_to", {}).get("event_id", ""))


async def has_level(host: Person, space: LiveRoom, person: Person, level: int | None) -> bool:
    """Whether somebody has exactly this own power level (None: no entry)."""
    return (await host.levels(space.room)).get(person.id) == level


async def redacted_once(host: Person, space: LiveRoom, reaction: str) -> bool:
    """Whether exactly one redaction of this event is in the room."""
    timeline = await host.timeline(space.room)
    targets = [
        event.get("redacts") or event["content"].get("redacts")
        for event in timeline
        if event["type"] == "m.room.redaction"
    ]
    assert targets.count(reaction) <= 1
    return reaction in targets


async def invites(person: Person, count: int) -> bool:
    """Whether somebody got that many invites."""
    return len([event for event in person.seen if "invite_state" in event]) >= count


async def is_written_to(person: Person, room: str) -> bool:
    """Whether a message of the bot is in the room."""
    return bool(await person.messages(room, person.bot))


async def replaced(new: int | None, old: int) -> bool:
    """Whether another process has taken over."""
    return new is not None and new != old


async def hears(live: OnAir, hertz: float) -> bool:
    """Whether the listener hears a tone."""
    return tone_level_db(last(live.listener, 0.2), hertz) > -20


async def hears_not(live: OnAir, hertz: float) -> bool:
    """Whether the listener hears a tone no more."""
    return tone_level_db(last(live.listener, 0.2), hertz) < -60


def hum(live: OnAir, seconds: int) -> None:
    """The host's microphone gives a steady tone from now on."""
    ten_seconds = tone(HUM_HZ, 10.0)
    for _ in range(-(-seconds // 10)):
        live.host_mic.say(ten_seconds)


def assert_nothing_doubled(timeline: Sequence[Event], bot: str) -> None:
    """No answer, caption or redaction of the bot is there twice."""
    ours = [event for event in timeline if event["sender"] == bot]
    captions = [
        event["content"]["io.spacesbridge.caption"]["utterance"]
        for event in ours
        if "io.spacesbridge.caption" in event["content"]
    ]
    redactions = [
        event.get("redacts") or event["content"].get("redacts")
        for event in ours
        if event["type"] == "m.room.redaction"
    ]
    answers = [target for event in ours if (target := replied_to(event, bot))]
    for things in (captions, redactions, answers):
        assert [thing for thing, count in Counter(things).items() if count > 1] == []
