"""The bot is killed at every single step of encrypting and sharing: nothing is used twice or lost.

Each step is a call of the store or of the homeserver, killed before it happens or after it did.
"""

import json
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import pytest

from spaces_bridge.app.crypto_ports import CryptoRecord, QueuedToDevice
from spaces_bridge.core.ids import RoomId, UserId
from spaces_bridge.matrix.crypto.encrypted_rooms import EncryptedRooms
from spaces_bridge.matrix.crypto.encryption import Encryption
from spaces_bridge.matrix.crypto.sending_assembly import assemble_sending
from spaces_bridge.matrix.events.content import message
from tests.storage.support import SetClock
from tests.support.crypto_peers import BOT, KeyServer, MemoryCrypto, Peer, bot_account

pytestmark = pytest.mark.unit

ROOM = RoomId("!room:home")
TEXTS = ("one", "two", "three", "four")


class Killed(BaseException):
    """The process is gone."""


class Fuse:
    """Counts steps, and kills the process at one of them."""

    def __init__(self, at: int, *, after: bool) -> None:
        """`at`: the step; `after`: whether what it does has happened by then."""
        self.at, self.after, self.steps = at, after, 0

    def before_step(self) -> bool:
        """Kill now, or return whether the step is the last to happen."""
        self.steps += 1
        if self.steps == self.at and not self.after:
            raise Killed
        return self.steps == self.at


class FusedStore(MemoryCrypto):
    """A store in which the process may be killed at each write."""

    def __init__(self) -> None:
        super().__init__()
        self.fuse = Fuse(0, after=False)

    async def apply(
        self, put: Sequence[CryptoRecord] = (), drop: Sequence[CryptoRecord] = ()
    ) -> None:
        is_last = self.fuse.before_step()
        await super().apply(put, drop)
        if is_last:
            raise Killed


class FusedServer(KeyServer):
    """A homeserver at each call of which the process may be killed."""

    fuse = Fuse(0, after=False)

    async def call(
        self, method: str, path: Sequence[str], body: Mapping[str, Any] | None = None
    ) -> Any:  # noqa: ANN401 - JSON
        is_last = self.fuse.before_step()
        answer = await super().call(method, path, body)
        if is_last:
            raise Killed
        return answer


class FusedQueue:
    """The queue of to-device messages: the homeserver takes each transaction once."""

    def __init__(self, store: FusedStore, server: KeyServer) -> None:
        self._store, self._server = store, server
        self._taken: set[str] = set()

    def wake(self) -> None:
        """Messages leave when they are waited for."""

    async def sent(self, txns: Collection[str], within_s: float) -> bool:
        for row in list(self._store.rows[QueuedToDevice].values()):
            is_last = self._store.fuse.before_step()
            if row.txn not in self._taken:
                self._taken.add(row.txn)
                self._deliver(row)
            if is_last:
                raise Killed
            await self._store.apply(drop=[row])
        return True

    def _deliver(self, row: QueuedToDevice) -> None:
        for peer in self._server.peers:
            content = row.messages.get(peer.user, {}).get(peer.device)  # type: ignore[attr-defined]
            if content is not None:
                peer.receive(row.type, json.loads(json.dumps(content)))


class House:
    """A room, its people, and the bot that writes there over all its lives."""

    def __init__(self) -> None:
        self.eve, self.ben = Peer("@eve:home"), Peer("@ben:home")
        self.people = {BOT, self.eve.user}
        self.server, self.store = FusedServer(self.eve, self.ben), FusedStore()
        self.queue, self.account = FusedQueue(self.store, self.server), bot_account()
        self.clock = SetClock()
        self.events: dict[str, Mapping[str, Any]] = {}
        """What the homeserver took, by transaction id."""
        self.left: list[Mapping[str, Any]] = []
        """All that ever left the process, repeats included."""
        self.start()

    def start(self) -> None:
        """Another life of the bot."""
        self.encryption = Encryption(EncryptedRooms(self, self.store), Device())
        self.encryption.begin(
            assemble_sending(
                self.account,
                self.server,
                self.store,
                self.queue,
                self,
                self.clock,
                "everybody",
            )
        )

    async def state(self, room: RoomId, type_: str, key: str = "") -> Mapping[str, Any]:
        return {"algorithm": "m.megolm.v1.aes-sha2", "rotation_period_msgs": 3}

    async def joined(self, room: RoomId) -> Mapping[UserId, str | None]:
        return dict.fromkeys(self.people)

    async def invited(self, room: RoomId) -> list[UserId]:
        return []

    async def evening(self, fuse: Fuse) -> None:
        """Say everything; killed by the fuse, the bot comes back and goes on where it was."""
        self.store.fuse = self.server.fuse = fuse
        for number, text in enumerate(TEXTS):
            if number == 1:
                self.people.add(self.ben.user)
                self._member("join")
            if number == 3:
                self.people.discard(self.ben.user)
                self._member("leave")
            while True:
                try:
                    await self._say(f"txn{number}", text)
                    break
                except Killed:
                    self.start()
                    await self.queue.sent((), 0.0)

    def _member(self, membership: str) -> None:
        event = {"type": "m.room.member", "room_id": ROOM, "event_id": "$e"}
        event |= {"sender": self.ben.user, "state_key": self.ben.user}
        self.encryption.note({**event, "content": {"membership": membership}})

    async def _say(self, txn: str, text: str) -> None:
        sealed = await self.encryption.sealed(ROOM, "m.room.message", message(text))
        assert sealed is not None
        is_last = self.store.fuse.before_step()
        self.left.append(sealed)
        self.events.setdefault(txn, sealed)
        if is_last:
            raise Killed


class Device:
    """The state of the bot's device."""

    is_set_up = True
    had_device = True
    problem = ""


def check(house: House) -> None:
    """Everybody reads what is theirs, nothing was used twice, and nobody reads what is not."""
    seen: dict[tuple[str, int], str] = {}
    for sealed in house.left:
        _, index = house.eve.read(sealed)
        ciphertext = str(sealed["ciphertext"])
        assert seen.setdefault((sealed["session_id"], index), ciphertext) == ciphertext
    said = [house.eve.read(sealed)[0]["content"]["body"] for sealed in house.events.values()]
    assert said == list(TEXTS)
    for number in (1, 2):
        house.ben.read(house.events[f"txn{number}"])
    with pytest.raises(KeyError):
        house.ben.read(house.events["txn3"])


async def steps_of_an_evening() -> int:
    """How many steps an evening without a kill has."""
    house, fuse = House(), Fuse(0, after=False)
    await house.evening(fuse)
    check(house)
    return fuse.steps


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
async def test_killed_at_any_step_nothing_is_used_twice_and_everybody_reads(after: bool) -> None:
    steps = await steps_of_an_evening()
    assert steps > 15
    for at in range(1, steps + 1):
        house = House()
        await house.evening(Fuse(at, after=after))
        try:
            check(house)
        except (AssertionError, KeyError, ValueError) as failure:
            raise AssertionError(f"killed at step {at} of {steps}") from failure
