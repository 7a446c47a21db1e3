"""kill -9 in the midst of encrypted chats: each question is answered once, no key is used twice.

`CRASH_ROUNDS` (default 5) says how often, `CRASH_SEED` repeats a run.
"""

import asyncio
import json
import os
import random
import sys
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from vodozemac import MegolmMessage

from spaces_bridge.matrix import MatrixSettings
from tests.clients.chat import Shown, all_is_well, message
from tests.clients.nio_client import NioClient, nio_client
from tests.matrix.support import BOT, Bridge, LiveSetup, eventually

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

ROUNDS = int(os.environ.get("CRASH_ROUNDS", "5"))
SEED = int(os.environ.get("CRASH_SEED", "0")) or random.SystemRandom().randrange(1, 10**6)
PEOPLE = 3
NEW_EVERY = 4
"""Rounds between people who come anew: their first chat is shared and read in the crash."""
LATEST_KILL_S = 2.0
PATIENCE_S = 300.0
SETTINGS = (
    "homeserver",
    "domain",
    "as_token",
    "hs_token",
    "page_base",
    "port",
    "events_per_second",
    "room_events_per_minute",
)


class Killed:
    """The bridge as a process that is killed with SIGKILL."""

    def __init__(self, settings: MatrixSettings, database: Path) -> None:
        values = {name: getattr(settings, name) for name in SETTINGS}
        self._command = ["-m", "tests.matrix.bridge_process", json.dumps(values), str(database)]
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Returns when it has begun its work."""
        self._process = await asyncio.create_subprocess_exec(
            sys.executable, *self._command, stdout=asyncio.subprocess.PIPE
        )
        assert self._process.stdout is not None
        async with asyncio.timeout(PATIENCE_S):
            await self._process.stdout.readline()

    async def kill9(self) -> None:
        """As if the power had been cut."""
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()


class Chat:
    """A person's encrypted chat with the bot, and what was asked in it."""

    def __init__(self, client: NioClient, room: str) -> None:
        self.client = client
        self.room = room
        self.asked: list[str] = []

    async def ask(self) -> None:
        """Ask once more, by a new Megolm session: its key has to be read in the crash, too."""
        await self.client.forget_session(self.room)
        self.asked.append(await self.client.send_text(self.room, "help create"))

    async def answers(self) -> list[Shown]:
        """The bot's answers to questions."""
        return [
            each
            for each in await self.client.timeline(self.room)
            if each.sender == BOT and "m.in_reply_to" in each.relates_to
        ]


@pytest.fixture
def chance() -> random.Random:
    """The seed is printed: a failed run can be repeated."""
    print(f"CRASH_SEED={SEED} CRASH_ROUNDS={ROUNDS}")  # noqa: T201  # pytest shows it on failure
    return random.Random(SEED)


@pytest.fixture
async def own_setup(tmp_path: Path) -> AsyncIterator[LiveSetup]:
    """A homeserver of its own."""
    setup = LiveSetup(tmp_path)
    async with setup.homeserver:
        yield setup


async def test_encrypted_chats_go_on_as_if_the_bridge_had_never_been_killed(
    own_setup: LiveSetup, chance: random.Random, tmp_path: Path
) -> None:
    database = tmp_path / "spaces.db"
    bridge = Killed(own_setup.settings(), database)
    async with AsyncExitStack() as people:

        async def newcomer(name: str) -> NioClient:
            account = await own_setup.homeserver.register(name)
            keys = tmp_path / name
            keys.mkdir()
            opened = nio_client(own_setup.homeserver.url, account, keys)
            return await people.enter_async_context(opened)

        await bridge.start()
        try:
            chats = [await chat_of(await newcomer(f"p{n}")) for n in range(PEOPLE)]
            for round_ in range(1, ROUNDS + 1):
                for chat in chats:
                    await chat.ask()
                if round_ % NEW_EVERY == 0:
                    client = await newcomer(f"new{round_}")
                    chats.append(Chat(client, await client.open_dm(BOT)))
                await asyncio.sleep(chance.uniform(0.0, LATEST_KILL_S))
                await bridge.kill9()
                await bridge.start()
                for chat in chats:
                    if not chat.asked:
                        await message(chat.client, chat.room, "create", sender=BOT)
        finally:
            await bridge.kill9()
        async with Bridge(own_setup.settings(), database):
            for chat in chats:
                await chat.ask()
                await every_question_is_answered_once(chat)
                await all_is_well(chat.client, chat.room)
                await no_key_was_used_twice(chat)


async def chat_of(client: NioClient) -> Chat:
    """An encrypted chat in which the bot has greeted."""
    room = await client.open_dm(BOT)
    await message(client, room, "create", sender=BOT)
    return Chat(client, room)


async def every_question_is_answered_once(chat: Chat) -> None:
    """Wait for all answers; each is there once. Raises AssertionError."""

    async def answered() -> bool:
        return {target(each) for each in await chat.answers()} >= set(chat.asked)

    await eventually(answered, "a question was lost")
    counts = Counter(target(each) for each in await chat.answers())
    assert counts == Counter(chat.asked)


async def no_key_was_used_twice(chat: Chat) -> None:
    """No message index of a session stands in two of the bot's events. Raises AssertionError."""
    used = Counter(
        (content["session_id"], MegolmMessage.from_base64(content["ciphertext"]).message_index())
        for content in await chat.client.ciphertexts(chat.room, BOT)
    )
    assert used
    assert [key for key, times in used.items() if times > 1] == []


def target(answer: Shown) -> str:
    """The event that is answered."""
    return str(answer.relates_to["m.in_reply_to"]["event_id"])
