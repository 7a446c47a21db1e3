"""The bot's cross-signing keys: three Ed25519 keys that vouch for its device.

Spec: Client-Server API, "Cross-signing". vodozemac has no Ed25519 secret keys, so these are of
`cryptography`.
"""

import base64
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from spaces_bridge.app.crypto_ports import OwnIdentity
from spaces_bridge.core.ids import UserId
from spaces_bridge.matrix.crypto.pickles import PickleKey, WrongPickleKeyError
from spaces_bridge.matrix.crypto.signatures import signed

USAGES = ("master", "self_signing", "user_signing")


@dataclass(frozen=True, slots=True)
class CrossSigning:
    """The three private keys, by their usage."""

    _keys: Mapping[str, Ed25519PrivateKey] = field(repr=False)

    @classmethod
    def new(cls) -> "CrossSigning":
        """Return new keys."""
        return cls({usage: Ed25519PrivateKey.generate() for usage in USAGES})

    @classmethod
    def stored(cls, identity: OwnIdentity, pickle_key: PickleKey) -> "CrossSigning":
        """Return the keys of a stored identity. Raises WrongPickleKeyError."""
        seeds = json.loads(pickle_key.open(identity.seeds))
        if not isinstance(seeds, dict) or set(seeds) != set(USAGES):
            raise WrongPickleKeyError
        return cls(
            {
                usage: Ed25519PrivateKey.from_private_bytes(base64.b64decode(seeds[usage]))
                for usage in USAGES
            }
        )

    def identity(self, pickle_key: PickleKey, *, is_published: bool) -> OwnIdentity:
        """Return the keys as they are stored."""
        seeds = {
            usage: base64.b64encode(key.private_bytes_raw()).decode()
            for usage, key in self._keys.items()
        }
        sealed = pickle_key.seal(json.dumps(seeds).encode())
        master, self_signing, user_signing = (self.public(usage) for usage in USAGES)
        return OwnIdentity(master, self_signing, user_signing, sealed, is_published)

    def public(self, usage: str) -> str:
        """Return a public key in unpadded base64."""
        return _unpadded(self._keys[usage].public_key().public_bytes_raw())

    def sign(self, usage: str, value: Mapping[str, Any], user: UserId) -> dict[str, Any]:
        """Return a JSON object with one more signature, by one of the keys."""
        key = self._keys[usage]
        return signed(
            value,
            user,
            f"ed25519:{self.public(usage)}",
            lambda message: _unpadded(key.sign(message)),
        )

    def upload(self, user: UserId) -> dict[str, Any]:
        """Return the body of `keys/device_signing/upload`: the master key signs the others."""
        body: dict[str, Any] = {"master_key": self._key(user, "master")}
        for usage in ("self_signing", "user_signing"):
            body[f"{usage}_key"] = self.sign("master", self._key(user, usage), user)
        return body

    def signatures(
        self, user: UserId, device_keys: Mapping[str, Any], sign_by_device: Callable[[bytes], str]
    ) -> dict[str, Any]:
        """Return the body of `keys/signatures/upload`: device and master key sign each other."""
        device = str(device_keys["device_id"])
        master = signed(self._key(user, "master"), user, f"ed25519:{device}", sign_by_device)
        by_us = self.sign("self_signing", device_keys, user)
        return {user: {device: by_us, self.public("master"): master}}

    def _key(self, user: UserId, usage: str) -> dict[str, Any]:
        public = self.public(usage)
        return {"user_id": user, "usage": [usage], "keys": {f"ed25519:{public}": public}}


def _unpadded(raw: bytes) -> str:
    return base64.b64encode(raw).decode().rstrip("=")
