"""A host goes live, all followers are told, and the bridge is killed again and again.

`FOLLOWERS=1000` is the whole evening: Synapse makes a thousand direct rooms, which took eleven
minutes on a busy machine with two cores. `CRASH_ROUNDS` and `CRASH_SEED` make it another run.
"""

import asyncio
import json
import os
import random
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from spaces_bridge.app.notes.dms_and_reactions import UserRoom
from spaces_bridge.core import commands as cmd
from spaces_bridge.core.ids import RoomId, UserId
from spaces_bridge.matrix import MatrixSettings
from spaces_bridge.matrix.client.http import HomeserverApi
from spaces_bridge.matrix.client.matrix_client import MatrixClient
from spaces_bridge.matrix.client.reach import Reach
from spaces_bridge.storage.storage import open_storage
from spaces_bridge_demo.matrix_user import MatrixUser
from tests.matrix.support import BOT, Bridge, LiveSetup, SystemClock, eventually

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

FOLLOWERS = int(os.environ.get("FOLLOWERS", "60"))
ROUNDS = int(os.environ.get("CRASH_ROUNDS", "10"))
SEED = int(os.environ.get("CRASH_SEED", "0")) or random.SystemRandom().randrange(1, 10**6)
PER_MINUTE = 1200
WINDOW_S = 10
AT_ONCE = 16
SETTINGS = (
    "homeserver",
    "domain",
    "as_token",
    "hs_token",
    "page_base",
    "port",
    "events_per_second",
    "invitations_per_minute",
)
SILENT_BEFORE = 0.03
ZOE_TAPS_IN = 1
"""The round; she is the last one in the line."""
SILENT_MEANWHILE = 3
"""Every so many kills, somebody who still waits opts out."""
PATIENCE_S = 1200.0


@dataclass
class Crowd:
    """Who follows the host, and who has opted out when."""

    people: Sequence[UserId]
    silent: set[UserId] = field(default_factory=set)


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
        await self.at_most_left(FOLLOWERS)

    async def at_most_left(self, number: int) -> None:
        """Returns when so many or fewer invitations are still to be sent."""
        assert self._process is not None
        assert self._process.stdout is not None
        async with asyncio.timeout(PATIENCE_S):
            while int(await self._process.stdout.readline()) > number:
                pass

    async def kill9(self) -> None:
        """As if the power had been cut."""
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()


@pytest.fixture
def chance() -> random.Random:
    """The seed is printed: a failed run can be repeated."""
    print(f"CRASH_SEED={SEED} CRASH_ROUNDS={ROUNDS} FOLLOWERS={FOLLOWERS}")  # noqa: T201  # pytest shows it on failure
    return random.Random(SEED)


@pytest.fixture
async def own_setup(tmp_path: Path) -> AsyncIterator[LiveSetup]:
    """A homeserver of its own."""
    setup = LiveSetup(tmp_path)
    async with setup.homeserver:
        yield setup


async def test_every_follower_is_told_once_however_often_the_bridge_is_killed(
    own_setup: LiveSetup, chance: random.Random
) -> None:
    settings = own_setup.settings(invitations_per_minute=PER_MINUTE)
    database = own_setup.directory / "spaces.db"
    async with AsyncExitStack() as people:
        ada = await settle(own_setup, people, "ada")
        zoe = await settle(own_setup, people, "zz-zoe")
        crowd = Crowd([*await register(own_setup, FOLLOWERS - 1), UserId(zoe.id)])
        crowd.silent |= set(chance.sample(crowd.people[:-1], int(FOLLOWERS * SILENT_BEFORE)))
        earlier = await prepare(settings, database, ada, zoe, crowd)

        begun = time.time()
        await kill_again_and_again(settings, database, UserId(ada.id), crowd, zoe, earlier, chance)
        async with Bridge(settings, database) as bridge:
            await eventually(lambda: nothing_left(bridge), "not all were told", PATIENCE_S)
        took = time.time() - begun
        told, invites = await what_was_sent(own_setup, "is live: A thousand ears")

    expected = set(crowd.people) - crowd.silent
    print(  # noqa: T201  # what was measured
        f"{len(expected)} told in {took:.0f} s, {len(crowd.silent)} silent, "
        f"at most {most_in(invites, WINDOW_S)} invites in {WINDOW_S} s"
    )
    assert {user for user, messages in told.items() if messages} == expected
    assert {messages for messages in told.values() if messages} == {1}
    assert most_in(invites, WINDOW_S) <= PER_MINUTE * WINDOW_S / 60 * 1.5


# --- acts ---------------------------------------------------------------------------------------


async def settle(setup: LiveSetup, people: AsyncExitStack, name: str) -> MatrixUser:
    account = await setup.homeserver.register(name)
    return await people.enter_async_context(MatrixUser(setup.homeserver.url, account))


async def register(setup: LiveSetup, number: int) -> list[UserId]:
    """Real accounts, which nobody watches."""
    gate = asyncio.Semaphore(AT_ONCE)

    async def one(place: int) -> UserId:
        async with gate:
            return UserId((await setup.homeserver.register(f"p{place:04}")).user_id)

    return await asyncio.gather(*(one(place) for place in range(number)))


async def prepare(
    settings: MatrixSettings, database: Path, ada: MatrixUser, zoe: MatrixUser, crowd: Crowd
) -> tuple[str, str]:
    """Followers, an earlier invitation for Zoe (room and message), and a start nobody knows of."""
    async with Bridge(settings, database) as bridge:
        await bridge.connected()
        host, followers = UserId(ada.id), bridge.storage.followers
        first = await bridge.live(ada, "An earlier talk")
        invited = zoe.next_invite()
        await bridge.spaces.ask(first.space, cmd.InvitePerson(host, UserId(zoe.id)))
        room = await zoe.join((await invited)["room_id"])
        await bridge.drained()
        (message,) = await zoe.messages(room, BOT)
        await bridge.spaces.ask(first.space, cmd.EndSpace(host, SystemClock().now_ms()))
        space = await bridge.create(ada, "A thousand ears")
        for user in crowd.people:
            await followers.follow(host, user, 1)
        for user in crowd.silent:
            await followers.silence(user, host, 2)
        await bridge.drained()
        await bridge.spaces.ask(space.space, cmd.StartSpace(host, SystemClock().now_ms()))
    return room, message["event_id"]


async def kill_again_and_again(
    settings: MatrixSettings,
    database: Path,
    host: UserId,
    crowd: Crowd,
    zoe: MatrixUser,
    earlier: tuple[str, str],
    chance: random.Random,
) -> None:
    """Zoe taps 🔕 in the middle of it; others opt out while the bridge is dead."""
    bridge = Killed(settings, database)
    # by how many are still to be told: all along, and several times while it begins
    left = sorted((chance.randrange(1, FOLLOWERS) for _ in range(ROUNDS)), reverse=True)
    try:
        for round_, until in enumerate(left):
            await bridge.start()
            if round_ == ZOE_TAPS_IN:
                answered = zoe.next_message(earlier[0], "Nothing more from them", BOT, 300.0)
                await zoe.react(*earlier, "🔕")
                await answered
                crowd.silent.add(UserId(zoe.id))
            await bridge.at_most_left(until)
            await asyncio.sleep(chance.uniform(0.0, 0.5))
            await bridge.kill9()
            if round_ % SILENT_MEANWHILE == 0:
                await opt_out(database, host, crowd, chance)
    finally:
        await bridge.kill9()


async def opt_out(database: Path, host: UserId, crowd: Crowd, chance: random.Random) -> None:
    """One of those whose invitation is not begun wants no more of them."""
    storage = await open_storage(f"sqlite:{database}", SystemClock())
    try:
        rows = await storage.outbox.pending(0, FOLLOWERS * 2)
        bodies = [row.effect.body for row in rows if row.effect.kind == "invitation.send"]
        for body in chance.sample(bodies, len(bodies)):
            user = UserId(str(body["user"]))
            if await storage.notes.get(UserRoom.key(user)) is None:
                await storage.followers.silence(user, host, SystemClock().now_ms())
                crowd.silent.add(user)
                return
    finally:
        await storage.close()


async def nothing_left(bridge: Bridge) -> bool:
    return not await bridge.outbox.pending(0, 1)


# --- looking ------------------------------------------------------------------------------------


async def what_was_sent(
    setup: LiveSetup, part: str
) -> tuple[Mapping[UserId, int], Sequence[float]]:
    """How many such messages everybody has in all rooms they are asked into, and when all invites
    were made, in seconds; as the bot sees it.
    """
    api = HomeserverApi(setup.homeserver.url, setup.as_token, Reach(), lambda _: None)
    await api.start()
    try:
        bot, gate = MatrixClient(api, UserId(BOT)), asyncio.Semaphore(AT_ONCE)
        messages, invites = Counter[UserId](), list[float]()

        async def look(room: RoomId) -> None:
            async with gate:
                query = {"dir": "b", "limit": "50"}
                page = await bot.call("GET", ["rooms", room, "messages"], query=query)
            asked = [
                e for e in page["chunk"] if e.get("content", {}).get("membership") == "invite"
            ]
            bodies = [str(e.get("content", {}).get("body", "")) for e in page["chunk"]]
            invites.extend(e["origin_server_ts"] / 1000 for e in asked)
            for event in asked:
                messages[UserId(event["state_key"])] += sum(part in body for body in bodies)

        rooms = (await bot.call("GET", ["joined_rooms"]))["joined_rooms"]
        await asyncio.gather(*(look(RoomId(room)) for room in rooms))
        return messages, sorted(invites)
    finally:
        await api.stop()


def most_in(times: Sequence[float], seconds: float) -> int:
    """The most of them in any window of that length."""
    return max(
        (sum(start <= time < start + seconds for time in times) for start in times), default=0
    )
