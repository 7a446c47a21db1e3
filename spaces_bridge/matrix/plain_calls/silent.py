"""No sound for plain calls: calls are declined with a word."""

from typing import NoReturn

from spaces_bridge.app.errors import AdapterError
from spaces_bridge.app.plain_call_ports import (
    PlainCallAnswer,
    PlainCallListener,
    PlainCallOffer,
)
from spaces_bridge.app.ports import MediaSession
from spaces_bridge.core.ids import SpaceId, UserId


class NoPlainCalls:
    """A stage that carries no plain calls. Implements `PlainCallStage`."""

    def attend_plain_calls(self, listener: PlainCallListener) -> None:
        """Do nothing: there is nothing to tell."""

    async def answer(self, space: SpaceId, user: UserId, sdp: str) -> MediaSession:
        """Raise AdapterError."""
        _no_sound()

    async def renegotiate(self, session: str, sdp: str) -> PlainCallAnswer:
        """Raise AdapterError."""
        _no_sound()

    async def dial(self, space: SpaceId, user: UserId) -> PlainCallOffer:
        """Raise AdapterError."""
        _no_sound()

    async def accept(self, session: str, sdp: str) -> None:
        """Raise AdapterError."""
        _no_sound()

    def take_up(self, session: str) -> bool:
        """Return False."""
        return False

    def is_connected(self, session: str) -> bool:
        """Return False."""
        return False

    def is_microphone(self, session: str) -> bool:
        """Return False."""
        return False

    def use_microphone(self, session: str) -> None:
        """Do nothing."""

    def play(self, session: str, prompt: str, language: str) -> None:
        """Do nothing."""


def _no_sound() -> NoReturn:
    raise AdapterError("there is no sound here")
