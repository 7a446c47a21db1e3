"""Signatures of JSON objects. Pure. Spec: Appendices, "Signing JSON" and "Canonical JSON"."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from vodozemac import Ed25519PublicKey, Ed25519Signature

UNSIGNED = frozenset({"signatures", "unsigned"})
"""The fields of an object that its signatures do not cover."""


def canonical_json(value: Mapping[str, Any]) -> bytes:
    """Return the one form of the object that is signed. Raises ValueError: it has none."""
    text = json.dumps(
        value, ensure_ascii=False, separators=(",", ":"), sort_keys=True, allow_nan=False
    )
    return text.encode("utf-8")


def signed(
    value: Mapping[str, Any], user: str, key_id: str, sign: Callable[[bytes], str]
) -> dict[str, Any]:
    """Return the object with one more signature; `sign` returns it in unpadded base64."""
    signature = sign(_covered(value))
    signatures = {who: dict(by) for who, by in value.get("signatures", {}).items()}
    signatures.setdefault(user, {})[key_id] = signature
    return {**value, "signatures": signatures}


def is_signed(value: Mapping[str, Any], user: str, key_id: str, public_key: str) -> bool:
    """Return whether the object bears the user's valid signature by this Ed25519 key.

    Nothing in the object is trusted: odd shapes count as not signed.
    """
    signatures = value.get("signatures")
    by_user = signatures.get(user) if isinstance(signatures, Mapping) else None
    signature = by_user.get(key_id) if isinstance(by_user, Mapping) else None
    if not isinstance(signature, str):
        return False
    try:
        key = Ed25519PublicKey.from_base64(public_key)
        key.verify_signature(_covered(value), Ed25519Signature.from_base64(signature))
    except (ValueError, RecursionError):  # all of vodozemac's errors are ValueErrors
        return False
    return True


def _covered(value: Mapping[str, Any]) -> bytes:
    return canonical_json({name: part for name, part in value.items() if name not in UNSIGNED})
