"""Verified people: whose keys are verified, what is signed, and who has another identity later."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from vodozemac import Account

from spaces_bridge.app.crypto_ports import CryptoStore, VerifiedIdentity
from spaces_bridge.core.ids import UserId
from spaces_bridge.matrix.client.errors import RequestRefused
from spaces_bridge.matrix.crypto.account import OwnAccount
from spaces_bridge.matrix.crypto.cross_signing import CrossSigning
from spaces_bridge.matrix.crypto.device_lists import DeviceLists
from spaces_bridge.matrix.crypto.signatures import is_signed
from spaces_bridge.matrix.verification.endorsing import ListedKeys, VerifiedIdentities
from spaces_bridge.matrix.verification.needs import PeerKeys
from spaces_bridge.storage.storage import open_storage
from spaces_bridge_demo.patience import PATIENCE_S
from tests.matrix.verifying import HandSetClock

pytestmark = pytest.mark.peers

ANN, BOT = UserId("@ann:example.org"), UserId("@bot:example.org")


class Person:
    """A person with one device and cross-signing keys, as a homeserver shows them."""

    def __init__(self) -> None:
        self.device = OwnAccount(ANN, "HERS", Account(), secrets.token_bytes(32), 0)
        self.cross_signing = CrossSigning.new()
        self.extra: dict[str, Mapping[str, Any]] = {}

    @property
    def master(self) -> str:
        return self.cross_signing.public("master")

    def add_device_named(self, name: str) -> None:
        device = OwnAccount(ANN, name, Account(), secrets.token_bytes(32), 0)
        self.extra[name] = device.device_keys

    def answer(self) -> Mapping[str, Any]:
        keys = self.cross_signing.upload(ANN)
        vouched = self.cross_signing.sign("self_signing", self.device.device_keys, ANN)
        return {
            "device_keys": {ANN: {"HERS": vouched, **self.extra}},
            "master_keys": {ANN: keys["master_key"]},
            "self_signing_keys": {ANN: keys["self_signing_key"]},
        }


class Homeserver:
    """Answers `keys/query`, and takes the bot's signatures."""

    def __init__(self) -> None:
        self.ann: Person | None = Person()
        self.signatures: list[Mapping[str, Any]] = []
        self.refuses = False
        self.bot = CrossSigning.new()

    async def call(
        self, _method: str, path: Sequence[str], _body: Mapping[str, Any] | None = None
    ) -> Any:  # noqa: ANN401 - JSON
        assert list(path) == ["keys", "query"]
        return self.ann.answer() if self.ann is not None else {}

    def sign_user(self, master: Mapping[str, Any]) -> dict[str, Any]:
        return self.bot.sign("user_signing", master, BOT)

    async def upload_signatures(self, body: Mapping[str, Any]) -> None:
        if self.refuses:
            raise RequestRefused(400, "M_INVALID_SIGNATURE", "no")
        self.signatures.append(body)


class World:
    def __init__(self, store: CryptoStore) -> None:
        self.homeserver = Homeserver()
        self.store = store
        self.lists = DeviceLists(self.homeserver, store, HandSetClock())
        self.keys = ListedKeys(self.lists)
        self.told: list[tuple[UserId, str]] = []
        self.was_told = asyncio.Event()

        async def tell(user: UserId, text: str, _key: str) -> None:
            self.told.append((user, text))
            self.was_told.set()

        self.people = VerifiedIdentities(self.lists, self.homeserver, store, tell, HandSetClock())

    @property
    def ann(self) -> Person:
        assert self.homeserver.ann is not None
        return self.homeserver.ann

    async def verified(self) -> list[tuple[UserId, str]]:
        return [(v.user, v.master) for v in await self.store.find(VerifiedIdentity)]

    async def sees_ann_anew(self) -> None:
        """The homeserver says that her keys are others now; nobody asks for them."""
        await self.lists.changed([ANN])
        await self.people.look()


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    storage = await open_storage(f"sqlite:{tmp_path / 'keys.db'}", HandSetClock())
    try:
        yield World(storage.crypto)
    finally:
        await storage.close()


async def test_what_is_verified_are_the_keys_that_the_homeserver_shows(world: World) -> None:
    found = await world.keys.keys_of(ANN, "HERS")
    assert found == PeerKeys(world.ann.device.ed25519, world.ann.master)
    assert await world.keys.keys_of(ANN, "NOBODYS") is None
    world.homeserver.ann = None
    assert await world.keys.keys_of(ANN, "HERS") is None


async def test_a_device_that_is_named_as_a_master_key_verifies_nobody(world: World) -> None:
    world.ann.add_device_named(world.ann.master)
    assert await world.keys.keys_of(ANN, "HERS") is None


async def test_a_verified_master_key_is_signed_and_remembered(world: World) -> None:
    await world.people.endorse(ANN, world.ann.master)
    [body] = world.homeserver.signatures
    signed = body[ANN][world.ann.master]
    signer = world.homeserver.bot.public("user_signing")
    assert is_signed(signed, BOT, f"ed25519:{signer}", signer)
    assert set(signed) == {"user_id", "usage", "keys", "signatures"}
    assert await world.verified() == [(ANN, world.ann.master)]
    await world.people.endorse(ANN, world.ann.master)
    assert await world.verified() == [(ANN, world.ann.master)]


async def test_a_signature_that_is_refused_does_not_unmake_what_was_verified(
    world: World,
) -> None:
    world.homeserver.refuses = True
    await world.people.endorse(ANN, world.ann.master)
    assert await world.verified() == [(ANN, world.ann.master)]


async def test_an_identity_that_changed_meanwhile_is_not_signed(world: World) -> None:
    before = world.ann.master
    world.homeserver.ann = Person()
    await world.people.endorse(ANN, before)
    assert world.homeserver.signatures == []
    assert await world.verified() == []


async def test_who_was_verified_is_told_of_another_identity_once(world: World) -> None:
    await world.people.endorse(ANN, world.ann.master)
    await world.sees_ann_anew()
    assert world.told == []
    world.homeserver.ann = Person()
    await world.sees_ann_anew()
    [(user, text)] = world.told
    assert user == ANN
    assert "verify me again" in text
    assert "2023-11-14" in text
    assert await world.verified() == []
    world.homeserver.ann = Person()
    await world.sees_ann_anew()
    assert len(world.told) == 1


async def test_an_identity_that_changed_just_before_a_crash_is_told_after_the_start(
    world: World,
) -> None:
    await world.people.endorse(ANN, world.ann.master)
    world.homeserver.ann = Person()
    await world.lists.refresh([ANN])
    again = World(world.store)
    again.homeserver.ann = world.homeserver.ann
    looking = asyncio.create_task(again.people.run())
    try:
        await asyncio.wait_for(again.was_told.wait(), PATIENCE_S)
    finally:
        looking.cancel()
    assert [user for user, _ in again.told] == [ANN]


async def test_who_was_never_verified_hears_nothing_of_it(world: World) -> None:
    await world.lists.refresh([ANN])
    world.homeserver.ann = Person()
    await world.sees_ann_anew()
    assert world.told == []
