"""Scripts as browsers get them: without comments, and with the modules that they import. Pure."""

import posixpath
import re
from collections.abc import Mapping, Sequence

Graph = Mapping[str, Sequence[str]]
"""The modules that each module imports; a name is a path such as `js/views/bar.js`."""

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
    """Return the script without comments that have lines of their own; the lines stay, empty.

    The types in comments are for developers: no phone has to load them. Errors keep their lines.
    """
    return _COMMENT.sub(lambda found: "\n" * found[0].count("\n"), source)


def graph(sources: Mapping[str, str]) -> Graph:
    """Return the imports of all modules. Raises ValueError for an import that is none of them.

    An import while a module runs, by `import()`, does not count.
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
    """Return all modules that `entry` needs, the nearest first. Raises KeyError for no module."""
    found = [entry]
    for name in found:  # `found` grows meanwhile
        found += [path for path in dict.fromkeys(modules[name]) if path not in found]
    return found[1:]


def _path(importer: str, text: str) -> str:
    if not text.startswith("."):
        return text
    return posixpath.normpath(posixpath.join(posixpath.dirname(importer), text))
