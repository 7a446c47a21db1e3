"""All sentences the bridge can say on a page, read from its source: codes and English templates.

A catalogue in another language is complete when it has one entry for each.
"""

import ast
import string
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import spaces_bridge

ROOT = Path(spaces_bridge.__file__).parent

SPEAKING = ("core", "app", "web")
"""Packages whose sentences reach the page; Matrix speaks for itself."""

FOR_ADMINS = "web/http/admin.py"

ERRORS = {"Rejected": 0, "Refusal": 0, "Problem": 1, "_Refused": 1}
"""What is raised, and which of its arguments is the code; the next one is the template."""

NOTICES = {"say": 0}

FROM_MEDIA = {
    "busy": "One moment: many people are joining right now.",
    "full": "No more people can come in here: this server is full. Try again later.",
    "no_sound": "There is no sound: this live space is not live.",
}
"""Refusals of the media worker that no page of ours is to blame for; the rest are about SDP."""


@dataclass
class Spoken:
    """What was found: templates by code, and places that say what they were handed."""

    errors: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    notices: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    handed: set[str] = field(default_factory=set)
    unfilled: set[str] = field(default_factory=set)
    """Codes of templates with a place that nothing fills."""


def spoken() -> Spoken:
    """Everything the source can say on a page."""
    found = Spoken()
    for code, template in FROM_MEDIA.items():
        found.errors[code].add(template)
    for room in SPEAKING:
        for path in sorted((ROOT / room).rglob("*.py")):
            name = str(path.relative_to(ROOT))
            if name != FOR_ADMINS:
                _collect(found, name, ast.parse(path.read_text()))
    return found


def catalogue() -> dict[str, dict[str, str]]:
    """`errors` and `notices`: the English template of each code."""
    found = spoken()
    return {
        "errors": {code: min(found.errors[code]) for code in sorted(found.errors)},
        "notices": {code: min(found.notices[code]) for code in sorted(found.notices)},
    }


def places_of(template: str) -> set[str]:
    """The names of its places."""
    return {name for _, name, _, _ in string.Formatter().parse(template) if name is not None}


def _collect(found: Spoken, name: str, module: ast.Module) -> None:
    for scope in ast.walk(module):
        if isinstance(scope, ast.Module | ast.FunctionDef | ast.AsyncFunctionDef):
            for call in _calls(scope):
                _note(found, f"{name} {getattr(scope, 'name', '')}", scope, call)


def _calls(scope: ast.AST) -> Iterator[ast.Call]:
    """The calls in this scope, not those of functions within it."""
    for node in ast.iter_child_nodes(scope):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        if isinstance(node, ast.Call):
            yield node
        yield from _calls(node)


def _note(found: Spoken, place: str, scope: ast.AST, call: ast.Call) -> None:
    name = call.func.id if isinstance(call.func, ast.Name) else ""
    at = ERRORS.get(name, NOTICES.get(name))
    if at is None:
        return
    code, template = (_literal(scope, argument) for argument in call.args[at : at + 2])
    if code is None or template is None:
        found.handed.add(place)
        return
    (found.errors if name in ERRORS else found.notices)[code].add(template)
    if places_of(template) - {keyword.arg for keyword in call.keywords}:
        found.unfilled.add(code)


def _literal(scope: ast.AST, argument: ast.expr) -> str | None:
    """The text of an argument, also by way of a name that was given to it just before."""
    if isinstance(argument, ast.Name):
        given = [
            node
            for node in ast.walk(scope)
            if isinstance(node, ast.Assign)
            and node.lineno < argument.lineno
            and [getattr(target, "id", None) for target in node.targets] == [argument.id]
        ]
        if given:
            argument = max(given, key=lambda node: node.lineno).value
    if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
        return argument.value
    return None
