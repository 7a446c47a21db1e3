"""Where what was heard of somebody is written down."""

import hashlib
from pathlib import Path


def place_of(folder: Path, identity: str) -> Path:
    """The file for raw sound of an identity, which may hold any letters."""
    return folder / f"{hashlib.sha256(identity.encode()).hexdigest()[:16]}.pcm"
