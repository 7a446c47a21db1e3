"""Programs that some tests need, and how to get each."""

import functools
import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES: Mapping[str, str] = {
    "chromium": "chromium",
    "firefox": "firefox-esr",
    "gcc": "gcc",
    "janus": "janus",
    "network namespaces": "iproute2 (and run as root)",
    "postgresql": "postgresql",
    "redis-server": "redis-server",
    "webkit": "webkit2gtk-driver xvfb",
}
BUILT: Mapping[str, tuple[Path, str]] = {
    "element call": (
        ROOT / "tests/livekit/js/node_modules/@element-hq/element-call-embedded/dist/index.html",
        "tools/js/setup tests/livekit/js",
    ),
    "livekit-client": (
        ROOT / "tests/livekit/js/node_modules/livekit-client/dist/livekit-client.esm.mjs",
        "tools/js/setup tests/livekit/js",
    ),
    "matrix-js-sdk": (
        ROOT / "tests/clients/js/node_modules/matrix-js-sdk/lib/browser-index.js",
        "tools/js/setup tests/clients/js",
    ),
    "livekit-server": (
        ROOT / ".make/livekit/livekit-server",
        "tools/livekit/setup, which takes Go",
    ),
}
"""What `make test` puts there: where it is, and what puts it there."""

MAY_LACK = frozenset({"livekit-server", "gcc"})
"""What may be left out in CI too: compilers that only some machines have, and what they build."""


def how_to_get(name: str) -> str:
    """What to do where a program is missing."""
    return BUILT[name][1] if name in BUILT else f"apt install {PACKAGES[name]}"


def find(name: str) -> Path | None:
    """Where a program is, or None. For `postgresql` it is the newest server's `initdb`.

    For `network namespaces` it is `ip`, where this process may make one; for `webkit` its driver,
    where there is a screen for it, too.
    """
    if name == "postgresql":
        servers = Path("/usr/lib/postgresql").glob("*/bin/initdb")
        newest = sorted(servers, key=lambda path: int(path.parts[-3]))
        on_path = shutil.which("initdb")
        return newest[-1] if newest else (Path(on_path) if on_path else None)
    if name == "network namespaces":
        ip = shutil.which("ip") if _may_make_networks() else None
        return Path(ip) if ip else None
    if name == "webkit":
        driver = shutil.which("WebKitWebDriver") if shutil.which("Xvfb") else None
        return Path(driver) if driver else None
    if name in BUILT:
        place = BUILT[name][0]
        return place if place.exists() else None
    found = shutil.which(PACKAGES[name])
    return Path(found) if found else None


@functools.cache
def _may_make_networks() -> bool:
    """Root may, unless it is root of a container that may not."""
    unshare = shutil.which("unshare")
    if os.geteuid() != 0 or unshare is None:
        return False
    return subprocess.run([unshare, "--net", "true"], check=False, timeout=60).returncode == 0


def program(name: str) -> Path:
    """Where a program is; tests that call this are marked `needs(name)`."""
    found = find(name)
    if found is None:
        raise FileNotFoundError(f"{name} is missing: {how_to_get(name)}")
    return found
