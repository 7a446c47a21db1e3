"""A real Synapse that federates, over a wire that a test may cut."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import spaces_bridge
from spaces_bridge_demo.homeserver import Homeserver
from spaces_bridge_demo.processes import free_port
from tests.federation.authority import Authority
from tests.federation.link import Link

EVIL = Path(__file__).with_name("evil")
# Milliseconds. A cut must not be felt long after it is healed.
_IMPATIENT = {
    "client_timeout": 10_000,
    "max_short_retries": 1,
    "max_short_retry_delay": 100,
    "max_long_retries": 2,
    "max_long_retry_delay": 200,
    "destination_min_retry_interval": 100,
    "destination_retry_multiplier": 1,
    "destination_max_retry_interval": 500,
}
_UNLIMITED = {
    "window_size": 1000,
    "sleep_limit": 1000,
    "sleep_delay": 1,
    "reject_limit": 1000,
    "concurrent": 50,
}


class FederatedHomeserver(Homeserver):
    """A homeserver called `localhost:PORT`, where PORT is that of its `link`.

    `evil`: users whose localpart begins with `evil` may do anything on it: no rule of the room
    is checked for what they send (see `evil/sitecustomize.py`).
    """

    def __init__(
        self,
        directory: Path,
        authority: Authority,
        *,
        room_version: str = "12",
        database_url: str | None = None,
        evil: bool = False,
    ) -> None:
        """As `Homeserver`."""
        self._authority = authority
        self._tls_port = free_port()
        self.link = Link(self._tls_port)
        super().__init__(
            directory,
            room_version=room_version,
            database_url=database_url,
            domain=f"localhost:{self.link.port}",
            environ=_evil_environ() if evil else None,
        )

    async def start(self) -> None:
        """Returns when it answers its own users. Raises StartFailed."""
        self.link.start()
        await super().start()

    def kill_now(self) -> None:
        """The way out without an event loop; it cannot be started again."""
        super().kill_now()
        self.link.stop()

    def config(self) -> dict[str, Any]:
        """As that of any homeserver, and a listener for the other one."""
        config = super().config()
        listener = {
            "port": self._tls_port,
            "bind_addresses": ["127.0.0.1"],
            "type": "http",
            "tls": True,
            "resources": [{"names": ["federation"], "compress": False}],
        }
        return config | {
            "listeners": [*config["listeners"], listener],
            "tls_certificate_path": str(self._authority.certificate),
            "tls_private_key_path": str(self._authority.key),
            "federation_custom_ca_list": [str(self._authority.root)],
            "ip_range_blacklist": [],
            "allow_public_rooms_over_federation": True,
            "federation": _IMPATIENT,
            "rc_federation": _UNLIMITED,
        }


def _evil_environ() -> Mapping[str, str]:
    source = str(Path(spaces_bridge.__file__).parents[1])
    paths = [str(EVIL), source, os.environ.get("PYTHONPATH", "")]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in paths if path)}
