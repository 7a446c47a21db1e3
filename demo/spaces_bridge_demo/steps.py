"""The demo's steps, each observed from outside, or failed with its name."""

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
"""Errors that mean that the bridge did not do what it should."""


class StepFailed(Exception):
    """The step of the name `step` was not observed."""

    def __init__(self, step: str, why: str) -> None:
        super().__init__(f"{step}: {why}")
        self.step = step
        self.why = why


class NotObserved(ValueError):
    """An observation differs from what it should be."""


@contextmanager
def step(name: str) -> Iterator[None]:
    """Turn the errors of `OUTSIDE` in the block into the failure of this step."""
    try:
        yield
    except OUTSIDE as error:
        raise StepFailed(name, str(error) or type(error).__name__) from error


def check(holds: bool, otherwise: str) -> None:
    """Check that something holds. Raises NotObserved with the text `otherwise`."""
    if not holds:
        raise NotObserved(otherwise)
