"""How much an object holds on to."""

from collections.abc import Sized


def kept(thing: object) -> int:
    """The entries in all collections that an object has as its own attributes."""
    return sum(
        len(held)
        for held in vars(thing).values()
        if isinstance(held, Sized) and not isinstance(held, str | bytes)
    )
