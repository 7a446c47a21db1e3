"""The wording of other people's words inside the bot's: they must not look like its own. Pure."""

import re

_ORDER = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
"""Marks that turn the direction of writing."""
_OURS = re.compile("[,:·“”\U0001f507]")
"""Signs that the bot's lists are made of."""

FLOOR_COMES = "The floor is yours in a moment: I write to you as soon as it is."
STAYS_LISTENER = "All right, you stay a listener."
"""Answers to a person who accepts or declines the floor, by command or by ✅ and ❌."""


def one_line(text: str) -> str:
    """Return the text in one line, without marks that turn its direction."""
    return " ".join(_ORDER.sub("", text).split())


def listed(name: str) -> str:
    """Return a name as an entry of a list; one with the list's own marks stands in quotes."""
    name = one_line(name)
    if name.startswith("@") or not (_OURS.search(name) or name[:1].isdigit()):
        return name
    return "“{}”".format(name.replace("“", '"').replace("”", '"').replace("\U0001f507", ""))
