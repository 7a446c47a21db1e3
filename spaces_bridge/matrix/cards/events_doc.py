"""Make docs/events.md from the types of what the bridge sends; its examples are really sent so.

`python -m spaces_bridge.matrix.cards.events_doc` prints the document; `make docs` writes it.
"""

import json
import sys
from collections.abc import Iterator, Mapping
from dataclasses import replace
from types import NoneType, UnionType
from typing import Any, Literal, NotRequired, get_args, get_origin, get_type_hints

from spaces_bridge.app.tasks import ChatWords, PostCaption
from spaces_bridge.core.commands import CreateSpace
from spaces_bridge.core.evolution import born
from spaces_bridge.core.ids import EventId, RoomId, SpaceId, UserId, UtteranceId
from spaces_bridge.core.live_space import LiveSpace, Phase
from spaces_bridge.core.rules import create
from spaces_bridge.matrix.cards import bubble, card
from spaces_bridge.matrix.events import captions, chat
from spaces_bridge.matrix.events.own import (
    BRIDGE_KEY,
    BUBBLE,
    CAPTION,
    CARD,
    CHAT,
    LIVE,
    OWN_NAMES,
    OwnName,
)
from spaces_bridge.matrix.rooms.rooms import live_state, way_in
from spaces_bridge.matrix.settings import MatrixSettings

_OPENING = """\
# Events

<!-- Made by `make docs` from spaces_bridge/matrix/events/own.py: change that, not this. -->

All that the bridge says in Matrix under a name of its own. Everything else it sends and reads is
in the Matrix specification. There is no account data and no event type of ours but the state event
below: a program that does not know these fields shows a message like any other. Readers should
pass over fields they do not know. A `?` behind a name: the field may be missing.
"""

_ADA = UserId("@ada:example.org")
_PAGE = "https://spaces.example.org/s/garden-hour-x2k4"


def events_page() -> str:
    """Return the whole page."""
    return "\n".join([_OPENING, *(line for own in OWN_NAMES for line in _section(own))])


def examples() -> Mapping[str, Mapping[str, Any]]:
    """Return for each name a content that bears it, as the bridge builds it."""
    space, link = _example(), "https://matrix.to/#/%23spaces_garden-hour-x2k4:example.org"
    said = PostCaption(
        space.space, UtteranceId("4-0"), _ADA, "Ada", 61_200, 63_900, "Roses want water.", "en"
    )
    lines = [
        ChatWords("c1", UserId("@ben:example.org"), "Ben", "How much?", 1_790_000_100_000),
        ChatWords("c2", UserId(""), "A guest", "And when?", 1_790_000_101_000, True, named=False),
    ]
    settings = MatrixSettings(
        "http://127.0.0.1:8008", "example.org", "", "", "https://spaces.example.org"
    )
    bridge = next(iter(way_in(space, settings)))
    return {
        LIVE: live_state(space, _PAGE),
        CARD: card.render(space, 12, _PAGE, captions=True).content,
        BUBBLE: bubble.render(space, 12, _PAGE, link).content,
        CAPTION: captions.content(said, EventId("$card"), EventId("$before"), "thread"),
        CHAT: chat.content(lines),
        BRIDGE_KEY: {"type": bridge.type, "state_key": bridge.key, "content": bridge.content},
    }


def _example() -> LiveSpace:
    made = CreateSpace(
        SpaceId("k2v7mq3xw5tz4yab"), "garden-hour-x2k4", "Garden hour", _ADA, "Ada", 0
    )
    started_ms = 1_790_000_000_000
    space = born(create(made))
    return replace(space, room=RoomId("!room"), phase=Phase.LIVE, started_at_ms=started_ms)


def fields_of(own: OwnName) -> Iterator[tuple[str, str, str, bool]]:
    """Yield name, type, meaning and whether it is always there, of each field.

    Raises LookupError for a field without a meaning.
    """
    if own.content is None:
        return
    for name, hint in get_type_hints(own.content, include_extras=True).items():
        needed = get_origin(hint) is not NotRequired
        annotated = hint if needed else get_args(hint)[0]
        kind, *told = get_args(annotated) or (annotated,)
        if not told:
            raise LookupError(f"{own.name}: {name} has no meaning")
        meaning, *choices = told
        if choices:
            meaning += ": " + ", ".join(f"`{choice.value}`" for choice in choices[0]) + "."
        yield name, _type_name(kind), meaning, needed


def _type_name(hint: object) -> str:
    names = {str: "string", int: "integer", bool: "boolean", NoneType: "null"}
    if isinstance(hint, type) and hint in names:
        return names[hint]
    if get_origin(hint) is Literal:
        return " or ".join(f"`{json.dumps(value)}`" for value in get_args(hint))
    if get_origin(hint) is list:
        return f"list of {_type_name(get_args(hint)[0])}s"
    if isinstance(hint, UnionType):
        return " or ".join(map(_type_name, get_args(hint)))
    raise LookupError(f"no word for the type {hint}")


def _section(own: OwnName) -> Iterator[str]:
    yield f"## `{own.name}`\n\n**{own.title}.** {own.meaning}\n\n{own.where}\n"
    rows = [
        f"| `{name}`{'' if needed else '?'} | {kind} | {meaning} |"
        for name, kind, meaning, needed in fields_of(own)
    ]
    if rows:
        yield "\n".join(["| field | type | meaning |", "|---|---|---|", *rows, ""])
    example = json.dumps(_shortened(examples()[own.name]), ensure_ascii=False, indent=2)
    yield f"```json\n{example}\n```\n"


def _shortened(content: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the content without its HTML, and with the first line of a long text."""
    plain = {k: v for k, v in content.items() if k not in {"format", "formatted_body"}}
    first, _, more = str(plain.get("body", "")).partition("\n")
    return {**plain, "body": f"{first} …"} if more and len(plain) < len(content) else plain


if __name__ == "__main__":
    sys.stdout.write(events_page())
