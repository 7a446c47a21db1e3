"""A network of its own for a browser: this machine at one end, a bad line in the middle.

    this machine (server) ── router ── client, where the browser runs

Three network stacks of Linux, joined by virtual cables. The router forwards or swallows, without
a word to either side, as a firewall or a dead spot does. Needs root and iproute2.
"""

import itertools
import os
import re
import stat
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

_NAME = re.compile(r"spaces-(\d+)-([0-9a-f]+)-(?:router|client)")
_NETS = 8192
"""Networks of eight addresses in 10.213.0.0/16."""
_NUMBERS = itertools.count()
_TIMEOUT_S = 60


class NetworkError(RuntimeError):
    """`ip` refused, and said why."""


@dataclass
class Network:
    """One such network; `network()` makes and removes it."""

    number: int
    _drops: list[tuple[str, ...]] = field(default_factory=list)

    @property
    def server(self) -> str:
        """The address of this machine as the client sees it."""
        return self._address(1)

    @property
    def client(self) -> str:
        """The address of the client."""
        return self._address(6)

    # --- what the line does -------------------------------------------------------------------

    def drop_udp(self) -> None:
        """No UDP passes, in either direction."""
        self._drop("ipproto", "udp")

    def drop_tcp(self, port: int) -> None:
        """No TCP from or to this port passes."""
        self._drop("ipproto", "tcp", "dport", str(port))
        self._drop("ipproto", "tcp", "sport", str(port))

    def drop_all(self) -> None:
        """Nothing passes, and neither side is told."""
        self._drop()

    def restore(self) -> None:
        """Everything passes again."""
        while self._drops:
            _ip("-n", self._space("router"), "rule", "del", *self._drops.pop())

    def unplug(self) -> None:
        """The client's cable is out: its machine knows that it has no network."""
        _ip("-n", self._space("client"), "link", "set", "eth", "down")

    def plug(self) -> None:
        """The client's cable is in again."""
        client = self._space("client")
        _ip("-n", client, "link", "set", "eth", "up")
        _ip("-n", client, "route", "replace", "default", "via", self._address(5))

    def _drop(self, *match: str) -> None:
        rule = (*match, "blackhole", "pref", str(100 + len(self._drops)))
        _ip("-n", self._space("router"), "rule", "add", *rule)
        self._drops.append(rule)

    # --- programs -----------------------------------------------------------------------------

    def wrapper(self, program: Path, directory: Path) -> Path:
        """A script in `directory` that runs the program as the client."""
        script = directory / f"{program.name}-in-{self._space('client')}"
        script.write_text(
            f'#!/bin/sh\nexec ip netns exec {self._space("client")} {program} "$@"\n'
        )
        script.chmod(script.stat().st_mode | stat.S_IXUSR)
        return script

    # --- making and removing ------------------------------------------------------------------

    def make(self) -> None:
        """Raises NetworkError."""
        router, client = self._space("router"), self._space("client")
        for space in (router, client):
            _ip("netns", "add", space)
            _ip("-n", space, "link", "set", "lo", "up")
        link = self._link
        _ip(*_veth(link, "wan", router))
        _ip("-n", router, *_veth("lan", "eth", client))
        _ip("address", "add", f"{self.server}/30", "dev", link)
        _ip("-n", router, "address", "add", f"{self._address(2)}/30", "dev", "wan")
        _ip("-n", router, "address", "add", f"{self._address(5)}/30", "dev", "lan")
        _ip("-n", client, "address", "add", f"{self.client}/30", "dev", "eth")
        _ip("link", "set", link, "up")
        _ip("-n", router, "link", "set", "wan", "up")
        _ip("-n", router, "link", "set", "lan", "up")
        forward = "echo 1 > /proc/sys/net/ipv4/ip_forward"
        _ip("netns", "exec", router, "sh", "-c", forward)
        _ip("route", "add", f"{self._address(4)}/30", "via", self._address(2))
        self.plug()

    def remove(self) -> None:
        """Remove whatever there is of it."""
        for command in (
            ("link", "delete", self._link),  # and its other end, and the route
            ("netns", "delete", self._space("client")),
            ("netns", "delete", self._space("router")),
        ):
            with suppress(NetworkError):
                _ip(*command)

    def _address(self, host: int) -> str:
        high, low = divmod(self.number * 8 + host, 256)
        return f"10.213.{high}.{low}"

    @property
    def _link(self) -> str:
        return f"spaces-{self.number:x}"

    def _space(self, end: str) -> str:
        return f"spaces-{os.getpid()}-{self.number:x}-{end}"


@contextmanager
def network() -> Iterator[Network]:
    """A network for the time of a test. Raises NetworkError."""
    _remove_stale()
    made = Network((os.getpid() * 8 + next(_NUMBERS)) % _NETS)
    try:
        made.make()
        yield made
    finally:
        made.remove()


def networks() -> set[str]:
    """The names of all network stacks made by this process that are there now."""
    own = f"spaces-{os.getpid()}-"
    return {line.split()[0] for line in _ip("netns", "list").splitlines() if line.startswith(own)}


def _remove_stale() -> None:
    """What a killed test run has left: its process is gone, its network is not."""
    for line in _ip("netns", "list").splitlines():
        found = _NAME.match(line)
        if found is not None and not Path(f"/proc/{found[1]}").exists():
            with suppress(NetworkError):
                _ip("netns", "delete", found[0])
            with suppress(NetworkError):
                _ip("link", "delete", f"spaces-{found[2]}")


def _ip(*arguments: str) -> str:
    done = subprocess.run(
        ["ip", *arguments], capture_output=True, text=True, timeout=_TIMEOUT_S, check=False
    )
    if done.returncode != 0:
        raise NetworkError(f"ip {' '.join(arguments)}: {done.stderr.strip()}")
    return done.stdout


def _veth(near: str, far: str, space: str) -> tuple[str, ...]:
    """A virtual cable: one end here, the other in another network stack."""
    return ("link", "add", "name", near, "type", "veth", "peer", "name", far, "netns", space)
