"""The bot's encryption devices as the homeserver shows them to everybody. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from spaces_bridge.matrix.crypto.keys_api import DEVICE_PREFIX
from spaces_bridge.matrix.crypto.signatures import is_signed


@dataclass(frozen=True, slots=True)
class PublishedDevice:
    """A published device; `fingerprint`: its Ed25519 key, in groups of four letters."""

    name: str
    fingerprint: str
    is_cross_signed: bool


def published(answer: Mapping[str, Any], bot: str) -> list[PublishedDevice]:
    """Return the bot's devices of a `keys/query` answer; odd ones are left out."""
    of_bot = _object(_object(answer.get("device_keys")).get(bot))
    own_key = _object(_object(answer.get("self_signing_keys")).get(bot))
    signer = next(iter(_object(own_key.get("keys")).values()), "")
    found = []
    for name, keys in sorted(of_bot.items()):
        public = _object(_object(keys).get("keys")).get(f"ed25519:{name}")
        if name.startswith(DEVICE_PREFIX) and isinstance(public, str):
            is_vouched = isinstance(signer, str) and is_signed(
                keys, bot, f"ed25519:{signer}", signer
            )
            found.append(PublishedDevice(name, in_groups(public), is_vouched))
    return found


def in_groups(key: str) -> str:
    """Return a key as clients show fingerprints: in groups of four letters."""
    return " ".join(key[start : start + 4] for start in range(0, len(key), 4))


def _object(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
