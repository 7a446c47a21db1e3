"""What calls go by in a live space: most changes are of other things."""

from typing import Final

from spaces_bridge.core.live_space import LiveSpace

_GOES_BY: Final = (
    *("phase", "private", "room", "host", "levels", "people", "removed", "appointments"),
    *("microphones", "closing", "muted", "doubts"),
)
"""The fields of a live space that decide who may be in its call, and who speaks there."""


class RelevantChanges:
    """The live space as a call has seen it last."""

    def __init__(self) -> None:
        self._seen: tuple[object, ...] = ()

    def is_news(self, view: LiveSpace) -> bool:
        """Return whether anything that calls go by is another than the last time."""
        seen, self._seen = self._seen, tuple(getattr(view, name) for name in _GOES_BY)
        return not seen or any(a is not b for a, b in zip(seen, self._seen, strict=True))
