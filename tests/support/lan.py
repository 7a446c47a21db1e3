"""Machines of their own: two network stacks beside this one, each joined to the others by a cable.

Each machine has one address, whichever cable it is reached by. Needs root and iproute2.
"""

import itertools
import os
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from tests.support.netns import NetworkError

_NAME = re.compile(r"spaces-lan-(\d+)-([0-9a-f]+)-[ab]")
_NUMBERS = itertools.count()
_NETS = 16384
"""Networks of four addresses in 10.214.0.0/16."""
_TIMEOUT_S = 60


@dataclass(frozen=True)
class Lan:
    """One such network; `lan()` makes and removes it."""

    number: int

    @property
    def here(self) -> str:
        """The address of this machine."""
        return self._address(1)

    @property
    def a(self) -> str:
        """The address of one machine."""
        return self._address(2)

    @property
    def b(self) -> str:
        """The address of the other machine."""
        return self._address(3)

    def on(self, machine: str, *command: str) -> tuple[str, ...]:
        """The command line that runs a program on machine "a" or "b"."""
        return ("ip", "netns", "exec", self._space(machine), *command)

    def make(self) -> None:
        """Raises NetworkError."""
        for machine, address in ("a", self.a), ("b", self.b):
            space, cable = self._space(machine), self._cable(machine)
            _ip("netns", "add", space)
            _ip("link", "add", cable, "type", "veth", "peer", "name", "eth", "netns", space)
            _ip("-n", space, "link", "set", "lo", "up")
            _ip("-n", space, "address", "add", f"{address}/32", "dev", "eth")
            _ip("address", "add", f"{self.here}/32", "dev", cable)
            _ip("link", "set", cable, "up")
            _ip("-n", space, "link", "set", "eth", "up")
            _ip("route", "add", address, "dev", cable, "src", self.here)
            _ip("-n", space, "route", "add", self.here, "dev", "eth", "src", address)
        a, b = self._space("a"), self._space("b")
        _ip("-n", a, "link", "add", "over", "type", "veth", "peer", "name", "over", "netns", b)
        for space, address, other in (a, self.a, self.b), (b, self.b, self.a):
            _ip("-n", space, "link", "set", "over", "up")
            _ip("-n", space, "route", "add", other, "dev", "over", "src", address)

    def remove(self) -> None:
        """Remove whatever there is of it."""
        for machine in "ab":
            for command in (
                ("link", "delete", self._cable(machine)),
                ("netns", "delete", self._space(machine)),
            ):
                with suppress(NetworkError):
                    _ip(*command)

    def _address(self, host: int) -> str:
        high, low = divmod(self.number * 4 + host, 256)
        return f"10.214.{high}.{low}"

    def _cable(self, machine: str) -> str:
        return f"splan-{self.number:x}{machine}"

    def _space(self, machine: str) -> str:
        return f"spaces-lan-{os.getpid()}-{self.number:x}-{machine}"


@contextmanager
def lan() -> Iterator[Lan]:
    """Two machines for the time of a test. Raises NetworkError."""
    _remove_stale()
    made = Lan((os.getpid() * 8 + next(_NUMBERS)) % _NETS)
    try:
        made.make()
        yield made
    finally:
        made.remove()


def _remove_stale() -> None:
    """What a killed test run has left: its process is gone, its network is not."""
    for line in _ip("netns", "list").splitlines():
        found = _NAME.match(line)
        if found is not None and not Path(f"/proc/{found[1]}").exists():
            with suppress(NetworkError):
                _ip("netns", "delete", found[0])


def _ip(*arguments: str) -> str:
    done = subprocess.run(
        ["ip", *arguments], capture_output=True, text=True, timeout=_TIMEOUT_S, check=False
    )
    if done.returncode != 0:
        raise NetworkError(f"ip {' '.join(arguments)}: {done.stderr.strip()}")
    return done.stdout
