"""The document docs/feed.md, made from the tables of frames.

`python -m tools.feed_doc` prints it; `make docs` writes it.
"""

import json
import sys
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path

from spaces_bridge.app.chat import KEPT as CHAT_KEPT
from spaces_bridge.app.usecases import chat
from spaces_bridge.core.live_space import CAPTIONS_KEPT, POSTS_KEPT
from spaces_bridge.web import views
from spaces_bridge.web.access import page_access
from spaces_bridge.web.feed import channel, feed, line, outgoing, people, verbs
from spaces_bridge.web.frames.client import ClientFrame
from spaces_bridge.web.frames.server import ServerFrame
from tools.feed_examples import CLIENT_EXAMPLES, SERVER_EXAMPLES
from tools.feed_shapes import Field, Shape, in_words, objects_of, shapes_of

_SENTENCES = Path(__file__).parents[1] / "spaces_bridge" / "web" / "locales" / "en.json"

_OPENING = """\
# The live feed

<!-- Made by `make docs` from the tables in spaces_bridge/web/frames/ and from \
tools/feed_doc.py: change those, not this. -->

The page of a live space is kept true by one WebSocket. Whatever the page shows and does goes \
through it, except the sound. This document is for people who write another client of it.

```
GET wss://YOUR.HOST/s/SLUG/feed
```

`YOUR.HOST` and `SLUG` are those of the page's address, `https://YOUR.HOST/s/SLUG`. Programs \
send no `Origin` header; with one of another site the upgrade is refused (403).

## How a conversation goes

1. The client opens the connection and sends `auth`: who it is, or that it is nobody in particular.
2. The server answers `hello` with all there is to show: the live space, stage and queue, the \
last captions and chat lines, and what this person may do. Or it answers `error` and closes.
3. From then on the server sends what changes, and the client sends what its person does.
4. A refused request is answered by `error`; the connection stays. A request that is granted is \
answered by what it changes, for everybody whom it concerns; where nothing changes on the page, \
by `notice`.
5. When the connection is lost, the client opens another one and sends `auth` with the `session` \
of its `hello`: it is the same person again. `hello` tells everything anew; nothing has to be \
asked for.

```
> {"type":"auth","name":"Noor"}
< {"type":"hello","you":{"id":"@spaces_guest_7q2m:example.org","role":"listener",…},"session":"…"}
> {"type":"hand","raised":true}
< {"type":"role","hand":"pending","queue_place":1,…}
< {"type":"roster","queue":[…],"hands":1,…}
< {"type":"role","role":"speaker","may_speak":true,…}
```

The sound is apart from it: WHEP to listen, WHIP to speak (`/api/openapi.json` describes both), \
with `session` as the bearer. The floor is granted here; the microphone opens when its WHIP \
session does.

## Rules of the wire

- Every message is one JSON object as text, with a `type`. Times are integers.
- A client ignores frames with a `type` it does not know, and fields it does not know. Values \
that a table lists may become more. Fields keep their name, type and meaning; what is marked \
*optional* may be left out. So there is no version number.
- The order of frames is the order of events. Frames that are whole (`roster`, `role`, `space`) \
replace what the frame before said.
- Whoever *moderates* is host or co-host. An *account* is a Matrix user; a *guest* has a name \
and no account; a *nameless* listener has neither.
- Texts come from strangers: show them as text, never as markup.
"""

JSON_WIDTH = 100

_CLOSINGS: tuple[tuple[int, str, str], ...] = (
    (1001, "The server restarts, or goes.", "Come back, the first time within a second."),
    (1009, "A frame was too long.", "Send shorter ones."),
    (1013, "A part of the server is away.", "Come back later."),
    (4400, "The first frame was none, or its name cannot be used.", "Mend it."),
    (4401, "The link, the session or the OpenID token does not count.", "Come as nobody."),
    (4403, "Not wanted here: removed, not a member any more, or guests are off.", "Stay away."),
    (4404, "There is no such live space, or it is private.", "Stay away."),
    (4408, "The first frame came too late, or the client reads too slowly.", "Come back."),
    (4423, "The live space is locked for newcomers.", "Come back after half a minute."),
    (4429, "Too often.", "Come back after half a minute."),
)


def close_codes() -> set[int]:
    """Return the close codes that the document names."""
    return {code for code, _, _ in _CLOSINGS}


def feed_page() -> str:
    """Return the whole document, as Markdown."""
    server, client = shapes_of(ServerFrame), shapes_of(ClientFrame)
    return "\n".join(
        [
            _OPENING,
            "## What the server sends\n",
            *_frames(server, SERVER_EXAMPLES),
            "## What a client sends\n",
            *_frames(client, CLIENT_EXAMPLES),
            "## Objects\n",
            *(
                line
                for one in _sorted(objects_of(ServerFrame, ClientFrame))
                for line in _object(one)
            ),
            *_closings(),
            *_limits(),
            *_codes(),
        ]
    )


def _sorted(shapes: list[Shape]) -> list[Shape]:
    return sorted(shapes, key=lambda shape: shape.name)


def _frames(shapes: Sequence[Shape], examples: Sequence[object]) -> Iterator[str]:
    for kind, group in groupby(shapes, key=lambda shape: shape.kind):
        yield f"### `{kind}`\n"
        for shape in group:
            yield f"{shape.about} *{shape.whom}*\n"
            yield from _table([field for field in shape.fields if field.name != "type"])
            for example in _examples_of(shape, examples):
                yield f"```json\n{_json(example)}\n```\n"


def _examples_of(shape: Shape, examples: Sequence[object]) -> list[object]:
    return [example for example in examples if fits(shape, example)]


def fits(shape: Shape, frame: object) -> bool:
    """Return whether a frame has all fields that its shape must have, and no unknown ones."""
    if not isinstance(frame, dict) or frame.get("type") != shape.kind:
        return False
    names = {field.name for field in shape.fields}
    required = {field.name for field in shape.fields if field.is_required}
    final = next((field.hint for field in shape.fields if field.name == "final"), None)
    if final is not None and frame.get("final") not in getattr(final, "__args__", ()):
        return False
    return required <= frame.keys() <= names


def _object(shape: Shape) -> Iterator[str]:
    yield f"### {shape.name}\n"
    yield f"{shape.about}\n"
    yield from _table(shape.fields)


def _table(fields: Sequence[Field]) -> Iterator[str]:
    if not fields:
        return
    yield "| field | type | |"
    yield "|---|---|---|"
    for field in fields:
        optional = "" if field.is_required else ", *optional*"
        yield f"| `{field.name}` | {in_words(field)}{optional} | {field.note} |"
    yield ""


def _json(value: object, indent: str = "") -> str:
    """Return a value as JSON: in one line if that is short, else with a line for each member."""
    short = json.dumps(value, ensure_ascii=False)
    if len(indent + short) <= JSON_WIDTH or not isinstance(value, dict | list):
        return short
    deeper = f"{indent}  "
    if isinstance(value, dict):
        members = [f"{json.dumps(key)}: {_json(inner, deeper)}" for key, inner in value.items()]
        return _filled("{", members, "}", indent)
    return _filled("[", [_json(inner, deeper) for inner in value], "]", indent)


def _filled(begin: str, members: list[str], end: str, indent: str) -> str:
    lines = [""]
    for member in members:
        is_first = lines[-1] == ""
        fits_there = len(indent) + len(lines[-1]) + len(member) + 5 <= JSON_WIDTH
        if is_first or ("\n" not in lines[-1] + member and fits_there):
            lines[-1] += member if is_first else f", {member}"
        else:
            lines.append(member)
    inside = f",\n{indent}  ".join(lines)
    return f"{begin}\n{indent}  {inside}\n{indent}{end}"


def _closings() -> Iterator[str]:
    yield "## Close codes\n"
    yield "Where the server refuses, an `error` says why first, and the close reason is its code."
    yield "Codes 1001 and 1009, and 4408 for a slow client, come without one.\n"
    yield "| code | means | then |"
    yield "|---|---|---|"
    for code, means, then in _CLOSINGS:
        yield f"| {code} | {means} | {then} |"
    yield ""
    yield "A client that comes back waits longer each time (the page: 0.4 s, doubled up to 8 s).\n"


def _limits() -> Iterator[str]:
    yield "## Limits\n"
    yield "| what | limit |"
    yield "|---|---|"
    for what, limit in _LIMITS:
        yield f"| {what} | {limit} |"
    yield ""


_LIMITS: tuple[tuple[str, str], ...] = (
    ("first frame", f"within {feed.AUTH_WITHIN_S:g} s"),
    ("a client's frame", f"{feed.FRAME_MAX // 1024} KiB"),
    ("any text in it", f"{verbs.TEXT_MAX} characters, many fields fewer"),
    ("a user id", f"{verbs.USER_MAX} bytes"),
    ("frames of one person", f"{feed.PERSON_BURST} at once, then {feed.PERSON_PER_S} a second"),
    (
        "frames of all guests of one network",
        f"{feed.CROWD_BURST} at once, then {feed.CROWD_PER_S} a second",
    ),
    (
        "guests with a name that one network brings",
        f"{feed.GUESTS_BURST} at once, then one every {1 / feed.GUESTS_PER_S:g} s",
    ),
    (
        "feeds and streams of one network at once",
        f"{page_access.MOST_AT_ONCE}: then HTTP answers 429",
    ),
    (
        "chat lines of one person",
        f"{chat.PERSON_BURST} at once, then one every {1 / chat.PERSON_PER_S:g} s",
    ),
    ("silence of the server", f"at most {line.BEAT_S:g} s: then a `beat` comes"),
    ("pings of the server", f"every {feed.HEARTBEAT_S:g} s, to be answered as WebSocket asks"),
    (
        "what may wait for a slow client",
        f"{outgoing.QUEUE_MAX} frames or {outgoing.QUEUE_BYTES // 1024} KiB: then 4408",
    ),
    (
        "`roster`",
        f"every {channel.STAGE_INTERVAL_S:g} s at most, for counts {channel.CROWD_INTERVAL_S:g} s",
    ),
    ("`reactions`", f"every {channel.REACTIONS_INTERVAL_S:g} s at most"),
    ("hands in a `roster`", str(views.QUEUE_SHOWN)),
    ("people in a `people` answer", str(people.SHOWN)),
    ("captions in `hello`", str(CAPTIONS_KEPT)),
    ("chat lines in `hello`", str(CHAT_KEPT)),
    ("links in a live space", str(POSTS_KEPT)),
)


def _codes() -> Iterator[str]:
    yield "## What errors and notices say\n"
    yield "`{…}` is filled from `with`. Some errors are answers over HTTP only. There may be more"
    yield "codes tomorrow: show the `text` of those that a client does not know.\n"
    yield "| frame | code | text |"
    yield "|---|---|---|"
    for key, sentence in json.loads(_SENTENCES.read_text()).items():
        kind, _, code = key.partition(".")
        if kind in ("notice", "error"):
            yield f"| `{kind}` | `{code}` | {sentence} |"
    yield ""


if __name__ == "__main__":
    sys.stdout.write(feed_page())
