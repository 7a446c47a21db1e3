"""docs/threats.md names tests that exist, and each defence can be taken out (tests/mutants.py)."""

import ast
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import pytest

from tests.mutants import ROOT, Mutant, mutants

pytestmark = pytest.mark.unit

ROWS = re.findall(
    r"^\| (\d+) \| (.+?) \| (.+?) \| (.+?) \|$",
    (ROOT / "docs" / "threats.md").read_text(),
    flags=re.MULTILINE,
)
NOTHING_TO_ATTACK: Mapping[int, str] = {}
"""Threats that the table names for whoever adds what they are about, without a test; and why."""

NOT_CODE = {
    28: "what a full disk does is SQLite's and PostgreSQL's own answer, which we pass on",
    29: "kept by a lint rule for all of the code",
    32: "kept by the locks",
    **NOTHING_TO_ATTACK,
}
"""Threats whose defence is no line of ours that could be taken out, and why."""


@cache
def _tests_of(file: str) -> frozenset[str]:
    tree = ast.parse((ROOT / file).read_text())
    return frozenset(
        node.name
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.name.startswith("test_")
    )


def _exists(test: str) -> bool:
    file, _, name = test.partition("::")
    known = _tests_of(file) if Path(ROOT / file).is_file() else frozenset()
    return bool(known) and (not name or name in known)


def _proofs(cell: str) -> list[str]:
    return re.findall(r"`(tests/[^`]+)`", cell)


def test_every_threat_is_numbered_once() -> None:
    numbers = [int(number) for number, *_ in ROWS]
    assert len(numbers) >= 20
    assert numbers == sorted(set(numbers))


@pytest.mark.parametrize(("number", "proofs"), [(row[0], row[3]) for row in ROWS])
def test_every_threat_is_proved_by_tests_that_exist(number: str, proofs: str) -> None:
    named = _proofs(proofs)
    assert bool(named) is (int(number) not in NOTHING_TO_ATTACK), number
    assert [test for test in named if not _exists(test)] == []


@pytest.mark.parametrize("mutant", mutants(), ids=lambda mutant: mutant.name)
def test_every_defence_can_be_taken_out(mutant: Mutant) -> None:
    mutant.applied((ROOT / mutant.file).read_text())
    assert [test for test in mutant.tests if not _exists(test)] == []
    named = {
        proof.partition("::")[0]
        for row in ROWS
        if int(row[0]) == mutant.threat
        for proof in _proofs(row[3])
    }
    assert {test.partition("::")[0] for test in mutant.tests} <= named


def test_every_threat_has_a_defence_to_take_out_or_a_reason() -> None:
    taken = {mutant.threat for mutant in mutants()}
    listed = {int(number) for number, *_ in ROWS}
    assert taken | NOT_CODE.keys() == listed
    assert not taken & NOT_CODE.keys()


def test_a_defence_that_moved_is_an_error() -> None:
    gone = Mutant(0, "gone", "README.md", "no such text anywhere in it", "", ())
    with pytest.raises(ValueError, match="stands 0 times"):
        gone.applied((ROOT / "README.md").read_text())
