"""What browsers are to know of the scripts: which modules one needs, and no comments. Pure."""

import posixpath
import re
from collections.abc import Mapping, Sequence

Graph = Mapping[str, Sequence[str]]
"""What each module imports; a name is a path such as `js/views/bar.js`."""

_IMPORT = re.compile(
    r"""^(?:import\s+(?:[^;'"(]*?\bfrom\s*)?   # import "…"; import {…} from "…"
         | export\s*[*{][^;'"(]*?\bfrom\s*)    # export {…} from "…"
        "([^"]+)" """,
    re.MULTILINE | re.VERBOSE,
)

_COMMENT = re.compile(
    r"""^[ \t]* (?: /\*\* (?:(?!\*/).)* \*/ [ \t]*$   # of one line or several
              | //[^\n]* )""",
    re.MULTILINE | re.DOTALL | re.VERBOSE,
)


def without_comments(source: str) -> str:
    """The script without comments that have lines of their own, which stay, empty.

    Types are for developers. Nobody's phone has to load them, and errors keep their lines.
    """
    return _COMMENT.sub(lambda found: "\n" * found[0].count("\n"), source)


def graph(sources: Mapping[str, str]) -> Graph:
    """Reads all modules, given by name. Raises ValueError for an import that is none of them.

    What a module imports while it runs, by `import()`, does not count.
    """
    found: dict[str, Sequence[str]] = {}
    for name, source in sources.items():
        wanted = [_path(name, text) for text in _IMPORT.findall(source)]
        for path in wanted:
            if path not in sources:
                raise ValueError(f"{name} imports {path}, which is not there")
        found[name] = wanted
    return found


def needed_by(entry: str, modules: Graph) -> list[str]:
    """All that `entry` needs besides itself, the nearest first. Raises KeyError: no module."""
    found = [entry]
    for name in found:  # grows meanwhile
        found += [path for path in dict.fromkeys(modules[name]) if path not in found]
    return found[1:]


def _path(importer: str, text: str) -> str:
    if not text.startswith("."):
        return text
    return posixpath.normpath(posixpath.join(posixpath.dirname(importer), text))
