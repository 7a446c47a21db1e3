"""Programs of the machine that some tests need, and the Debian package of each."""

import shutil
from collections.abc import Mapping
from pathlib import Path

PACKAGES: Mapping[str, str] = {
    "chromium": "chromium",
    "janus": "janus",
    "postgresql": "postgresql",
}


def find(name: str) -> Path | None:
    """Where a program is, or None. For `postgresql` it is the newest server's `initdb`."""
    if name == "postgresql":
        servers = Path("/usr/lib/postgresql").glob("*/bin/initdb")
        newest = sorted(servers, key=lambda path: int(path.parts[-3]))
        on_path = shutil.which("initdb")
        return newest[-1] if newest else (Path(on_path) if on_path else None)
    found = shutil.which(PACKAGES[name])
    return Path(found) if found else None


def program(name: str) -> Path:
    """Where a program is; tests that call this are marked `needs(name)`."""
    found = find(name)
    if found is None:
        raise FileNotFoundError(f"{name} is missing; on Debian: apt install {PACKAGES[name]}")
    return found
