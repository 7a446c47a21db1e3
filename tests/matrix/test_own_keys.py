"""The bot's own keys: nobody reads them in the database, and they sign what they are to sign."""

import asyncio
import json
from pathlib import Path

import pytest
from vodozemac import Account

from spaces_bridge.core.ids import UserId
from spaces_bridge.matrix.crypto.account import OwnAccount
from spaces_bridge.matrix.crypto.assembly import open_own_keys
from spaces_bridge.matrix.crypto.cross_signing import USAGES, CrossSigning
from spaces_bridge.matrix.crypto.limits import ONE_TIME_KEYS
from spaces_bridge.matrix.crypto.own_devices import in_groups, published
from spaces_bridge.matrix.crypto.pickles import PickleKey, WrongPickleKeyError
from spaces_bridge.matrix.crypto.signatures import is_signed
from spaces_bridge.storage.storage import open_storage
from tests.storage.support import SetClock

pytestmark = pytest.mark.peers

BOT = UserId("@spacesbot:home.test")
KEY = PickleKey.of("the config's secret")


def own_account() -> OwnAccount:
    return OwnAccount(BOT, "SPACESABCDEFGH", Account(), KEY.olm, 0)


async def test_the_database_shows_no_secret(tmp_path: Path) -> None:
    storage = await open_storage(f"sqlite:{tmp_path}/spaces.db", SetClock())
    keys = await open_own_keys(storage.crypto, BOT, "secret", "everybody", SetClock())
    seeds = json.loads(seeds_of(keys.cross_signing, keys.pickle_key)).values()
    await storage.close()
    written = await asyncio.to_thread(
        lambda: b"".join(path.read_bytes() for path in tmp_path.iterdir())
    )
    assert len(seeds) == len(USAGES)
    assert keys.account.device.encode() in written
    for seed in seeds:
        assert seed.encode() not in written


def seeds_of(keys: CrossSigning, key: PickleKey) -> str:
    """The seeds as they are before they are encrypted."""
    return key.open(keys.identity(key, is_published=True).seeds).decode()


def test_a_sealed_secret_opens_by_its_key_alone_and_looks_otherwise_each_time() -> None:
    sealed = KEY.seal(b"seed")
    assert KEY.open(sealed) == b"seed"
    assert KEY.seal(b"seed") != sealed
    for other in (PickleKey.of("another"), PickleKey(KEY._seeds, KEY.olm)):
        with pytest.raises(WrongPickleKeyError):
            other.open(sealed)
    for text in ("", "?", sealed[:-4], "AAAA" + sealed):
        with pytest.raises(WrongPickleKeyError):
            KEY.open(text)


def test_keys_are_shown_in_no_representation() -> None:
    keys = CrossSigning.new()
    assert "PrivateKey" not in repr(keys)
    assert str(KEY.olm) not in repr(KEY)


def test_the_master_key_signs_the_others_and_they_the_device() -> None:
    keys, account = CrossSigning.new(), own_account()
    body = keys.upload(BOT)
    master = keys.public("master")
    for usage in ("self_signing", "user_signing"):
        assert is_signed(body[f"{usage}_key"], BOT, f"ed25519:{master}", master)
    signatures = keys.signatures(BOT, account.device_keys, account.sign)[BOT]
    device = signatures[account.device]
    signer = keys.public("self_signing")
    assert is_signed(device, BOT, f"ed25519:{signer}", signer)
    assert is_signed(device, BOT, f"ed25519:{account.device}", account.ed25519)
    by_device = f"ed25519:{account.device}"
    assert is_signed(signatures[master], BOT, by_device, account.ed25519)


def test_stored_keys_are_the_same_keys() -> None:
    keys = CrossSigning.new()
    again = CrossSigning.stored(keys.identity(KEY, is_published=False), KEY)
    assert [again.public(usage) for usage in USAGES] == [keys.public(usage) for usage in USAGES]


def test_what_is_not_published_is_published_again_with_the_same_signatures() -> None:
    """A crash between the upload and the note of it must not change what is uploaded."""
    account = own_account()
    account.top_up(0, has_fallback=False)
    record, body = account.record(), account.to_publish()
    again = OwnAccount.stored(record, KEY.olm).to_publish()
    assert json.dumps(again, sort_keys=True) == json.dumps(body, sort_keys=True)
    assert len(body["one_time_keys"]) == ONE_TIME_KEYS
    [fallback] = body["fallback_keys"].values()
    assert fallback["fallback"] is True
    by_device = f"ed25519:{account.device}"
    for key in (*body["one_time_keys"].values(), fallback):
        assert is_signed(key, BOT, by_device, account.ed25519)
    account.mark_published()
    assert account.to_publish() == {}
    assert not account.top_up(ONE_TIME_KEYS // 2, has_fallback=True)
    assert account.top_up(ONE_TIME_KEYS // 2 - 1, has_fallback=True)


def test_a_fingerprint_is_shown_as_clients_show_it_and_odd_answers_show_none() -> None:
    assert in_groups("abcdefghij") == "abcd efgh ij"
    account = own_account()
    plain = {"device_keys": {BOT: {account.device: account.device_keys}}}
    [found] = published(plain, BOT)
    assert not found.is_cross_signed
    assert found.fingerprint.replace(" ", "") == account.ed25519
    answers: list[dict[str, object]] = [{}, {"device_keys": []}]
    answers.append({"device_keys": {BOT: {account.device: 7}}})
    for odd in answers:
        assert published(odd, BOT) == []
