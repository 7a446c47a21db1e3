"""The device lists: which devices people have, asked for once and then followed.

The homeserver says who changed (`device_lists` of the key sync); those are asked for anew when
somebody next wants to know. Spec: Client-Server API, "Tracking the device list for a user".
"""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Protocol

from spaces_bridge.app.crypto_ports import CryptoRecord, CryptoStore, KnownDevice, KnownUser
from spaces_bridge.app.ports import Clock
from spaces_bridge.core.ids import UserId
from spaces_bridge.matrix.crypto.peer_keys import devices_from, identity_from
from spaces_bridge.matrix.crypto.slow_servers import SlowServers

log = logging.getLogger(__name__)

USERS_AT_ONCE: Final = 100
"""People asked for in one request."""
SERVERS_WITHIN_MS: Final = 10_000
"""How long our homeserver may ask other servers for one request."""
REST_MS: Final = 300_000
"""How long somebody whose server did not answer is not asked for again."""
CACHED: Final = 20_000
"""People whose devices are held in memory, besides the database."""

IdentityChanged = Callable[[UserId, str, str], None]
"""Is told of a person's other master key: the person, the old key, the new one."""


class KeysEndpoint(Protocol):
    """The port to the homeserver: any call as the bot. Raises RequestRefused, Away."""

    async def call(
        self, method: str, path: Sequence[str], body: Mapping[str, Any] | None = None
    ) -> Any:  # noqa: ANN401 - JSON
        ...


@dataclass(frozen=True, slots=True)
class _Person:
    """A person as held in memory."""

    user: KnownUser
    devices: tuple[KnownDevice, ...]


class DeviceLists:
    """The device lists of everybody the bot shares an encrypted room with.

    Methods that ask raise RequestRefused, Away, StorageError.
    """

    def __init__(self, homeserver: KeysEndpoint, store: CryptoStore, clock: Clock) -> None:
        self._homeserver = homeserver
        self._store = store
        self._clock = clock
        self._people: OrderedDict[UserId, _Person] = OrderedDict()
        self._slow = SlowServers(clock)
        self._writing = asyncio.Lock()
        """Held from looking at what is known to having written what is new."""
        self._asked: dict[UserId, bool] = {}
        """People who are being asked for now, and whether their devices changed meanwhile."""
        self._resting: dict[UserId, int] = {}
        """Until when people are not asked for, because their server did not answer."""
        self._watchers: list[Callable[[Collection[UserId]], None]] = []
        self._identity_watchers: list[IdentityChanged] = []

    # --- reading --------------------------------------------------------------------------------

    async def devices_of(
        self, users: Iterable[UserId]
    ) -> Mapping[UserId, tuple[KnownDevice, ...]]:
        """Return everybody's devices that can take part in encrypted rooms.

        People whose server does not answer have the devices that are known of them, if any.
        """
        wanted = list(dict.fromkeys(users))
        await self._look_up(wanted)
        await self._ask(wanted, self._is_to_be_asked)
        found = {user: self._people.get(user) for user in wanted}
        self._trim()
        return {user: person.devices if person else () for user, person in found.items()}

    async def identity_of(self, user: UserId) -> KnownUser | None:
        """Return the person's cross-signing keys; None: they have none that is right."""
        await self.devices_of([user])
        person = self._people.get(user)
        return person.user if person is not None and person.user.master else None

    async def glance_at(self, user: UserId) -> Sequence[KnownDevice]:
        """Return the devices of somebody with whom the bot need not share a room.

        They are not followed. Nothing is returned while the person's server does not answer.
        """
        await self._look_up([user])
        person = self._people.get(user)
        if person is not None and not person.user.is_outdated:
            return person.devices
        body = {"timeout": SERVERS_WITHIN_MS, "device_keys": {user: []}}
        answer = await self._homeserver.call("POST", ["keys", "query"], body)
        return self._answered(user, answer, is_outdated=True).devices

    async def refresh(self, users: Iterable[UserId]) -> None:
        """Ask the homeserver for the devices of these people anew.

        Those whose server does not answer, or was slow, are not asked for before their time.
        """
        wanted = list(dict.fromkeys(users))
        await self._look_up(wanted)
        await self._ask(wanted, lambda user: not self._is_resting(user))
        self._trim()

    def asked_again_at_ms(self, users: Iterable[UserId]) -> int | None:
        """Return when the first of these people is asked for again whose server did not answer."""
        waits = [self._rests_until_ms(user) for user in users]
        return min(filter(None, waits), default=None)

    # --- following ------------------------------------------------------------------------------

    def on_change(self, watcher: Callable[[Collection[UserId]], None]) -> None:
        """Have `watcher` told of people whose devices may be others now."""
        self._watchers.append(watcher)

    def on_identity_change(self, watcher: IdentityChanged) -> None:
        """Have `watcher` told of people whose master key is another one now."""
        self._identity_watchers.append(watcher)

    async def changed(self, users: Sequence[UserId], left: Sequence[UserId] = ()) -> None:
        """Note that these people's devices may be others now, and forget those who left.

        `left`: people with whom the bot shares no room any more. Raises StorageError.
        """
        await self._look_up([*users, *left])
        gone = [user for user in left if user not in users]
        put: list[CryptoRecord] = []
        drop: list[CryptoRecord] = []
        async with self._writing:
            for user in [*users, *gone]:
                if user in self._asked:
                    self._asked[user] = True
                self._resting.pop(user, None)
            for user in users:
                person = self._people.get(user)
                if person is not None and not person.user.is_outdated:
                    self._people[user] = _outdated(person)
                    put.append(self._people[user].user)
            for user in gone:
                person = self._people.pop(user, None)
                drop += [person.user, *person.devices] if person is not None else []
            await self._store.apply(put, drop)
        self._tell([*users, *gone])

    def doubt(self, users: Iterable[UserId], older_than_ms: int) -> None:
        """Have these people asked for anew if that was longer ago than this.

        The homeserver says nothing of people who share no joined room with the bot.
        """
        before_ms = self._clock.now_ms() - older_than_ms
        for user in users:
            person = self._people.get(user)
            if person is not None and person.user.asked_at_ms < before_ms:
                self._people[user] = _outdated(person)

    async def all_changed(self) -> None:
        """Note that changes may have been missed: everybody is asked for anew. StorageError."""
        people = await self._store.find(KnownUser)
        for start in range(0, len(people), USERS_AT_ONCE):
            await self.changed([user.user for user in people[start : start + USERS_AT_ONCE]])

    # --- asking ---------------------------------------------------------------------------------

    def _is_to_be_asked(self, user: UserId) -> bool:
        if self._is_resting(user):
            return False
        person = self._people.get(user)
        return person is None or person.user.is_outdated

    def _is_resting(self, user: UserId) -> bool:
        return self._rests_until_ms(user) > self._clock.now_ms()

    def _rests_until_ms(self, user: UserId) -> int:
        return max(self._resting.get(user, 0), self._slow.rests_until_ms(user))

    async def _look_up(self, users: Sequence[UserId]) -> None:
        """Bring what the database holds of these people into memory."""
        missing = [user for user in dict.fromkeys(users) if user not in self._people]
        if not missing:
            return
        known = await self._store.find_among(KnownUser, "user", missing)
        devices: dict[UserId, list[KnownDevice]] = {user.user: [] for user in known}
        for device in await self._store.find_among(KnownDevice, "user", list(devices)):
            devices[device.user].append(device)
        for user in known:
            self._people.setdefault(user.user, _Person(user, tuple(devices[user.user])))

    async def _ask(self, users: Sequence[UserId], is_wanted: Callable[[UserId], bool]) -> None:
        for group in self._slow.groups(user for user in users if is_wanted(user)):
            for start in range(0, len(group), USERS_AT_ONCE):
                some = group[start : start + USERS_AT_ONCE]
                async with self._slow.holding(some):
                    await self._ask_some([user for user in some if is_wanted(user)])

    async def _ask_some(self, users: Sequence[UserId]) -> None:
        if not users:
            return
        self._asked.update(dict.fromkeys(users, False))
        began_ms = self._clock.now_ms()
        try:
            body = {"timeout": SERVERS_WITHIN_MS, "device_keys": {user: [] for user in users}}
            answer = await self._homeserver.call("POST", ["keys", "query"], body)
            self._slow.note(users, self._clock.now_ms() - began_ms)
            async with self._writing:
                await self._note(users, answer)
        finally:
            for user in users:
                self._asked.pop(user, None)

    async def _note(self, users: Sequence[UserId], answer: Mapping[str, Any]) -> None:
        """Note an answer to `keys/query`, in the database first."""
        failed = set(_object(answer.get("failures")))
        put: list[CryptoRecord] = []
        drop: list[CryptoRecord] = []
        fresh: dict[UserId, _Person] = {}
        for user in users:
            if user.partition(":")[2] in failed:
                self._resting[user] = self._clock.now_ms() + REST_MS
                continue
            await asyncio.sleep(0)  # signatures take their time: others come in between
            person = fresh[user] = self._answered(user, answer, is_outdated=self._asked[user])
            put += [person.user, *person.devices]
            before, now = self._people.get(user), {device.device for device in person.devices}
            drop += [d for d in (before.devices if before else ()) if d.device not in now]
        await self._store.apply(put, drop)
        self._take(fresh)

    def _answered(self, user: UserId, answer: Mapping[str, Any], *, is_outdated: bool) -> _Person:
        """Return the person as the homeserver's answer says; known devices keep their keys."""
        master = _object(answer.get("master_keys")).get(user)
        signing = _object(answer.get("self_signing_keys")).get(user)
        owner = identity_from(user, master, signing, self._clock.now_ms())
        found = devices_from(user, _object(answer.get("device_keys")).get(user), owner)
        before = self._people.get(user)
        known = {device.device: device for device in (before.devices if before else ())}
        kept = [_with_known_keys(device, known.get(device.device)) for device in found]
        return _Person(replace(owner, is_outdated=is_outdated), tuple(kept))

    def _take(self, fresh: Mapping[UserId, _Person]) -> None:
        """Hold what was answered, and tell of what is different."""
        others: list[UserId] = []
        for user, person in fresh.items():
            before = self._people.get(user)
            self._people[user] = person
            self._people.move_to_end(user)
            self._resting.pop(user, None)
            if before is None or before.devices != person.devices:
                others.append(user)
            old, new = before.user.master if before else "", person.user.master
            if old and old != new:
                log.info("%s has another identity", user)
                for watcher in self._identity_watchers:
                    watcher(user, old, new)
        self._tell(others)

    def _tell(self, users: Sequence[UserId]) -> None:
        if users:
            for watcher in self._watchers:
                watcher(users)

    def _trim(self) -> None:
        while len(self._people) > CACHED:
            self._people.popitem(last=False)
        if len(self._resting) > CACHED:
            now_ms = self._clock.now_ms()
            self._resting = {u: at_ms for u, at_ms in self._resting.items() if at_ms > now_ms}


def _outdated(person: _Person) -> _Person:
    return _Person(replace(person.user, is_outdated=True), person.devices)


def _with_known_keys(device: KnownDevice, known: KnownDevice | None) -> KnownDevice:
    """Return the device as answered, or as known where its keys are suddenly others.

    A device has its keys for life. Whoever changes them could read what is meant for it.
    """
    if known is None or (known.curve25519, known.ed25519) == (device.curve25519, device.ed25519):
        return device
    log.warning("device %s of %s shows other keys: refused", device.device, device.user)
    return known


def _object(value: object) -> Mapping[Any, Any]:
    return value if isinstance(value, Mapping) else {}
