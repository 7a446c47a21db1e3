"""Encryption's records on both databases: together or not at all, and found as they went in."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace

import pytest

from spaces_bridge.app.crypto_ports import (
    CryptoRecord,
    EncryptedRoom,
    InboundSession,
    KeyShare,
    KnownDevice,
    KnownUser,
    OlmSession,
    OutboundSession,
    OwnDevice,
    OwnIdentity,
    QueuedToDevice,
    ReadMessage,
    SyncPosition,
    VerifiedIdentity,
    WaitingEvent,
    Withheld,
)
from spaces_bridge.app.errors import StorageError
from spaces_bridge.core.ids import EventId, RoomId, UserId
from spaces_bridge.storage.crypto import TABLES
from spaces_bridge.storage.storage import Storage
from tests.storage.support import opened

pytestmark = pytest.mark.peers

BOT, EVE, ROOM = UserId("@bot:x"), UserId("@eve:x"), RoomId("!room")
HOSTILE = "\x00 \x1a0000 \ud800 '; SELECT 1; -- $1 ?1 % \\ \r\n \U0001f44b"
DEVICE = OwnDevice(BOT, "SPACESABC", "pickle", False, 5)
IDENTITY = OwnIdentity("m", "s", "u", "seeds", False)
OLM = OlmSession("curve", "olm", "pickle", 1, 2)
INBOUND = InboundSession(ROOM, "megolm", "curve", "ed", EVE, "pickle", 0, 3)
READ = ReadMessage("megolm", "curve", 0, EventId("$e"), 4)
WAITING = WaitingEvent(EventId("$e"), ROOM, EVE, "megolm", '{"a": 1}', 5)
WITHHELD = Withheld(ROOM, "megolm", EVE, "m.unverified", 6)
QUEUED = QueuedToDevice("t1", "m.dummy", {"@a:x": {"D": {"n": [1, "ä"]}}}, 7)
ENCRYPTED = EncryptedRoom(ROOM, {"algorithm": "m.megolm.v1.aes-sha2"})
VERIFIED = VerifiedIdentity(EVE, "master", 8)
PERSON = KnownUser(EVE, "m", "s", {"keys": {"ed25519:m": "m"}}, is_outdated=True, asked_at_ms=9)
PHONE = KnownDevice(EVE, "PHONE", "curve", "ed", is_cross_signed=True)
OUTBOUND = OutboundSession(ROOM, "megolm", "pickle", 3, 10)
SHARE = KeyShare("megolm", EVE, "PHONE", "curve", 2, "")
EACH: Sequence[CryptoRecord] = (
    DEVICE,
    IDENTITY,
    SyncPosition("pos"),
    OLM,
    INBOUND,
    READ,
    WAITING,
    WITHHELD,
    QUEUED,
    ENCRYPTED,
    VERIFIED,
    PERSON,
    PHONE,
    OUTBOUND,
    SHARE,
)


def test_each_kind_of_record_is_tried_here() -> None:
    assert {type(record) for record in EACH} <= {table.kind for table in TABLES}
    assert len({type(record) for record in EACH}) == len(EACH)


async def test_each_record_is_kept_found_and_dropped(url: str) -> None:
    async with opened(url) as storage:
        for record in EACH:
            assert await storage.crypto.find(type(record)) == []
        await storage.crypto.apply(EACH)
    async with opened(url) as storage:
        for record in EACH:
            assert await storage.crypto.find(type(record)) == [record]
        await storage.crypto.apply(drop=EACH)
        for record in EACH:
            assert await storage.crypto.find(type(record)) == []


async def test_a_record_replaces_the_one_with_its_key(storage: Storage) -> None:
    later: Sequence[CryptoRecord] = (
        replace(DEVICE, device="SPACESXYZ", is_published=True),
        SyncPosition("later"),
        replace(OLM, pickle="advanced", used_at_ms=9),
        replace(INBOUND, first_index=7),
        replace(WAITING, is_answered=True),
        replace(ENCRYPTED, content={"algorithm": "newer"}),
    )
    await storage.crypto.apply(EACH)
    await storage.crypto.apply(later)
    for record in later:
        assert await storage.crypto.find(type(record)) == [record]


async def test_records_with_other_keys_stay_beside_each_other_in_order(storage: Storage) -> None:
    many = [
        replace(QUEUED, txn=f"t{number}", created_at_ms=-number) for number in (3, 1, 2, 11, 10)
    ]
    await storage.crypto.apply(many)
    assert await storage.crypto.find(QueuedToDevice) == many
    await storage.crypto.apply(drop=[many[1]])
    assert await storage.crypto.find(QueuedToDevice) == [many[0], *many[2:]]


async def test_records_are_found_by_their_fields(storage: Storage) -> None:
    others = [replace(INBOUND, sender_key="2"), replace(INBOUND, room=RoomId("!2"))]
    await storage.crypto.apply([INBOUND, *others])
    found = await storage.crypto.find(InboundSession, room=ROOM, session="megolm")
    assert found == [INBOUND, others[0]]
    assert await storage.crypto.find(InboundSession, sender=BOT) == []
    await storage.crypto.apply([WAITING, replace(WAITING, event=EventId("$2"), is_answered=True)])
    [open_one] = await storage.crypto.find(WaitingEvent, is_answered=False)
    assert open_one == WAITING
    with pytest.raises(TypeError, match="OlmSession has no mood"):
        await storage.crypto.find(OlmSession, mood="good")


async def test_odd_texts_come_back_as_they_were(storage: Storage) -> None:
    odd: list[CryptoRecord] = [
        replace(WAITING, event=EventId(HOSTILE), sender=UserId(HOSTILE), body=HOSTILE),
        replace(QUEUED, txn=HOSTILE, messages={HOSTILE: {HOSTILE: HOSTILE}}),
    ]
    await storage.crypto.apply(odd)
    for record in odd:
        assert await storage.crypto.find(type(record)) == [record]
    await storage.crypto.apply(drop=odd)
    assert await storage.crypto.find(WaitingEvent) == []


async def test_what_belongs_together_is_stored_together_or_not_at_all(storage: Storage) -> None:
    await storage.crypto.apply([OLM])
    too_large = replace(INBOUND, first_index=1 << 70)
    with pytest.raises(StorageError):
        await storage.crypto.apply(
            [replace(OLM, pickle="advanced"), SyncPosition("p"), too_large], [OLM]
        )
    assert await storage.crypto.find(OlmSession) == [OLM]
    assert await storage.crypto.find(SyncPosition) == []


async def test_transactions_side_by_side_leave_one_whole(storage: Storage) -> None:
    await asyncio.gather(
        *(
            storage.crypto.apply([replace(OLM, pickle=str(n)), SyncPosition(str(n))])
            for n in range(20)
        )
    )
    [session] = await storage.crypto.find(OlmSession)
    [position] = await storage.crypto.find(SyncPosition)
    assert session.pickle == position.position


async def test_olm_sessions_of_many_devices_come_last_used_first(storage: Storage) -> None:
    sessions = [
        replace(OLM, sender_key=f"curve{device}", session=str(used), used_at_ms=used)
        for device in range(250)
        for used in (1, 3, 2)
    ]
    await storage.crypto.apply(sessions)
    keys = [f"curve{device}" for device in range(250)]
    found = await storage.crypto.olm_sessions_of([*keys, *keys, "nobody"])
    assert len(found) == 750
    for key in keys:
        assert [s.used_at_ms for s in found if s.sender_key == key] == [3, 2, 1]
    await storage.crypto.trim_olm_sessions("curve7", 2)
    left = await storage.crypto.olm_sessions_of(["curve7", "curve8"])
    assert sorted(s.used_at_ms for s in left if s.sender_key == "curve7") == [2, 3]
    assert len([s for s in left if s.sender_key == "curve8"]) == 3


async def test_the_last_of_what_somebody_sent_stays(storage: Storage) -> None:
    others: list[CryptoRecord] = [replace(INBOUND, sender=BOT), replace(WITHHELD, sender=BOT)]
    keys = [replace(INBOUND, session=f"s{n}", received_at_ms=n) for n in (3, 1, 2, 4)]
    words = [replace(WITHHELD, session=f"s{n}", received_at_ms=5) for n in range(4)]
    await storage.crypto.apply([*others, *keys, *words])
    for _ in range(2):
        await storage.crypto.trim_sent(InboundSession, EVE, 2)
        await storage.crypto.trim_sent(Withheld, EVE, 2)
    assert await storage.crypto.find(InboundSession) == [others[0], keys[0], keys[3]]
    assert await storage.crypto.find(Withheld) == [others[1], *words[2:]]


async def test_words_that_a_key_is_withheld_go_sooner_than_the_rest(storage: Storage) -> None:
    later = replace(WITHHELD, session="later", received_at_ms=60)
    await storage.crypto.apply([WITHHELD, later, INBOUND])
    await storage.crypto.prune(0, 50)
    assert await storage.crypto.find(Withheld) == [later]
    assert await storage.crypto.find(InboundSession) == [INBOUND]


async def test_what_is_old_goes_and_a_read_message_goes_with_its_session(
    storage: Storage,
) -> None:
    young = replace(INBOUND, session="young", received_at_ms=100)
    kept = replace(READ, session="young")
    await storage.crypto.apply([*EACH, young, kept])
    await storage.crypto.prune(50, 50)
    for kind in (OlmSession, WaitingEvent, Withheld, QueuedToDevice):
        assert await storage.crypto.find(kind) == []
    assert await storage.crypto.find(InboundSession) == [young]
    assert await storage.crypto.find(ReadMessage) == [kept], "its session can still read it"
    assert await storage.crypto.find(OwnDevice) == [DEVICE]
    assert await storage.crypto.find(EncryptedRoom) == [ENCRYPTED]


async def test_a_device_is_forgotten_with_all_that_only_it_could_use(storage: Storage) -> None:
    await storage.crypto.apply(EACH)
    await storage.crypto.forget_device()
    left = {name for name, count in (await storage.crypto.counts()).items() if count}
    assert left == {"waiting", "rooms", "verified", "users", "known_devices"}


async def test_records_are_found_among_many_values(storage: Storage) -> None:
    people = [UserId(f"@p{number}:x") for number in range(250)]
    phones = [replace(PHONE, user=user) for user in people]
    await storage.crypto.apply([*phones, PHONE])
    found = await storage.crypto.find_among(KnownDevice, "user", [*people, "@nobody:x"])
    assert found == phones


async def test_who_got_a_key_is_kept_for_as_long_as_its_session(storage: Storage) -> None:
    later = replace(OUTBOUND, room=RoomId("!other"), session="second", created_at_ms=20)
    kept = replace(SHARE, session="second")
    await storage.crypto.apply([OUTBOUND, later, SHARE, kept])
    await storage.crypto.prune(15, 0)
    assert await storage.crypto.find(OutboundSession) == [later]
    assert await storage.crypto.find(KeyShare) == [kept]
