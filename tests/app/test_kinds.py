"""What is stored says by a kind what it is, and no name of a class decides the kind."""

import ast
import json
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest

import spaces_bridge
from spaces_bridge.app import codec, kinds, tasks
from spaces_bridge.app.records import JsonObject, OutboxEntry, StoredEvent
from spaces_bridge.core import events
from tests.support.recordings import bodies

pytestmark = pytest.mark.unit

PACKAGE = Path(spaces_bridge.__file__).parent
DOTTED = re.compile(r"[a-z]+(_[a-z]+)*\.[a-z]+(_[a-z]+)*")

NAMES_SHOWN = {
    "app/actor.py": "logged",
    "app/codec.py": "in an error's text",
    "app/supervisor.py": "logged, and shown by /ready",
    "captions/messages.py": "a kind of a message to a worker",
    "captions/process.py": "in an error's text",
    "livekit/engine/api.py": "in an error's text",
    "media/sfu_client/background.py": "logged",
    "media/sfu_client/published.py": "logged",
    "media/sfu_client/secrecy.py": "in an error's text",
    "media/sfu_client/texts.py": "logged",
    "captions/worker/__main__.py": "in an error's text",
    "captions/worker/scheduler.py": "in an error's text",
    "check.py": "shown on the terminal",
    "checks/public_address.py": "shown on the terminal",
    "demo/steps.py": "shown on the terminal",
    "livekit/errors.py": "logged",
    "matrix/client/http.py": "in an error's text",
    "matrix/client/foreign_sfus.py": "in an error's text",
    "matrix/client/openid.py": "in an error's text",
    "matrix/outbox/handlers.py": "in an error's text",
    "matrix/plain_calls/tasks.py": "logged",
    "media/codec.py": "a kind of a message to a worker",
    "media/worker/duplex_peers.py": "logged",
    "media/worker/process.py": "logged",
    "matrix/client/home_well_known.py": "logged",
    "storage/crypto.py": "in an error's text",
    "storage/errors.py": "in an error's text",
    "storage/text.py": "in an error's text",
    "web/feed/feed.py": "logged",
    "web/access/token_revocation.py": "logged",
    "web/problems.py": "logged",
    "wire/schema.py": "in what is wrong with a value",
}
"""Where the name of a class is used, and for what: never as a row's kind."""


def test_every_event_and_every_task_has_one_kind_of_its_own() -> None:
    stored = (*get_args(events.Event), events.SpaceCreated, *get_args(tasks.OutboxTask))
    every = Counter(cls.stored_as for cls in stored)
    assert [kind for kind, number in every.items() if number > 1] == []
    assert [kind for kind in every if not DOTTED.fullmatch(kind)] == []


def test_the_kinds_are_those_that_are_stored() -> None:
    """A kind may be added here and to the recorded bodies; none may change, and none may go."""
    assert {*kinds.EVENTS} == {*bodies("events")}
    assert {*kinds.TASKS} == {*bodies("tasks")}


@pytest.mark.parametrize("kind", bodies("events"))
def test_a_recorded_event_is_read_as_it_was_written(kind: str) -> None:
    body = bodies("events")[kind]
    event = codec.event_from(StoredEvent(1, 2, kind, body))
    assert type(event) is kinds.EVENTS[kind]
    assert _says_the_same(codec.to_body(event), body)


@pytest.mark.parametrize("kind", bodies("tasks"))
def test_a_recorded_task_is_read_as_it_was_written(kind: str) -> None:
    body = bodies("tasks")[kind]
    task = codec.task_from(OutboxEntry("key", "lane", kind, body))
    assert type(task) is kinds.TASKS[kind]
    assert _says_the_same(codec.to_body(task), body)


def _says_the_same(now: JsonObject, recorded: JsonObject) -> bool:
    """Fields that came later may stand beside those that were recorded."""
    held = json.loads(json.dumps(now, default=dict))
    return {name: held.get(name) for name in recorded} == recorded


def test_the_name_of_a_class_is_shown_and_logged_but_not_stored() -> None:
    found = {
        str(path.relative_to(PACKAGE))
        for path in PACKAGE.rglob("*.py")
        if any(_names_of_classes(ast.parse(path.read_text())))
    }
    assert found <= NAMES_SHOWN.keys(), "a class may be renamed: is its name stored there?"


def _names_of_classes(tree: ast.AST) -> Iterator[ast.Attribute]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr in {"__name__", "__qualname__"}:
            yield node
