"""The bot's Olm account: its identity keys, and the one-time keys that begin sessions with it.

Spec: Client-Server API, "Key algorithms" and "One-time and fallback keys".
"""

import asyncio
from collections.abc import Mapping
from typing import Any

import vodozemac
from vodozemac import Account, Curve25519PublicKey, PickleException

from spaces_bridge.app.crypto_ports import OwnDevice
from spaces_bridge.core.ids import UserId
from spaces_bridge.matrix.crypto.limits import ONE_TIME_KEYS
from spaces_bridge.matrix.crypto.pickles import WrongPickleKeyError
from spaces_bridge.matrix.crypto.signatures import signed

ALGORITHMS = ("m.olm.v1.curve25519-aes-sha2", "m.megolm.v1.aes-sha2")


class OwnAccount:
    """The account of the bot's encryption device, in memory; `record` is what is stored of it.

    `lock` is held around each reading, changing and storing of the account or of an Olm session:
    a ratchet that two hands advance at once would be used twice.
    """

    def __init__(
        self,
        user: UserId,
        device: str,
        account: Account,
        pickle_key: bytes,
        created_at_ms: int,
        *,
        is_published: bool = False,
    ) -> None:
        """`pickle_key`: 32 bytes, by which the account and all sessions are pickled."""
        self.user = user
        self.device = device
        self.pickle_key = pickle_key
        self.is_published = is_published
        self.lock = asyncio.Lock()
        self._account = account
        self._created_at_ms = created_at_ms

    @classmethod
    def stored(cls, record: OwnDevice, pickle_key: bytes) -> "OwnAccount":
        """Return the account of a record. Raises WrongPickleKeyError."""
        try:
            account = Account.from_pickle(record.account, pickle_key)
        except PickleException:
            raise WrongPickleKeyError from None
        return cls(
            record.user,
            record.device,
            account,
            pickle_key,
            record.created_at_ms,
            is_published=record.is_published,
        )

    def record(self) -> OwnDevice:
        """Return the account as it is stored."""
        pickle = self._account.pickle(self.pickle_key)
        return OwnDevice(self.user, self.device, pickle, self.is_published, self._created_at_ms)

    def go_back(self, record: OwnDevice) -> None:
        """Become as the record says: what happened since could not be stored."""
        self._account = Account.from_pickle(record.account, self.pickle_key)

    # --- identity -------------------------------------------------------------------------------

    @property
    def curve25519(self) -> str:
        """The identity key by which others begin Olm sessions, in base64."""
        return self._account.curve25519_key.to_base64()

    @property
    def ed25519(self) -> str:
        """The fingerprint: the key that signs, in base64."""
        return self._account.ed25519_key.to_base64()

    @property
    def device_keys(self) -> Mapping[str, Any]:
        """The device's keys as other people get them, signed by themselves."""
        keys = {
            "user_id": self.user,
            "device_id": self.device,
            "algorithms": list(ALGORITHMS),
            "keys": {
                f"curve25519:{self.device}": self.curve25519,
                f"ed25519:{self.device}": self.ed25519,
            },
        }
        return signed(keys, self.user, f"ed25519:{self.device}", self.sign)

    def sign(self, message: bytes) -> str:
        """Return the device's signature of a message, in unpadded base64."""
        return self._account.sign(message).to_base64()

    # --- sessions -------------------------------------------------------------------------------

    def open_session(self, curve25519: str, one_time_key: str) -> vodozemac.Session:
        """Return a new Olm session towards another device. Raises ValueError: it is no key."""
        return self._account.create_outbound_session(
            Curve25519PublicKey.from_base64(curve25519),
            Curve25519PublicKey.from_base64(one_time_key),
        )

    def accept_session(
        self, curve25519: str, message: vodozemac.PreKeyMessage
    ) -> tuple[vodozemac.Session, bytes]:
        """Return the Olm session that another device began, and what its first message says.

        This uses up a one-time key: the account has to be stored with the session. Raises
        ValueError: the message does not fit our keys.
        """
        return self._account.create_inbound_session(
            Curve25519PublicKey.from_base64(curve25519), message
        )

    # --- one-time keys --------------------------------------------------------------------------

    def top_up(self, held: int, *, has_fallback: bool) -> bool:
        """Make the one-time keys that the homeserver lacks, and a fallback key unless it has one.

        `held`: how many it has. Returns whether there is anything to be published.
        """
        waiting = len(self._account.one_time_keys)
        if held < ONE_TIME_KEYS // 2:
            self._account.generate_one_time_keys(max(0, ONE_TIME_KEYS - held - waiting))
        if not has_fallback and not self._fallback_key():
            self._account.generate_fallback_key()  # type: ignore[attr-defined]  # not in its stub
        return bool(self._account.one_time_keys or self._fallback_key())

    def to_publish(self) -> dict[str, Any]:
        """Return the body of `keys/upload`: keys that are not published yet, signed."""
        body: dict[str, Any] = {} if self.is_published else {"device_keys": self.device_keys}
        one_time = self._account.one_time_keys
        fallback = self._fallback_key()
        if one_time:
            body["one_time_keys"] = dict(self._signed(*each) for each in one_time.items())
        if fallback:
            body["fallback_keys"] = dict(
                self._signed(*each, is_fallback=True) for each in fallback.items()
            )
        return body

    def _fallback_key(self) -> Mapping[str, Curve25519PublicKey]:
        """Return the fallback key that is not published yet, by its id; empty without one."""
        key: Mapping[str, Curve25519PublicKey] = self._account.fallback_key  # type: ignore[attr-defined]
        return key

    def mark_published(self) -> None:
        """Take note that the homeserver has the keys that `to_publish` returned."""
        self._account.mark_keys_as_published()
        self.is_published = True

    def _signed(
        self, key_id: str, key: Curve25519PublicKey, *, is_fallback: bool = False
    ) -> tuple[str, dict[str, Any]]:
        value: dict[str, Any] = {"key": key.to_base64()}
        if is_fallback:
            value["fallback"] = True
        by_us = signed(value, self.user, f"ed25519:{self.device}", self.sign)
        return f"signed_curve25519:{key_id}", by_us
