"""Other people's devices: asked for once, followed, and believed only as far as they sign."""

import asyncio
from collections.abc import Collection, Sequence
from typing import Any

import pytest

from spaces_bridge.app.crypto_ports import KnownDevice, KnownUser
from spaces_bridge.app.errors import StorageError
from spaces_bridge.core.ids import UserId
from spaces_bridge.matrix.client.errors import Away
from spaces_bridge.matrix.crypto import device_lists, peer_keys
from spaces_bridge.matrix.crypto.device_lists import REST_MS, DeviceLists
from spaces_bridge.matrix.crypto.peer_keys import DEVICES_LOOKED_AT, DEVICES_PER_USER_MAX
from spaces_bridge.matrix.crypto.slow_servers import SLOW_MS, SLOW_REST_MS
from tests.storage.support import SetClock
from tests.support.crypto_peers import Identity, KeyServer, MemoryCrypto, Peer, SigningKey

pytestmark = pytest.mark.unit

EVE = UserId("@eve:home")


def lists_of(
    server: KeyServer, store: MemoryCrypto | None = None, clock: SetClock | None = None
) -> DeviceLists:
    return DeviceLists(server, store or MemoryCrypto(), clock or SetClock())


async def names(lists: DeviceLists, user: UserId = EVE) -> list[str]:
    return [device.device for device in (await lists.devices_of([user]))[user]]


async def test_people_are_asked_for_once_until_the_homeserver_says_they_changed() -> None:
    server = KeyServer(Peer(EVE))
    lists = lists_of(server)
    assert await names(lists) == ["PHONE"]
    server.peers.append(Peer(EVE, "LAPTOP"))
    assert await names(lists) == ["PHONE"]
    await lists.changed([EVE])
    assert await names(lists) == ["LAPTOP", "PHONE"]
    assert len(server.asked) == 2


async def test_a_restart_asks_nobody_again_but_those_who_changed() -> None:
    server, store = KeyServer(Peer(EVE), Peer("@ben:home")), MemoryCrypto()
    first = lists_of(server, store)
    await first.devices_of([EVE, UserId("@ben:home")])
    await first.changed([EVE])
    server.asked.clear()
    again = lists_of(server, store)
    await again.devices_of([EVE, UserId("@ben:home")])
    assert server.asked == [[EVE]]


async def test_a_change_while_somebody_is_asked_for_is_not_lost() -> None:
    server = KeyServer(Peer(EVE))
    lists = lists_of(server)
    ask = server.call

    async def changing(method: str, path: Sequence[str], body: Any = None) -> Any:  # noqa: ANN401
        answer = await ask(method, path, body)
        server.peers.append(Peer(EVE, "LAPTOP"))
        server.call = ask  # type: ignore[method-assign]  # once
        await lists.changed([EVE])
        return answer

    server.call = changing  # type: ignore[method-assign]  # in the middle of the request
    assert await names(lists) == ["PHONE"]
    assert await names(lists) == ["LAPTOP", "PHONE"]


async def test_who_left_is_forgotten() -> None:
    server, store = KeyServer(Peer(EVE)), MemoryCrypto()
    lists = lists_of(server, store)
    await names(lists)
    await lists.changed([], [EVE])
    assert await store.find(KnownUser) == await store.find(KnownDevice) == []


async def test_after_a_gap_everybody_is_asked_for_again() -> None:
    server, store = KeyServer(Peer(EVE)), MemoryCrypto()
    await names(lists_of(server, store))
    lists = lists_of(server, store)
    await lists.all_changed()
    await names(lists)
    assert len(server.asked) == 2


async def test_a_server_that_does_not_answer_rests() -> None:
    far = UserId("@far:away")
    server, clock = KeyServer(Peer(far)), SetClock()
    server.failures.add("away")
    lists = lists_of(server, clock=clock)
    assert await names(lists, far) == []
    assert await names(lists, far) == []
    assert len(server.asked) == 1
    server.failures.clear()
    clock.ms += REST_MS + 1
    assert await names(lists, far) == ["PHONE"]


async def test_a_device_cannot_change_its_keys() -> None:
    phone, other = Peer(EVE), Peer(EVE)
    server = KeyServer(phone)
    lists = lists_of(server)
    [before] = (await lists.devices_of([EVE]))[EVE]
    server.peers = [other]
    await lists.changed([EVE])
    [after] = (await lists.devices_of([EVE]))[EVE]
    assert (after.curve25519, after.ed25519) == (before.curve25519, before.ed25519)


async def test_a_device_that_is_gone_is_dropped_and_told_of() -> None:
    phone, told = Peer(EVE), list[Collection[UserId]]()
    server, store = KeyServer(phone), MemoryCrypto()
    lists = lists_of(server, store)
    await names(lists)
    lists.on_change(told.append)
    server.remove(phone)
    await lists.changed([EVE])
    assert await names(lists) == []
    assert await store.find(KnownDevice) == []
    assert [list(users) for users in told] == [[EVE], [EVE]]


async def test_devices_must_sign_their_own_keys() -> None:
    forged = Peer(EVE).keys()
    forged["keys"]["curve25519:PHONE"] = Peer(EVE).account.curve25519_key.to_base64()
    unsigned = {**Peer(EVE, "B").keys(), "signatures": {}}
    lent = Peer("@mallory:home", "C").keys()
    odd: list[Any] = [None, [], {"user_id": EVE}, {**Peer(EVE, "D").keys(), "algorithms": "x"}]
    server = KeyServer()
    devices = {"PHONE": forged, "B": unsigned, "C": lent, "": Peer(EVE, "").keys()}
    server.extra[EVE] = devices | {f"ODD{n}": keys for n, keys in enumerate(odd)}
    assert await names(lists_of(server)) == []


async def test_a_device_is_cross_signed_by_its_owners_own_key_alone() -> None:
    eves, mallorys = Identity(EVE), Identity(EVE)
    server = KeyServer(Peer(EVE, "GOOD", eves), Peer(EVE, "PLAIN"))
    stranger = Peer(EVE, "STRANGER", mallorys)
    server.extra[EVE] = {"STRANGER": stranger.keys()}
    lists = lists_of(server)
    devices = {d.device: d for d in (await lists.devices_of([EVE]))[EVE]}
    vouched = {name: device.is_cross_signed for name, device in devices.items()}
    assert vouched == {"GOOD": True, "PLAIN": False, "STRANGER": False}
    identity = await lists.identity_of(EVE)
    assert identity is not None
    assert identity.master == eves.master.public
    assert identity.master_keys == eves.master_keys()


async def test_a_self_signing_key_that_the_master_did_not_sign_vouches_for_nothing() -> None:
    identity, forger = Identity(EVE), SigningKey()
    server = KeyServer(Peer(EVE, "PHONE", identity))
    identity_keys = identity.self_signing_keys()
    identity_keys["signatures"] = {EVE: {f"ed25519:{identity.master.public}": forger.sign(b"x")}}
    identity.self_signing_keys = lambda: identity_keys  # type: ignore[method-assign]
    [device] = (await lists_of(server).devices_of([EVE]))[EVE]
    assert not device.is_cross_signed


async def test_what_somebody_adds_to_their_master_key_is_not_kept() -> None:
    identity = Identity(EVE)
    plain = identity.master_keys()
    padded = {**plain, "org.example.more": "x" * 60_000, "signatures": {EVE: {"x": "y" * 60_000}}}
    identity.master_keys = lambda: padded  # type: ignore[method-assign]
    store = MemoryCrypto()
    lists = lists_of(KeyServer(Peer(EVE, "PHONE", identity)), store)
    await lists.devices_of([EVE])
    assert [user.master_keys for user in await store.find(KnownUser)] == [plain]


@pytest.mark.parametrize("usage", [["master"] * 60_000, ["master", "x" * 60_000], ["master", {}]])
async def test_a_master_key_of_endless_usages_is_none(usage: list[object]) -> None:
    identity = Identity(EVE)
    odd = {**identity.master_keys(), "usage": usage}
    identity.master_keys = lambda: odd  # type: ignore[method-assign]
    store = MemoryCrypto()
    lists = lists_of(KeyServer(Peer(EVE, "PHONE", identity)), store)
    await lists.devices_of([EVE])
    assert [(user.master, user.master_keys) for user in await store.find(KnownUser)] == [("", {})]


async def test_another_identity_is_told_of_once() -> None:
    told: list[tuple[UserId, str, str]] = []
    old, new = Identity(EVE), Identity(EVE)
    phone = Peer(EVE, "PHONE", old)
    lists = lists_of(KeyServer(phone))
    lists.on_identity_change(lambda *change: told.append(change))
    await lists.identity_of(EVE)
    assert told == []
    phone.identity = new
    await lists.refresh([EVE])
    await lists.refresh([EVE])
    assert told == [(EVE, old.master.public, new.master.public)]


async def test_somebody_with_very_many_devices_has_some() -> None:
    server = KeyServer(*(Peer(EVE, f"D{number:03}") for number in range(DEVICES_PER_USER_MAX + 5)))
    assert len(await names(lists_of(server))) == DEVICES_PER_USER_MAX


@pytest.mark.parametrize(
    ("good", "bad", "looked_at"),
    [
        (DEVICES_PER_USER_MAX + 5, 0, DEVICES_PER_USER_MAX),
        (1, 2 * DEVICES_LOOKED_AT, DEVICES_LOOKED_AT),
    ],
)
async def test_no_more_signatures_are_checked_than_there_is_use_for(
    monkeypatch: pytest.MonkeyPatch, good: int, bad: int, looked_at: int
) -> None:
    checked: list[str] = []
    whole = peer_keys.device_from

    def counted(user: UserId, name: str, keys: object, owner: KnownUser) -> KnownDevice | None:
        checked.append(name)
        return whole(user, name, keys, owner)

    monkeypatch.setattr(peer_keys, "device_from", counted)
    server = KeyServer(*(Peer(EVE, f"A{number:03}") for number in range(good)))
    server.extra[EVE] = {f"BAD{number:04}": {} for number in range(bad)}
    assert len(await names(lists_of(server))) == min(good, DEVICES_PER_USER_MAX)
    assert len(checked) == looked_at


async def test_a_crowd_is_asked_for_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(device_lists, "USERS_AT_ONCE", 2)
    people = [UserId(f"@p{number}:home") for number in range(5)]
    server = KeyServer(*map(Peer, people))
    found = await lists_of(server).devices_of(people)
    assert [len(asked) for asked in server.asked] == [2, 2, 1]
    assert all(found[user] for user in people)


async def test_a_glance_is_not_kept() -> None:
    server, store = KeyServer(Peer(EVE)), MemoryCrypto()
    lists = lists_of(server, store)
    assert [device.device for device in await lists.glance_at(EVE)] == ["PHONE"]
    assert await store.find(KnownUser) == []


async def test_an_outage_is_no_answer() -> None:
    server = KeyServer(Peer(EVE))
    server.away = Away("gone")
    lists = lists_of(server)
    with pytest.raises(Away):
        await lists.devices_of([EVE])
    server.away = None
    assert await names(lists) == ["PHONE"]


async def test_what_could_not_be_stored_is_not_believed() -> None:
    store = MemoryCrypto()
    lists = lists_of(KeyServer(Peer(EVE)), store)
    store.failure = StorageError("full")
    with pytest.raises(StorageError):
        await lists.devices_of([EVE])
    store.failure = None
    assert await names(lists) == ["PHONE"]
    assert len(await store.find(KnownDevice)) == 1


async def test_many_who_want_to_know_ask_once() -> None:
    server = KeyServer(Peer(EVE))
    lists = lists_of(server)
    await asyncio.gather(*(lists.devices_of([EVE]) for _ in range(10)))
    assert len(server.asked) == 1


# --- slow servers -------------------------------------------------------------------------------

FAR = UserId("@far:slow")


def takes(server: KeyServer, clock: SetClock, ms: int, name: str = "slow") -> None:
    """Have every request that asks for somebody of the server `name` take so long."""
    ask = server.call

    async def slowly(method: str, path: Sequence[str], body: Any = None) -> Any:  # noqa: ANN401
        if any(user.endswith(f":{name}") for user in body["device_keys"]):
            clock.ms += ms
        return await ask(method, path, body)

    server.call = slowly  # type: ignore[method-assign]  # as if it had waited


async def test_a_request_to_a_slow_server_keeps_nobody_elses_devices_back() -> None:
    server, held = KeyServer(Peer(EVE), Peer(FAR)), asyncio.Event()
    ask = server.call

    async def holding(method: str, path: Sequence[str], body: Any = None) -> Any:  # noqa: ANN401
        if FAR in body["device_keys"]:
            await held.wait()
        return await ask(method, path, body)

    server.call = holding  # type: ignore[method-assign]  # a server that does not answer yet
    lists = lists_of(server)
    slow = asyncio.ensure_future(lists.refresh([FAR]))
    async with asyncio.timeout(10):
        await asyncio.sleep(0)
        assert await names(lists) == ["PHONE"]
        held.set()
        await slow
    assert await names(lists, FAR) == ["PHONE"]


async def test_a_slow_server_rests_though_its_people_change() -> None:
    server, clock = KeyServer(Peer(FAR)), SetClock()
    takes(server, clock, SLOW_MS + 1)
    lists = lists_of(server, clock=clock)
    await lists.refresh([FAR])
    await lists.changed([FAR])
    await lists.refresh([FAR])
    assert await names(lists, FAR) == ["PHONE"]
    assert len(server.asked) == 1
    assert lists.asked_again_at_ms([FAR]) == clock.ms + SLOW_REST_MS
    clock.ms += SLOW_REST_MS
    await lists.refresh([FAR])
    assert len(server.asked) == 2


async def test_asking_anew_heeds_that_a_server_did_not_answer() -> None:
    server, clock = KeyServer(Peer(FAR)), SetClock()
    server.failures.add("slow")
    lists = lists_of(server, clock=clock)
    await lists.refresh([FAR])
    await lists.refresh([FAR])
    assert len(server.asked) == 1


async def test_who_was_in_a_slow_request_is_asked_alone_and_the_slow_one_rests() -> None:
    ben = UserId("@ben:fast")
    server, clock = KeyServer(Peer(EVE), Peer(ben), Peer(FAR)), SetClock()
    takes(server, clock, SLOW_MS + 1)
    lists = lists_of(server, clock=clock)
    await lists.refresh([EVE, FAR, ben])
    server.asked.clear()
    await lists.refresh([EVE, FAR, ben])
    assert server.asked == [[EVE], [FAR], [ben]]
    server.asked.clear()
    await lists.refresh([EVE, FAR, ben])
    assert server.asked == [[EVE, ben]]
