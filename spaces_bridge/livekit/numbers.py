"""The numbers of calls: how each part of this package hands them to the metrics."""

from collections.abc import Callable, Mapping
from typing import TypeAlias

Numbers: TypeAlias = Mapping[str, float | Mapping[str, float]]
"""Numbers by their names; one with a label is a mapping, by the label's value."""

NumberReader: TypeAlias = Callable[[], Numbers]
"""What returns the numbers of one part as they are now."""
