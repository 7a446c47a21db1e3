"""Other people's words inside ours: they must not look like ours. Pure."""

import re

_ORDER = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
"""Marks that turn the direction of writing."""
_OURS = re.compile("[,:·“”\U0001f507]")
"""What our lists are made of."""

FLOOR_COMES = "The floor is yours in a moment: I write to you as soon as it is."
STAYS_LISTENER = "All right, you stay a listener."
"""Answers to whoever accepts or declines the floor, by command or by ✅ and ❌."""


def one_line(text: str) -> str:
    """The text in one line, in its own direction."""
    return " ".join(_ORDER.sub("", text).split())


def listed(name: str) -> str:
    """A name as an entry of a list; one with our own marks in it stands in quotes."""
    name = one_line(name)
    if name.startswith("@") or not (_OURS.search(name) or name[:1].isdigit()):
        return name
    return "“{}”".format(name.replace("“", '"').replace("”", '"').replace("\U0001f507", ""))
