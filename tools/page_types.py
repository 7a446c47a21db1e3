"""The page's types in TypeScript, which the type checker needs besides the scripts.

The types are those of the feed's frames, from their tables, and of the elements with an id, from
the templates. `python -m tools.page_types` prints them; `make check` makes them anew each time.
"""

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from types import UnionType

from spaces_bridge.web.frames.client import ClientFrame
from spaces_bridge.web.frames.server import ServerFrame
from tools.feed_shapes import Shape, in_typescript, objects_of, shapes_of

_TEMPLATES = Path(__file__).parents[1] / "spaces_bridge" / "web" / "templates"
_ELEMENT = re.compile(r"""<([a-z][a-z0-9]*)\b(?:[^<>"]|"[^"]*")*?\sid="([a-z][a-z-]*)\"""")
_ISOLATED = re.compile(r"""\bbdi\([^()]*\bid="([a-z][a-z-]*)"\)""")
"""The pattern of the macro that puts a name into a sentence."""

_DRAWN = "symbol"


def page_types() -> str:
    """Return the whole file."""
    return "\n".join(
        [
            "// Made by `make check` from the frames and the templates: change those, not this.",
            "",
            "declare namespace Frames {",
            *_interfaces(objects_of(ServerFrame, ClientFrame)),
            *_interfaces(shapes_of(ServerFrame)),
            *_interfaces(shapes_of(ClientFrame)),
            _union("Server", ServerFrame),
            "",
            _union("Client", ClientFrame),
            "}",
            "",
            "/** The elements of the page's templates, by their ids. */",
            "interface PageElements {",
            *(f'  "{id_}": HTMLElementTagNameMap["{tag}"];' for id_, tag in _elements()),
            "}",
            "",
        ]
    )


def _interfaces(shapes: list[Shape]) -> Iterator[str]:
    for shape in shapes:
        yield f"  interface {shape.name} {{"
        for field in shape.fields:
            mark = "" if field.is_required else "?"
            yield f"    {field.name}{mark}: {in_typescript(field)};"
        yield "  }"
        yield ""


def _union(name: str, union: UnionType) -> str:
    return f"  type {name} =\n" + "\n".join(f"    | {s.name}" for s in shapes_of(union)) + ";"


def _elements() -> list[tuple[str, str]]:
    found = dict[str, str]()
    for path in _TEMPLATES.rglob("*.html"):
        text = path.read_text()
        found |= {id_: tag for tag, id_ in _ELEMENT.findall(text) if tag != _DRAWN}
        found |= dict.fromkeys(_ISOLATED.findall(text), "bdi")
    return sorted(found.items())


if __name__ == "__main__":
    sys.stdout.write(page_types())
