"""A real livekit-server on free loopback ports, as tools/livekit builds it."""

import json
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from spaces_bridge_demo.processes import Child, Probe, free_port
from tests.livekit.engine import Keyed
from tests.support.machine import program

START_TIMEOUT_S = 60.0
KEY = "rig"


@asynccontextmanager
async def livekit_server(folder: Path, log_level: str = "debug") -> AsyncIterator[Keyed]:
    """Run it; what it says goes to `livekit.log` in the folder. Raises StartFailed."""
    port, udp_port = free_port(), free_port()
    secret = secrets.token_hex(32)
    config = {
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
        "keys": {KEY: secret},
        "logging": {"level": log_level, "pion_level": "error"},
    }
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
        yield Keyed(f"ws://127.0.0.1:{port}", KEY, secret)
    finally:
        await child.kill9()  # asked nicely, it waits half a minute for people to leave
