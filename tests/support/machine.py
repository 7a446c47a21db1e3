"""Programs of the machine that some tests need, and the Debian package of each."""

import functools
import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

PACKAGES: Mapping[str, str] = {
    "chromium": "chromium",
    "firefox": "firefox-esr",
    "janus": "janus",
    "network namespaces": "iproute2 (and run as root)",
    "postgresql": "postgresql",
    "webkit": "webkit2gtk-driver xvfb",
}


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
        raise FileNotFoundError(f"{name} is missing; on Debian: apt install {PACKAGES[name]}")
    return found
