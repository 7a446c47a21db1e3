"""The gates of one live space, as far as the worker was told. Pure; shut by default."""

from collections.abc import Collection
from typing import NamedTuple


class Turned(NamedTuple):
    """The users whose gates a change has opened or shut."""

    opened: frozenset[str]
    shut: frozenset[str]


class Gates:
    """The open gates of one live space. Nobody without one is decoded or mixed."""

    def __init__(self) -> None:
        self._open: frozenset[str] = frozenset()
        self.refused = 0
        """Packets that came to a shut gate."""

    @property
    def open(self) -> frozenset[str]:
        """The users whose gates are open."""
        return self._open

    def is_open(self, user: str) -> bool:
        """Return whether this user may be heard now."""
        return user in self._open

    def admits(self, user: str) -> bool:
        """Return whether a packet of this user may pass; count one that is refused."""
        if user in self._open:
            return True
        self.refused += 1
        return False

    def set(self, user: str, is_open: bool) -> Turned:
        """Open or shut one gate; repeating it changes nothing."""
        return self.replace(self._open | {user} if is_open else self._open - {user})

    def replace(self, users: Collection[str]) -> Turned:
        """Open exactly these gates and shut all others."""
        before, self._open = self._open, frozenset(users)
        return Turned(opened=self._open - before, shut=before - self._open)
