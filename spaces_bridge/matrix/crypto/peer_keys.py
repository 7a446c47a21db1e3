"""Other people's keys, as the homeserver hands them out, checked before anything is made of them.

A homeserver can leave keys out, but not forge them: a device signs its own keys, and its owner's
self-signing key, which the owner's master key signs, vouches for the device. Pure.
Spec: Client-Server API, "Device keys" and "Cross-signing".
"""

from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Any, Final

from spaces_bridge.app.crypto_ports import KnownDevice, KnownUser
from spaces_bridge.core.ids import UserId
from spaces_bridge.matrix.crypto.signatures import is_signed
from spaces_bridge.matrix.events.envelope import is_id

OLM: Final = "m.olm.v1.curve25519-aes-sha2"
MEGOLM: Final = "m.megolm.v1.aes-sha2"

DEVICES_PER_USER_MAX: Final = 100
"""Devices of one person that are known; more of them are one who floods us."""

DEVICES_LOOKED_AT: Final = 300
"""Devices of one person whose signatures are checked: each costs time, also one that is no use."""

MASTER_FIELDS: Final = ("user_id", "usage", "keys")
"""The fields of a master key that are kept: what its owner adds to them is theirs alone."""
USAGES_MAX: Final = 10

KEY_LENGTH: Final = 43
"""Characters of a public key of 32 bytes in unpadded base64."""


def device_from(user: UserId, device: str, keys: object, owner: KnownUser) -> KnownDevice | None:
    """Return a device of `owner` by its signed keys.

    None: the keys are not its own, are not signed by it, or it knows no Megolm.
    """
    if not isinstance(keys, Mapping) or not is_id(device):
        return None
    if keys.get("user_id") != user or keys.get("device_id") != device:
        return None
    algorithms, public = keys.get("algorithms"), keys.get("keys")
    if not isinstance(algorithms, list) or not {OLM, MEGOLM} <= set(map(str, algorithms)):
        return None
    if not isinstance(public, Mapping):
        return None
    curve25519, ed25519 = public.get(f"curve25519:{device}"), public.get(f"ed25519:{device}")
    if not _is_key(curve25519) or not _is_key(ed25519):
        return None
    if not is_signed(keys, user, f"ed25519:{device}", str(ed25519)):
        return None
    vouched = bool(owner.self_signing) and is_signed(
        keys, user, f"ed25519:{owner.self_signing}", owner.self_signing
    )
    return KnownDevice(user, device, str(curve25519), str(ed25519), vouched)


def identity_from(user: UserId, master: object, self_signing: object, at_ms: int) -> KnownUser:
    """Return the person's cross-signing keys; each is empty where there is none that is right."""
    nobody = KnownUser(user, "", "", {}, is_outdated=False, asked_at_ms=at_ms)
    public = _cross_signing_key(user, master, "master")
    if not public or not isinstance(master, Mapping):
        return nobody
    signer = _cross_signing_key(user, self_signing, "self_signing")
    if not isinstance(self_signing, Mapping) or not is_signed(
        self_signing, user, f"ed25519:{public}", public
    ):
        signer = ""
    covered = {name: master[name] for name in MASTER_FIELDS}
    return KnownUser(user, public, signer, covered, is_outdated=False, asked_at_ms=at_ms)


def devices_from(user: UserId, answered: object, owner: KnownUser) -> Sequence[KnownDevice]:
    """Return the person's usable devices of a `keys/query` answer, in the order of their ids."""
    if not isinstance(answered, Mapping):
        return []
    named = sorted(name for name in answered if isinstance(name, str))[:DEVICES_LOOKED_AT]
    found = (device_from(user, name, answered[name], owner) for name in named)
    # lazily: no signature is checked of a device that is not kept
    usable = (device for device in found if device is not None)
    return list(islice(usable, DEVICES_PER_USER_MAX))


def one_time_key_from(device: KnownDevice, answered: object) -> str | None:
    """Return the claimed one-time or fallback key (Curve25519) of a `keys/claim` answer.

    None: there is none, or the device did not sign it.
    """
    if not isinstance(answered, Mapping):
        return None
    for key_id, key in answered.items():
        if not str(key_id).startswith("signed_curve25519:") or not isinstance(key, Mapping):
            continue
        public = key.get("key")
        if _is_key(public) and is_signed(
            key, device.user, f"ed25519:{device.device}", device.ed25519
        ):
            return str(public)
    return None


def _cross_signing_key(user: UserId, key: object, usage: str) -> str:
    """Return the one public key of a cross-signing key for this usage; empty: it is none."""
    if not isinstance(key, Mapping) or key.get("user_id") != user:
        return ""
    usages, public = key.get("usage"), key.get("keys")
    if not isinstance(usages, list) or usage not in usages or len(usages) > USAGES_MAX:
        return ""
    if not all(is_id(each) for each in usages):
        return ""
    if not isinstance(public, Mapping) or len(public) != 1:
        return ""
    [(key_id, value)] = public.items()
    return str(value) if _is_key(value) and key_id == f"ed25519:{value}" else ""


def _is_key(value: Any) -> bool:  # noqa: ANN401  whatever the JSON holds
    return isinstance(value, str) and len(value) == KEY_LENGTH and value.isascii()
