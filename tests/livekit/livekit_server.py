"""A real livekit-server on free loopback ports, as tools/livekit builds it."""

import json
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

from spaces_bridge_demo.processes import Child, Probe, free_port
from tests.livekit.engine import Keyed
from tests.support.machine import program

START_TIMEOUT_S = 60.0
KEY = "rig"


def free_place() -> Keyed:
    """A port and a key for a server that does not run yet."""
    return Keyed(f"ws://127.0.0.1:{free_port()}", KEY, secrets.token_hex(32))


@asynccontextmanager
async def livekit_server(
    folder: Path, like: Keyed | None = None, webhook: str = "", log_level: str = "debug"
) -> AsyncIterator[Keyed]:
    """Run it; what it says goes to `livekit.log` in the folder. Raises StartFailed.

    `like`: one that has ended, or is to be, in whose place it comes; `webhook`: an address that is
    told what happens.
    """
    keyed = like or free_place()
    port, udp_port = urlsplit(keyed.url).port, free_port()
    config: dict[str, object] = {
        "port": port,
        "bind_addresses": ["127.0.0.1"],
        "rtc": {
            "udp_port": udp_port,  # one port for all peers
            "tcp_port": 0,  # none: it would be open on every address
            "node_ip": "127.0.0.1",
            "use_external_ip": False,
            "enable_loopback_candidate": True,
            "stun_servers": ["127.0.0.1:9"],  # clients would ask its own, far away
            "interfaces": {"includes": ["lo"]},
        },
        "keys": {keyed.key: keyed.secret},
        "logging": {"level": log_level, "pion_level": "error"},
    }
    if webhook:
        config["webhook"] = {"api_key": keyed.key, "urls": [webhook]}
    file = folder / "livekit.json"
    file.write_text(json.dumps(config), encoding="utf-8")  # YAML is a superset of JSON
    child = Child(
        "livekit-server",
        [str(program("livekit-server")), "--config", str(file)],
        directory=folder,
        log=folder / "livekit.log",
    )
    child.spawn()
    try:
        await child.wait_ready(Probe(f"http://127.0.0.1:{port}/"), START_TIMEOUT_S)
        yield keyed
    finally:
        await child.kill9()  # asked nicely, it waits half a minute for people to leave
