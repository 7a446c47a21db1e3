"""What several media workers have given up, taken together. Pure."""

from collections.abc import Iterable

from spaces_bridge.app.ports import Overload


def overload_of_all(steps: Iterable[Overload]) -> Overload:
    """Return what is given up in all: listeners are refused only where nobody takes them."""
    known = list(steps)
    if not known:
        return Overload.CALM
    most = max(known)
    return most if min(known) >= Overload.CROWDED else min(most, Overload.LONG_FRAMES)
