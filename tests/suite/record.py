"""What a record of `tests/suite/recorder.py` says: how each test ended."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(slots=True)
class TestRun:
    """How one test went: all its phases together."""

    __test__ = False  # pytest takes every class named so for tests

    test: str
    seconds: float = 0.0
    outcome: str = "unfinished"
    text: str = ""

    @property
    def failed(self) -> bool:
        """Whether the set-up, the test or the cleaning up failed, or never ended."""
        return self.outcome in ("failed", "unfinished")

    def add(self, phase: Mapping[str, Any]) -> None:
        """Take in how one phase ended; a failure of any phase stays."""
        self.seconds += phase["seconds"]
        if self.outcome != "failed":
            ended = phase["phase"] == "teardown"
            skipped = "skipped" in (phase["outcome"], self.outcome)
            said = "skipped" if skipped else "passed" if ended else "unfinished"
            self.outcome = "failed" if phase["outcome"] == "failed" else said
        self.text += phase["text"]


@dataclass(slots=True)
class Record:
    """What a pytest process chose, reached and said."""

    chosen: list[str] = field(default_factory=list)
    tests: dict[str, TestRun] = field(default_factory=dict)
    uncollected: list[str] = field(default_factory=list)
    status: int | None = None
    """pytest's own exit status; None where it did not come to its end."""

    @property
    def unfinished(self) -> list[str]:
        """The tests that had begun and did not end."""
        return [run.test for run in self.tests.values() if run.outcome == "unfinished"]


def read(path: Path) -> Record:
    """Read a record, which may still be growing or be cut off in its last line."""
    record = Record()
    for line in _lines(path):
        match line["kind"]:
            case "collected":
                record.chosen = line["tests"]
            case "uncollected":
                record.uncollected.append(f"{line['where']}\n{line['text']}")
            case "begun":
                record.tests[line["test"]] = TestRun(line["test"])
            case "phase":
                record.tests[line["test"]].add(line)
            case "finished":
                record.status = line["status"]
            case kind:
                raise ValueError(f"{path}: {kind} is nothing a recorder writes")
    return record


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    if path.exists():
        for line in path.read_text(encoding="utf-8").splitlines(keepends=True):
            if line.endswith("\n"):
                yield json.loads(line)
