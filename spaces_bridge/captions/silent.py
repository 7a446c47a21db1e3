"""The captioner of an installation without captions."""

from spaces_bridge.app.ports import CaptionListener
from spaces_bridge.core.ids import SpaceId, UserId


class NoCaptioner:
    """A captioner of nothing implements `app.ports.Captioner` (`captions.enabled: false`)."""

    async def start(self) -> None:
        """Do nothing: there is nothing to start."""

    async def stop(self) -> None:
        """Do nothing: there is nothing to stop."""

    def listen(self, listener: CaptionListener) -> None:
        """Part of the port; never called back."""

    def open_track(self, space: SpaceId, user: UserId, language: str) -> None:
        """Part of the port."""

    def hear(self, space: SpaceId, user: UserId, at_ms: int, pcm: bytes) -> None:
        """Part of the port."""

    def close_track(self, space: SpaceId, user: UserId) -> None:
        """Part of the port."""

    def rest_drafts(self, on: bool) -> None:
        """Part of the port."""
