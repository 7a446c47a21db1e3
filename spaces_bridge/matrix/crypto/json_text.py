"""JSON that was encrypted: nobody has checked it before us. Pure."""

import json
from collections.abc import Mapping
from typing import Any

INT_DIGITS_MAX = 400


def object_in(plain: bytes) -> Mapping[str, Any] | None:
    """Return the JSON object of a decrypted text; None: it is none, or nested too deep."""
    try:
        value = json.loads(plain.decode("utf-8"), parse_int=_bounded_int)
    except (RecursionError, ValueError):
        return None
    return value if isinstance(value, dict) else None


def _bounded_int(digits: str) -> int:
    return int(digits) if len(digits) <= INT_DIGITS_MAX else 0
