"""Plain Matrix calls to the bot, by matrix-js-sdk in browsers, and by many callers at once."""

import asyncio
from collections.abc import Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from spaces_bridge_demo import speech
from spaces_bridge_demo.deployment import Deployment, caption_of, until
from spaces_bridge_demo.ears import tone, usual_tone_db, words_in
from tests.clients.chat import all_is_well, message
from tests.clients.opening import Engine, display_name, microphone, new_account, sdk_client
from tests.clients.sdk_client import SdkClient, far_client, kill_chromium
from tests.clients.wire_caller import called
from tests.e2e.far import drop_media
from tests.e2e.test_numbers import read
from tests.support.forwarded import forwarded
from tests.support.netns import Network
from tests.support.sound import RATE
from tests.support.stage import hears_no_speech, hears_speech
from tests.support.words import understood, word_error_rate_within
from tests.support.world import OnAir, World, open_deployment

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.needs("chromium", "matrix-js-sdk")]

LINES = speech.CONVERSATION[:2]
CAPTION_WITHIN_S = 180.0
LOUD_DB = -35.0
HERTZ, CALLER_HERTZ = 440, 700
SILENCE_S = 10.0
MANY = 20


@pytest.fixture(scope="module")
def reachable(lines: Network, models: Path) -> Iterator[Deployment]:
    """A deployment whose sound is at an address that Firefox goes to: it knows no loopback."""
    places = [lines.server, "127.0.0.1"]
    settings = {"media": {"addresses": places, "hostnames": places}}
    with open_deployment(Deployment(models=models, settings=settings)) as opened:
        yield opened


async def receives_nothing(client: SdkClient) -> None:
    """Until no packet has come for a second."""

    async def nothing() -> bool:
        before = await client.packets()
        await asyncio.sleep(1.0)
        return await client.packets() == before

    await until(nothing, "a call without packets")


async def receives_sound(client: SdkClient) -> None:
    """Until there is more than silence, from now on."""
    before = await client.energy()

    async def sounds() -> bool:
        return await client.energy() > before + 0.01

    await until(sounds, "sound in the call")


@dataclass
class Caller:
    """Somebody whose client is in a DM with the bot that is about a live space."""

    client: SdkClient
    dm: str

    @property
    def name(self) -> str:
        """The display name."""
        return display_name(self.client)


async def invited(
    world: World,
    scene: OnAir,
    client: SdkClient,
    *,
    encrypted: bool = False,
    address: str | None = None,
) -> Caller:
    """The client's person, whom the host has invited, and who has joined.

    `address`: where the browser finds the homeserver, if not where everybody does.
    """
    homeserver, bot = world.deployment.homeserver, world.deployment.bridge.bot
    account = await new_account(homeserver, "cora")
    await client.sign_in(address or homeserver.url, account)
    dm = await client.open_dm(bot, encrypted=encrypted)
    await message(client, dm, "create", sender=bot)
    await scene.host.tell_bot(f"invite {client.user}", scene.space.room)
    await message(client, dm, scene.space.page, sender=bot)
    await client.join(scene.space.alias)
    return Caller(client, dm)


async def granted_by_keypad(scene: OnAir, caller: Caller) -> None:
    """The caller asks by a key, the host grants with a tap in a plain client."""
    prompt = scene.host.next_message(scene.host.dm, caller.name, scene.host.bot)
    await caller.client.press("1")
    asked = await prompt
    granted = scene.host.next_level(scene.space, caller.client.user, 10)
    await scene.host.react(asked["room_id"], asked["event_id"], "✅")
    await granted


async def is_understood(scene: OnAir, client: SdkClient, models: Path) -> None:
    """What the host says is transcribed from what the client received."""

    async def talk() -> None:
        for line in LINES:
            scene.host_mic.say(speech.speak(line))
        await scene.host_mic.said()

    async def misheard() -> float:
        heard = await words_in(await client.heard(), models)
        return word_error_rate_within(" ".join(line.text for line in LINES), heard.text)

    await talk()
    await understood(misheard, talk, within_s=0)


async def calls(world: World) -> int:
    """How many calls are on at this bridge."""
    found = await read(world)
    return int(found["spaces_plain_calls"][""])


async def calls_are(world: World, count: int) -> None:
    """Until so many calls are on."""

    async def so_many() -> bool:
        return await calls(world) == count

    await until(so_many, f"{count} calls")


async def plays_tone(client: SdkClient, since: int = 0) -> None:
    """Until the person hears the host's tone for a second, behind so many samples."""

    async def plays() -> bool:
        fresh = (await client.heard())[since:][-RATE:]
        return len(fresh) == RATE and usual_tone_db(fresh, HERTZ) > LOUD_DB

    await until(plays, "the host's tone in the call")


async def test_a_caller_hears_asks_by_keypad_is_heard_and_is_silenced(
    world: World, models: Path, tmp_path: Path
) -> None:
    await call_from(world, "chromium", tmp_path, models)


@pytest.mark.needs("firefox", "network namespaces")
async def test_a_caller_in_firefox_does_the_same(
    reachable: Deployment, models: Path, tmp_path: Path
) -> None:
    async with World(reachable) as world:
        await call_from(world, "firefox", tmp_path, models)


async def call_from(world: World, engine: Engine, folder: Path, models: Path) -> None:
    """Call, hear, ask, be heard and captioned, lose the floor, hang up."""
    scene = await world.on_air("By telephone")
    before = await calls(world)
    async with sdk_client(engine, folder) as client:
        caller = await invited(world, scene, client)
        await client.call(caller.dm)
        await is_understood(scene, client, models)
        await hears_no_speech(scene.listener)  # though the microphone is on

        captioned = scene.host.next_event(
            lambda event: (said := caption_of(event)) is not None and said.speaker == client.user,
            "a caption of the caller",
            CAPTION_WITHIN_S,
        )
        await granted_by_keypad(scene, caller)
        await hears_speech(scene.listener)
        caption = caption_of(await captioned)
        assert caption is not None
        assert caption.name == caller.name

        await scene.host.set_level(scene.space.room, client.user, None)
        await hears_no_speech(scene.listener)
        assert (await client.call_state())["state"] == "connected"

        await client.hang_up()
        await calls_are(world, before)


async def test_a_call_in_an_encrypted_chat(world: World, tmp_path: Path) -> None:
    scene = await world.on_air("Between us")
    before = await calls(world)
    async with sdk_client("chromium", tmp_path) as client:
        caller = await invited(world, scene, client, encrypted=True)
        await client.call(caller.dm)
        scene.host_mic.say(tone(HERTZ, 400.0))
        await plays_tone(client)
        scene.host_mic.stop_saying()
        await granted_by_keypad(scene, caller)
        await hears_speech(scene.listener)
        await scene.host.set_level(scene.space.room, client.user, None)
        await hears_no_speech(scene.listener)
        await client.hang_up()
        await calls_are(world, before)
        await all_is_well(client, caller.dm)


async def test_a_callers_mute_is_shown_and_on_hold_nothing_comes_or_goes(
    world: World, tmp_path: Path
) -> None:
    scene = await world.on_air("On hold")
    async with sdk_client("chromium", tmp_path) as client:
        caller = await invited(world, scene, client)
        await client.call(caller.dm)
        await granted_by_keypad(scene, caller)
        await hears_speech(scene.listener)

        muted = scene.host_page.next_frame(
            "roster",
            lambda roster: any(
                person["id"] == client.user and not person["on_air"] for person in roster["stage"]
            ),
        )
        await client.mute()
        await muted
        await hears_no_speech(scene.listener)
        await client.mute(muted=False)
        await hears_speech(scene.listener)

        await client.hold()
        await hears_no_speech(scene.listener)
        scene.host_mic.say(tone(HERTZ, 400.0))
        await receives_nothing(client)
        await client.hold(held=False)
        await receives_sound(client)


async def test_a_caller_whose_browser_is_killed_is_gone_soon(world: World, tmp_path: Path) -> None:
    scene = await world.on_air("Power cut")
    async with sdk_client("chromium", tmp_path) as client:
        caller = await invited(world, scene, client)
        before = await calls(world)
        await client.call(caller.dm)
        await calls_are(world, before + 1)
        kill_chromium(microphone(tmp_path))
        await calls_are(world, before)


async def test_the_bot_rings_who_asks_to_be_called(
    world: World, models: Path, tmp_path: Path
) -> None:
    scene = await world.on_air("Ring me")
    async with sdk_client("chromium", tmp_path) as client:
        caller = await invited(world, scene, client, encrypted=True)
        await client.send_text(caller.dm, "callme")
        await client.rings()
        await client.answer()
        await is_understood(scene, client, models)
        await scene.host.tell_bot("end", scene.space.room)
        await client.call_ends()


@pytest.mark.needs("network namespaces")
async def test_a_call_outlives_ten_seconds_without_a_packet(
    far_world: World, line: Network, tmp_path: Path
) -> None:
    scene = await far_world.on_air("Tunnel")
    scene.host_mic.say(tone(HERTZ, 400.0))
    port = far_world.deployment.homeserver.port
    async with (
        forwarded(line.server, port) as address,
        far_client(line, tmp_path, microphone(tmp_path)) as client,
    ):
        caller = await invited(far_world, scene, client, address=address)
        await client.call(caller.dm)
        await plays_tone(client)
        drop_media(far_world, line)
        await asyncio.sleep(SILENCE_S)
        line.restore()
        await plays_tone(client, since=len(await client.heard()))
        assert (await client.call_state())["state"] == "connected"


async def test_twenty_call_at_once_and_hear_the_host_and_one_of_them(world: World) -> None:
    scene = await world.on_air("Twenty lines")
    before = await calls(world)
    people = await asyncio.gather(*(world.person(f"caller{n}") for n in range(MANY)))
    invitations = [person.next_message(person.dm, scene.space.page) for person in people]
    for some in (people[: MANY // 2], people[MANY // 2 :]):
        names = " ".join(person.id for person in some)
        await scene.host.tell_bot(f"invite {names}", scene.space.room)
    for invitation in invitations:
        await invitation
    await people[0].join(scene.space.alias)  # before the call: its hand is raised as a member's
    async with AsyncExitStack() as stack:
        callers = await asyncio.gather(
            *(stack.enter_async_context(called(person, person.dm)) for person in people)
        )
        await calls_are(world, before + MANY)
        scene.host_mic.say(tone(HERTZ, 400.0))
        await asyncio.gather(*(caller.hears(HERTZ) for caller in callers))
        first, *others = callers
        first.speak(tone(CALLER_HERTZ, 1.0))
        prompt = scene.host.next_prompt(people[0])
        await first.press("*")
        await scene.host.react((asked := await prompt)["room_id"], asked["event_id"], "✅")
        await asyncio.gather(*(caller.hears(CALLER_HERTZ) for caller in others))
        await asyncio.gather(*(caller.hang_up() for caller in callers))
        await calls_are(world, before)
