"""Steps of the demo: seen from outside, or failed with their name."""

from collections.abc import Iterator
from contextlib import contextmanager

import aiohttp

from spaces_bridge_demo.matrix_user import MatrixError
from spaces_bridge_demo.peer import JoinRefused
from spaces_bridge_demo.processes import StartFailed

OUTSIDE = (
    TimeoutError,
    MatrixError,
    StartFailed,
    JoinRefused,
    ConnectionError,
    LookupError,
    ValueError,
    aiohttp.ClientError,
)
"""What goes wrong when the bridge does not do what it should."""


class StepFailed(Exception):
    """A step was not observed; `step` is its name."""

    def __init__(self, step: str, why: str) -> None:
        super().__init__(f"{step}: {why}")
        self.step = step
        self.why = why


class NotObserved(ValueError):
    """Something came out differently from what it should be."""


@contextmanager
def step(name: str) -> Iterator[None]:
    """Whatever goes wrong in here is the failure of this step."""
    try:
        yield
    except OUTSIDE as error:
        raise StepFailed(name, str(error) or type(error).__name__) from error


def check(holds: bool, otherwise: str) -> None:
    """Raises NotObserved."""
    if not holds:
        raise NotObserved(otherwise)
