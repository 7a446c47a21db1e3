"""`make test` shows each promise of the README, and everything else runs somewhere, too."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.promises import Promise, promises
from tests.suite.jobs import FAST, PROMISES, SETS

pytestmark = pytest.mark.unit

ROOT = Path(__file__).parents[1]

BESIDE_THE_README = {
    "the bot",
    "the room",
    "private spaces",
    "the web interface",
    "the program",
    "kill -9",
    "storage",
    "strangers",
}
PARTS = {
    "synapse",
    "second homeserver",
    "sqlite",
    "postgresql",
    "chromium",
    "Element Call",
    "LiveKit SDKs",
    "matrix-js-sdk",
    "firefox",
    "webkit",
    "network",
    "sound",
    "captions",
    "killed bridge",
    "killed media worker",
    "killed caption worker",
    "killed homeserver",
}
"""What has to take part once at least; `sqlite` is named where both databases do."""


def what_it_does() -> set[str]:
    readme = (ROOT / "README.md").read_text()
    section = readme.partition("\n## What it does\n")[2].partition("\n## ")[0]
    return set(re.findall(r"^- \*\*(.+?)\*\*", section, flags=re.MULTILINE))


def test_every_promise_of_the_readme_is_shown_and_no_other_is_invented() -> None:
    assert len(what_it_does()) >= 7
    assert {promise.of for promise in promises()} == what_it_does() | BESIDE_THE_README


def test_every_part_takes_part() -> None:
    assert {part for promise in promises() for part in promise.by} == PARTS


@pytest.mark.parametrize("promise", promises(), ids=lambda promise: promise.says)
def test_the_tests_of_a_promise_are_there_and_none_is_of_the_fast_ones(promise: Promise) -> None:
    assert promise.tests
    for test in promise.tests:
        path, name = test.partition("[")[0].split("::")
        tree = ast.parse((ROOT / path).read_text())
        defined = {
            node.name
            for node in tree.body
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        }
        assert name in defined, test
        assert set(kinds(tree)) & {"peers", "e2e"}, test


def kinds(tree: ast.Module) -> Iterator[str]:
    """The names in a module's `pytestmark`."""
    for node in tree.body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "pytestmark":
            yield from re.findall(r"pytest\.mark\.(\w+)", ast.unparse(node.value))


def test_check_runs_the_fast_ones() -> None:
    makefile = (ROOT / "Makefile").read_text()
    assert f"pytest -q -m '{FAST}'" in makefile


@pytest.mark.parametrize("promise", [False, True])
@pytest.mark.parametrize("unit", [False, True])
@pytest.mark.parametrize("slow", [False, True])
def test_whatever_its_markers_a_test_runs_in_exactly_one_of_three(
    unit: bool, slow: bool, promise: bool
) -> None:
    if promise and unit:
        return  # refused when tests are collected, see tests/conftest.py
    markers = {"unit": unit, "slow": slow, "promise": promise}
    chosen_by = [
        expression
        for expression in (FAST, PROMISES, SETS["rest"])
        if eval(expression, {}, markers)
    ]
    assert len(chosen_by) == 1
