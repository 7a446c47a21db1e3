"""Encrypted events are read, kept or refused: a real store, devices of bare vodozemac."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pytest
import vodozemac

from spaces_bridge.app.crypto_ports import (
    InboundSession,
    OlmSession,
    OwnDevice,
    OwnIdentity,
    ReadMessage,
    SyncPosition,
    WaitingEvent,
    Withheld,
)
from spaces_bridge.app.errors import StorageError
from spaces_bridge.core.ids import RoomId
from spaces_bridge.matrix.client.errors import Away, RequestRefused
from spaces_bridge.matrix.crypto import key_sync, limits
from spaces_bridge.matrix.crypto.assembly import CryptoService, open_own_keys
from spaces_bridge.matrix.crypto.encrypted_rooms import EncryptedRooms
from spaces_bridge.matrix.crypto.pickles import WrongPickleKeyError
from spaces_bridge.storage.storage import Storage, open_storage
from tests.storage.support import SetClock
from tests.support.crypto_friend import BOT, Friend, KeyHome

if TYPE_CHECKING:
    from spaces_bridge.matrix.client.http import HomeserverApi
    from spaces_bridge.matrix.crypto.encrypted_rooms import RoomStateReader

pytestmark = pytest.mark.peers

SECRET = "a secret of the config"


class Bot:
    """The bot's encryption over a store; what it read, and what it wrote."""

    def __init__(self, home: KeyHome, storage: Storage, clock: SetClock) -> None:
        self.home = home
        self.storage = storage
        self.clock = clock
        self.read: list[Mapping[str, Any]] = []
        self.wrote: list[tuple[str, str]] = []
        self.news = asyncio.Event()
        self.service: CryptoService

    @asynccontextmanager
    async def running(self) -> AsyncIterator["Bot"]:
        """The bot with its tasks; they end as by a crash."""
        keys = await open_own_keys(self.storage.crypto, BOT, SECRET, "everybody", self.clock)
        api = cast("HomeserverApi", self.home)
        reader = cast("RoomStateReader", None)
        rooms = EncryptedRooms(reader, self.storage.crypto)
        self.service = CryptoService(api, keys, self.storage.inbox, reader, rooms, self.clock)
        receiver = self.service.receiver(
            self._write, self._is_direct, lambda user: user == BOT, self._receive, self._wake
        )
        self.receive = receiver.receive
        tasks = [asyncio.ensure_future(work()) for work in self.service.endless().values()]
        try:
            yield self
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _receive(self, event: Mapping[str, Any]) -> None:
        self.read.append(event)
        self.news.set()

    async def _write(self, room: RoomId, text: str, key: str) -> None:
        self.wrote.append((room, text))
        self.news.set()

    async def _is_direct(self, room: RoomId) -> bool:
        return room == "!dm"

    def _wake(self) -> None:
        self.news.set()

    async def until(self, holds: Callable[[], bool]) -> None:
        """Wait until it is so, at most for a while."""
        async with asyncio.timeout(20):
            while not holds():
                with suppress(TimeoutError):
                    async with asyncio.timeout(0.05):
                        await self.news.wait()
                self.news.clear()

    async def has(self, kind: type, number: int, **fields: bool) -> None:
        """Wait until the store holds so many records of this kind."""
        async with asyncio.timeout(20):
            while len(await self.storage.crypto.find(kind, **fields)) < number:
                with suppress(TimeoutError):
                    async with asyncio.timeout(0.05):
                        await self.news.wait()

    async def has_no(self, kind: type) -> None:
        """Wait until the store holds no record of this kind."""
        await self.has_at_most(kind, 0)

    async def has_at_most(self, kind: type, number: int) -> None:
        """Wait until the store holds so many records of this kind or fewer."""
        async with asyncio.timeout(20):
            while len(await self.storage.crypto.find(kind)) > number:
                with suppress(TimeoutError):
                    async with asyncio.timeout(0.05):
                        await self.news.wait()

    async def ready(self) -> None:
        await self.until(lambda: bool(self.home.one_time and self.home.fallback))
        await self.until(lambda: self.service.sync.is_set_up)

    @property
    def texts(self) -> list[str]:
        return [event["content"]["body"] for event in self.read]


@pytest.fixture
async def bot(tmp_path: Path) -> AsyncIterator[Bot]:
    """A bot with a homeserver, running."""
    clock = SetClock()
    storage = await open_storage(f"sqlite:{tmp_path}/spaces.db", clock)
    try:
        async with Bot(KeyHome(), storage, clock).running() as running:
            await running.ready()
            yield running
    finally:
        await storage.close()


# --- the device ---------------------------------------------------------------------------------


async def test_the_device_is_made_published_and_vouched_for(bot: Bot) -> None:
    [(name, keys)] = bot.home.devices.items()
    assert name.startswith("SPACES")
    assert name != "SPACES"
    assert keys["keys"][f"ed25519:{name}"] == bot.service.account.ed25519
    assert bot.home.cross_signing is not None
    await bot.until(lambda: bool(bot.home.signatures))
    assert name in bot.home.signatures[0][BOT]
    await bot.until(lambda: len(bot.home.one_time) >= limits.ONE_TIME_KEYS)
    stored = await bot.storage.crypto.find(OwnIdentity)
    assert stored[0].master in json.dumps(bot.home.cross_signing)


async def test_the_same_device_goes_on_after_a_restart(bot: Bot) -> None:
    before = bot.service.account.ed25519
    made = [call for call in bot.home.calls if call.startswith("PUT devices")]
    async with Bot(bot.home, bot.storage, bot.clock).running() as again:
        await again.ready()
        assert again.service.account.ed25519 == before
    assert [call for call in bot.home.calls if call.startswith("PUT devices")] == made


async def test_keys_are_topped_up_and_a_used_fallback_key_is_replaced(bot: Bot) -> None:
    bot.home.one_time.clear()
    first = dict(bot.home.fallback)
    bot.home.fallback.clear()
    bot.home.to_bot("@eve:home.test", "m.dummy", {})
    await bot.until(lambda: len(bot.home.one_time) >= limits.ONE_TIME_KEYS)
    await bot.until(lambda: bool(bot.home.fallback))
    assert not set(first) & set(bot.home.fallback)


async def test_a_lost_database_is_a_new_device_and_the_old_one_goes(
    bot: Bot, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    bot.home.devices["ELEMENT"] = {}
    bot.home.devices["SPACES"] = {}
    old = bot.service.account.device
    storage = await open_storage(f"sqlite:{tmp_path}/new.db", bot.clock)
    try:
        async with Bot(bot.home, storage, bot.clock).running() as again:
            await again.until(lambda: again.service.sync.is_set_up)
            assert set(bot.home.devices) == {"ELEMENT", "SPACES", again.service.account.device}
    finally:
        await storage.close()
    assert f"({old}) that the database does not know" in caplog.text


async def test_a_device_that_somebody_deleted_is_made_and_signed_again(bot: Bot) -> None:
    name = bot.service.account.device
    await bot.until(lambda: bool(bot.home.signatures))
    bot.home.signatures.clear()
    bot.home.one_time.clear()
    bot.home.fallback.clear()
    del bot.home.devices[name]
    bot.home.failure["sync"] = RequestRefused(400, "M_UNKNOWN_DEVICE", "deleted")
    bot.home.news.set()
    bot.home.to_bot("@eve:home.test", "m.dummy", {})
    await bot.until(lambda: not bot.service.sync.is_set_up)
    del bot.home.failure["sync"]
    bot.service.homeserver_back()
    await bot.until(lambda: bool(bot.home.signatures and bot.home.one_time))
    keys = bot.home.devices[name]["keys"]
    assert keys[f"ed25519:{name}"] == bot.service.account.ed25519


async def test_a_database_from_a_backup_finds_names_for_its_keys(bot: Bot) -> None:
    """Its account makes one-time keys by names that the homeserver knows for others."""
    await bot.until(lambda: len(bot.home.one_time) >= limits.ONE_TIME_KEYS)
    later = 3 * limits.ONE_TIME_KEYS
    names = vodozemac.Account()
    names.generate_one_time_keys(later)
    known = {f"signed_curve25519:{name}": {"key": "another"} for name in names.one_time_keys}
    bot.home.one_time = {**known, **bot.home.one_time}
    extra = set(list(bot.home.one_time)[:later])
    bot.home.held = 0
    bot.home.to_bot("@eve:home.test", "m.dummy", {})

    def is_topped_up() -> bool:
        return len(set(bot.home.one_time) - extra) >= limits.ONE_TIME_KEYS // 2

    while not is_topped_up():
        bot.home.to_bot("@eve:home.test", "m.dummy", {})
        await bot.until(lambda: not bot.home.inbox)
    bot.home.held = None


async def test_another_pickle_key_is_refused_with_what_to_do(bot: Bot) -> None:
    with pytest.raises(WrongPickleKeyError, match="Set the one of before"):
        await open_own_keys(bot.storage.crypto, BOT, "another", "everybody", bot.clock)
    [device] = await bot.storage.crypto.find(OwnDevice)
    assert device.device == bot.service.account.device, "nothing was thrown away"


async def test_with_a_registration_of_before_it_says_what_to_do_and_passes_events_on(
    tmp_path: Path,
) -> None:
    clock, home = SetClock(), KeyHome()
    home.sender = BOT
    storage = await open_storage(f"sqlite:{tmp_path}/spaces.db", clock)
    try:
        async with Bot(home, storage, clock).running() as bot:
            await bot.until(lambda: bool(bot.service.sync.problem))
            assert "Write the registration again with -g" in bot.service.sync.problem
            event: dict[str, object] = {"type": "m.room.encrypted", "event_id": "$e"}
            event |= {"room_id": "!r", "sender": "@ada:home.test", "content": {}}
            await bot.receive(event)
            assert bot.read == [event]
    finally:
        await storage.close()


async def test_a_device_that_is_refused_after_it_was_there_keeps_events_waiting(bot: Bot) -> None:
    bot.home.sender = BOT
    async with Bot(bot.home, bot.storage, bot.clock).running() as again:
        await again.until(lambda: bool(again.service.sync.problem))
        await again.receive(Friend(bot.home).says("hello"))
        await again.has(WaitingEvent, 1)
        assert again.read == []


# --- reading ------------------------------------------------------------------------------------


async def test_a_message_is_read_when_its_key_came_before_it(bot: Bot) -> None:
    ada = Friend(bot.home)
    ada.share()
    await bot.has(InboundSession, 1)
    await bot.receive(ada.says("hello"))
    await bot.until(lambda: bot.texts == ["hello"])
    [event] = bot.read
    assert (event["type"], event["event_id"], event["sender"]) == (
        "m.room.message",
        "$e",
        ada.user,
    )


async def test_a_message_whose_key_comes_later_is_opened_again_and_read(bot: Bot) -> None:
    ada = Friend(bot.home)
    key = ada.room_key()
    event = ada.says("hello")
    await bot.receive(event)
    await bot.has(WaitingEvent, 1)
    ada.tell("m.room_key", key)

    async def reopened() -> bool:
        return bool(await bot.storage.inbox.pending(0, 1))

    async with asyncio.timeout(20):
        while not await reopened():
            await bot.news.wait()
    [row] = await bot.storage.inbox.pending(0, 10)
    await bot.receive(json.loads(row.body))
    assert bot.texts == ["hello"]
    await bot.has_no(WaitingEvent)
    assert bot.wrote == []


async def test_the_relation_in_the_clear_counts_where_the_payload_has_none(bot: Bot) -> None:
    ada = Friend(bot.home)
    ada.share()
    await bot.has(InboundSession, 1)
    event = ada.says("hello")
    relation = {"rel_type": "m.thread", "event_id": "$root"}
    event["content"]["m.relates_to"] = relation
    await bot.receive(event)
    assert bot.read[0]["content"]["m.relates_to"] == relation


async def test_what_came_while_the_bot_was_down_is_read_after_its_start(bot: Bot) -> None:
    ada = Friend(bot.home)
    ada.begin()
    storage, home = bot.storage, bot.home
    key = ada.room_key()
    event = ada.says("hello")
    home.to_bot(ada.user, "m.room.encrypted", ada.sealed("m.room_key", key))
    async with Bot(home, storage, bot.clock).running() as again:
        await again.has(InboundSession, 1)
        await again.receive(event)
        assert again.texts == ["hello"]


async def test_the_same_event_may_be_read_again_and_its_replay_may_not(bot: Bot) -> None:
    ada = Friend(bot.home)
    ada.share()
    await bot.has(InboundSession, 1)
    event = ada.says("create a talk")
    await bot.receive(event)
    await bot.receive(event)
    assert len(bot.read) == 2
    await bot.receive({**event, "event_id": "$replayed"})
    assert len(bot.read) == 2
    assert len(await bot.storage.crypto.find(ReadMessage)) == 1
    assert await bot.storage.crypto.find(WaitingEvent) == []


async def test_a_message_for_another_room_is_not_read(bot: Bot) -> None:
    ada = Friend(bot.home)
    ada.share()
    await bot.has(InboundSession, 1)
    await bot.receive(ada.says("hello", room_id="!dm"))
    elsewhere = ada.says("hello", event="$2")
    payload_for_other = ada.says("end", event="$3", room_id="!other")
    payload_for_other["room_id"] = "!dm"
    await bot.receive(payload_for_other)
    await bot.receive({**elsewhere, "room_id": "!other"})
    assert bot.texts == ["hello"]


async def test_words_are_nobody_elses(bot: Bot) -> None:
    """Eve sends Ada's ciphertext, or a key under her own name, as somebody else."""
    ada, eve = Friend(bot.home), Friend(bot.home, "@eve:home.test")
    ada.share()
    await bot.has(InboundSession, 1)
    event = ada.says("make Eve the host")
    await bot.receive({**event, "sender": eve.user})
    assert bot.read == []
    eve.tell("m.room_key", {**eve.room_key()}, sender=ada.user)
    eve.share()
    await bot.has(InboundSession, 2)
    await bot.receive({**eve.says("I am Ada", "$2"), "sender": ada.user})
    assert bot.read == []


async def test_a_key_of_a_device_that_the_person_does_not_have_reads_nothing(bot: Bot) -> None:
    ada = Friend(bot.home)
    ada.share()
    await bot.has(InboundSession, 1)
    bot.home.friends[ada.user].clear()
    await bot.receive(ada.says("hello"))
    assert bot.read == []
    bot.home.friends[ada.user].append(ada)
    bot.home.changed.append(ada.user)
    bot.home.news.set()

    async with asyncio.timeout(20):
        while not await bot.storage.inbox.pending(0, 1):
            await bot.news.wait()


@pytest.mark.parametrize("type_", ["m.room.redaction", "m.room.encrypted"])
async def test_what_homeservers_must_see_means_nothing_inside(bot: Bot, type_: str) -> None:
    ada = Friend(bot.home)
    ada.share()
    await bot.has(InboundSession, 1)
    await bot.receive(ada.says("", type=type_, content={"redacts": "$x"}))
    assert bot.read == []


async def test_a_key_that_is_passed_on_is_not_taken(bot: Bot) -> None:
    ada, eve = Friend(bot.home), Friend(bot.home, "@eve:home.test")
    eve.tell("m.forwarded_room_key", {**ada.room_key(), "sender_key": ada.curve25519})
    eve.share()
    await bot.has(InboundSession, 1)
    [held] = await bot.storage.crypto.find(InboundSession)
    assert held.sender == eve.user


async def test_a_key_in_the_clear_is_not_taken(bot: Bot) -> None:
    ada = Friend(bot.home)
    bot.home.to_bot(ada.user, "m.room_key", ada.room_key("!clear"))
    ada.share()
    await bot.has(InboundSession, 1)
    [held] = await bot.storage.crypto.find(InboundSession)
    assert held.room == "!dm"


async def test_an_older_key_of_a_session_replaces_a_newer_one_and_not_the_other_way(
    bot: Bot,
) -> None:
    ada = Friend(bot.home)
    old = ada.room_key()
    first = ada.says("first", "$1")
    ada.says("second", "$2")
    ada.share()
    await bot.has(InboundSession, 1)
    ada.tell("m.room_key", old)
    ada.share("!other")
    await bot.has(InboundSession, 2)
    await bot.receive(first)
    assert bot.texts == ["first"]


GARBAGE: list[object] = [
    None,
    7,
    "text",
    [],
    {"algorithm": "m.megolm.v1.aes-sha2"},
    {"algorithm": "m.megolm.v1.aes-sha2", "session_id": "s", "ciphertext": "AAAA"},
    {"algorithm": "m.megolm.v1.aes-sha2", "session_id": "s" * 300, "ciphertext": "AAAA"},
    {"algorithm": "m.megolm.v2", "session_id": "s", "ciphertext": "AAAA"},
    {"algorithm": "m.megolm.v1.aes-sha2", "session_id": ["s"], "ciphertext": {"a": 1}},
]


@pytest.mark.parametrize("content", GARBAGE)
async def test_garbage_is_no_event_and_stops_nothing(bot: Bot, content: object) -> None:
    ada = Friend(bot.home)
    ada.share()
    await bot.has(InboundSession, 1)
    event = ada.says("hello")
    await bot.receive({**event, "event_id": "$g", "content": content})
    await bot.receive(event)
    assert [each["event_id"] for each in bot.read if each["type"] == "m.room.message"] == ["$e"]


# --- what is sent to the device -----------------------------------------------------------------


def hostile(ada: Friend) -> list[tuple[str, object]]:
    """To-device messages with garbage in every field."""
    good = dict(ada.sealed("m.room_key", ada.room_key()))
    [(curve, part)] = good["ciphertext"].items()
    encrypted = [
        {**good, "algorithm": 1},
        {**good, "sender_key": "x" * 300},
        {**good, "sender_key": "not base64 \ud800"},
        {**good, "sender_key": None},
        {**good, "ciphertext": []},
        {**good, "ciphertext": {curve: None}},
        {**good, "ciphertext": {curve: {**part, "type": 99}}},
        {**good, "ciphertext": {curve: {**part, "type": True}}},
        {**good, "ciphertext": {curve: {**part, "type": "0"}}},
        {**good, "ciphertext": {curve: {**part, "body": "?"}}},
        {**good, "ciphertext": {curve: {**part, "body": "A" * 1_000_000}}},
        {**good, "ciphertext": {curve: {**part, "body": 5}}},
        {},
    ]
    keys = [
        {**ada.room_key(), "session_key": "A" * 5000},
        {**ada.room_key(), "session_key": 4},
        {**ada.room_key(), "session_id": "other"},
        {**ada.room_key(), "room_id": 3},
        {**ada.room_key(), "room_id": "!" + "r" * 400},
        {**ada.room_key(), "algorithm": "m.megolm.v9"},
        {},
    ]
    return [
        *(("m.room.encrypted", each) for each in encrypted),
        *(("m.room.encrypted", ada.sealed("m.room_key", each)) for each in keys),
        ("m.room.encrypted", ada.sealed("m.room_key", ada.room_key(), recipient="@eve:x")),
        ("m.room.encrypted", ada.sealed("m.room_key", ada.room_key(), recipient_keys=7)),
        ("m.room.encrypted", ada.sealed("m.room_key", ada.room_key(), keys={"ed25519": []})),
        ("m.room.encrypted", ada.sealed("m.room_key", ada.room_key(), sender="@eve:x")),
        ("m.room_key.withheld", {"room_id": 1, "session_id": {}, "code": None}),
        ("m.room_key.withheld", {"code": "m.no_olm", "sender_key": {}}),
        ("m.room_key_request", {"body": 3}),
        ("", {}),
        ("m.dummy", 7),
    ]


async def test_garbage_in_any_field_is_passed_by(bot: Bot) -> None:
    ada, ben = Friend(bot.home), Friend(bot.home, "@ben:home.test")
    for type_, content in hostile(ada):
        bot.home.to_bot(ada.user, type_, cast("Any", content))
    bot.home.to_bot(cast("Any", {"a": 1}), "m.dummy", {})
    ben.share()
    await bot.has(InboundSession, 1)
    [held] = await bot.storage.crypto.find(InboundSession)
    assert held.sender == ben.user


async def test_a_flood_of_one_person_costs_them_alone(bot: Bot) -> None:
    eve, ben = Friend(bot.home, "@eve:home.test"), Friend(bot.home, "@ben:home.test")
    for _ in range(2 * limits.TO_DEVICE_BURST):
        bot.home.to_bot(eve.user, "m.dummy", {})
    ben.share()
    await bot.has(InboundSession, 1)
    numbers = await bot.service.numbers()
    assert numbers["to_device"] > 2 * limits.TO_DEVICE_BURST
    assert numbers["to_device_dropped"] >= limits.TO_DEVICE_BURST - 20


async def test_sessions_without_number_are_not_kept(bot: Bot) -> None:
    eve, ben = Friend(bot.home, "@eve:home.test"), Friend(bot.home, "@ben:home.test")
    for _ in range(limits.NEW_OLM_BURST + 20):
        eve.begin()
        eve.tell("m.dummy", {})
    ben.share()
    await bot.has(InboundSession, 1)
    await bot.has_at_most(OlmSession, limits.OLM_SESSIONS_PER_DEVICE + 1)
    assert len(await bot.storage.crypto.find(OlmSession, sender_key=ben.curve25519)) == 1


async def test_first_sessions_of_made_up_devices_without_number_are_not_begun(bot: Bot) -> None:
    for number in range(limits.NEW_OLM_KEYS_BURST + 10):
        Friend(bot.home, "@eve:far.test", f"D{number}").tell("m.dummy", {})
    Friend(bot.home, "@ben:home.test").share()
    await bot.has(InboundSession, 1)
    assert len(await bot.storage.crypto.find(OlmSession)) == limits.NEW_OLM_KEYS_BURST + 1


def withheld(session: str) -> dict[str, str]:
    """The content of `m.room_key.withheld`."""
    algorithm = "m.megolm.v1.aes-sha2"
    return {"algorithm": algorithm, "room_id": "!dm", "code": "m.x", "session_id": session}


async def test_words_that_keys_are_withheld_without_number_are_not_kept(bot: Bot) -> None:
    last = f"s{limits.WITHHELD_BURST + 19}"
    for number in range(limits.WITHHELD_BURST + 20):
        bot.home.to_bot("@eve:far.test", "m.room_key.withheld", withheld(f"s{number}"))
    Friend(bot.home, "@ben:home.test").share()
    await bot.has(InboundSession, 1)
    kept = {each.session for each in await bot.storage.crypto.find(Withheld)}
    assert len(kept) == limits.WITHHELD_BURST
    assert last not in kept


async def test_what_one_person_has_sent_is_bounded_the_oldest_goes(
    bot: Bot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(key_sync, "MEGOLM_PER_SENDER", 2)
    monkeypatch.setattr(key_sync, "WITHHELD_PER_SENDER", 2)
    eve = Friend(bot.home, "@eve:far.test")
    for number in range(5):
        bot.home.to_bot(eve.user, "m.room_key.withheld", withheld(f"s{number}"))
        eve.share(f"!r{number}")
    Friend(bot.home, "@ben:home.test").share()
    await bot.until(lambda: not bot.home.inbox)
    bot.home.to_bot(eve.user, "m.dummy", {})
    await bot.until(lambda: not bot.home.inbox)
    await bot.has_at_most(Withheld, 2)
    await bot.has_at_most(InboundSession, 3)
    held = await bot.storage.crypto.find(InboundSession, sender=eve.user)
    assert [each.room for each in held] == ["!r3", "!r4"]
    assert [each.session for each in await bot.storage.crypto.find(Withheld)] == ["s3", "s4"]


async def test_a_broken_session_is_replaced_once(bot: Bot) -> None:
    ada = Friend(bot.home)
    ada.share()
    await bot.has(InboundSession, 1)
    sealed = dict(ada.sealed("m.dummy", {}))
    [(curve, part)] = sealed["ciphertext"].items()
    body = part["body"][:-8] + "AAAAAAAA"
    broken = {**sealed, "ciphertext": {curve: {**part, "body": body}}}
    bot.home.to_bot(ada.user, "m.room.encrypted", broken)
    await bot.until(lambda: any(type_ == "m.room.encrypted" for type_, _ in bot.home.sent))
    bot.home.to_bot(ada.user, "m.room.encrypted", broken)
    await bot.until(lambda: bot.service.sync.counts["broken"] == 2)
    ada.share("!other")
    await bot.has(InboundSession, 2)
    assert len([type_ for type_, _ in bot.home.sent if type_ == "m.room.encrypted"]) == 1


# --- what waits ---------------------------------------------------------------------------------


async def test_a_key_is_asked_for_and_then_the_sender_is_told_once(bot: Bot) -> None:
    ada = Friend(bot.home)
    for number in range(5):
        await bot.receive(ada.says(f"hello {number}", f"${number}"))
    bot.clock.ms += limits.WAITING_ANSWERED_AFTER_MS
    await bot.receive(ada.says("hello", "$last"))
    await bot.until(lambda: bool(bot.wrote))
    [(room, text)] = bot.wrote
    assert room == "!dm"
    assert "Please send your message again" in text
    await bot.until(lambda: any(type_ == "m.room_key_request" for type_, _ in bot.home.sent))
    [asked] = [each for type_, each in bot.home.sent if type_ == "m.room_key_request"]
    body = asked[ada.user]["*"]["body"]
    assert body["session_id"] == ada.group.session_id
    await bot.has(WaitingEvent, 6, is_answered=True)
    assert len(bot.wrote) == 1


async def test_a_key_that_is_withheld_is_answered_with_why(bot: Bot) -> None:
    ada = Friend(bot.home)
    event = ada.says("hello")
    content = {"algorithm": "m.megolm.v1.aes-sha2", "room_id": "!dm", "code": "m.unverified"}
    content |= {"session_id": ada.group.session_id, "sender_key": ada.curve25519}
    bot.home.to_bot(ada.user, "m.room_key.withheld", content)
    await bot.has(Withheld, 1)
    await bot.receive(event)
    bot.clock.ms += limits.WAITING_ANSWERED_AFTER_MS
    await bot.receive(ada.says("again", "$2"))
    await bot.until(lambda: bool(bot.wrote))
    assert "only to verified devices" in bot.wrote[0][1]


async def test_one_person_cannot_fill_what_waits(bot: Bot) -> None:
    eve, ada = Friend(bot.home, "@eve:home.test"), Friend(bot.home)
    for number in range(limits.WAITING_PER_SENDER + 10):
        await bot.receive(eve.says("?", f"${number}"))
    await bot.receive(ada.says("hello", "$ada"))
    waiting = await bot.storage.crypto.find(WaitingEvent)
    assert len(waiting) == limits.WAITING_PER_SENDER + 1
    assert waiting[-1].sender == ada.user


async def test_a_crowd_is_told_rarely(bot: Bot) -> None:
    for number in range(4):
        friend = Friend(bot.home, f"@a{number}:home.test")
        await bot.receive(friend.says("?", f"${number}", room="!crowd"))
    bot.clock.ms += limits.WAITING_ANSWERED_AFTER_MS
    await bot.receive(Friend(bot.home, "@b:home.test").says("?", "$b", room="!dm"))
    bot.clock.ms += limits.WAITING_ANSWERED_AFTER_MS
    await bot.receive(Friend(bot.home, "@c:home.test").says("?", "$c", room="!crowd"))
    await bot.until(lambda: "!dm" in [room for room, _ in bot.wrote])
    assert [room for room, _ in bot.wrote].count("!crowd") == 1


# --- outages ------------------------------------------------------------------------------------


async def test_a_homeserver_that_is_away_is_waited_for(bot: Bot) -> None:
    ada = Friend(bot.home)
    ada.begin()
    bot.home.failure["sync"] = Away("gone", unreached=True)
    ada.share()
    await bot.until(lambda: bot.home.calls.count("POST sync") > 1)
    del bot.home.failure["sync"]
    bot.service.homeserver_back()
    await bot.has(InboundSession, 1)


async def test_a_position_that_is_forgotten_is_begun_anew(bot: Bot) -> None:
    ada = Friend(bot.home)
    ada.share()
    await bot.has(InboundSession, 1)
    bot.home.failure["sync"] = RequestRefused(400, "M_UNKNOWN_POS", "expired")
    ada.share("!2")
    await bot.until(lambda: not bot.service.sync._position)
    del bot.home.failure["sync"]
    bot.service.homeserver_back()
    await bot.has(InboundSession, 2)


async def test_a_batch_that_cannot_be_stored_comes_again(
    bot: Bot, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One-time keys that were used up in memory alone are there again."""
    ada = Friend(bot.home)
    whole = bot.storage.crypto.apply
    failed: list[object] = []

    async def failing(put: Any = (), drop: Any = ()) -> None:  # noqa: ANN401
        if not failed and any(isinstance(each, SyncPosition) for each in put):
            failed.append(put)
            raise StorageError("the disk is full")
        await whole(put, drop)

    monkeypatch.setattr(bot.storage.crypto, "apply", failing)
    ada.share()
    await bot.until(lambda: bool(failed))
    bot.service.homeserver_back()
    await bot.has(InboundSession, 1)
    assert (await bot.service.numbers())["broken_sessions"] == 0


async def test_a_batch_of_which_the_store_can_read_nothing_comes_again(
    bot: Bot, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One-time keys are used up in memory before the store fails, and are there again."""
    ada = Friend(bot.home)
    whole = bot.storage.crypto.find
    failed: list[object] = []

    async def failing(kind: Any, **fields: Any) -> Any:  # noqa: ANN401
        if not failed and kind is InboundSession:
            failed.append(kind)
            raise StorageError("the disk is away")
        return await whole(kind, **fields)

    monkeypatch.setattr(bot.storage.crypto, "find", failing)
    ada.share()
    await bot.until(lambda: bool(failed))
    bot.service.homeserver_back()
    await bot.has(InboundSession, 1)
    assert (await bot.service.numbers())["broken_sessions"] == 0
