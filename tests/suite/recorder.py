"""A pytest plugin that writes down what happens as it happens (`-p tests.suite.recorder`).

Each line of the record is one JSON object, so that a process which is killed still leaves what it
reached. `tests/suite/record.py` reads it.
"""

import json
from pathlib import Path

import pytest

OPTION = "--record"


class Recorder:
    """Appends one line for each step of the run to a file."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("a", encoding="utf-8", buffering=1)

    def _note(self, kind: str, **fields: object) -> None:
        self._file.write(json.dumps({"kind": kind, **fields}) + "\n")

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Note a file or folder that could not be collected."""
        if report.failed:
            self._note("uncollected", where=report.nodeid, text=report.longreprtext)

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Note which tests were chosen."""
        self._note("collected", tests=[item.nodeid for item in session.items])

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        """Note which test begins."""
        self._note("begun", test=nodeid)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note how the set-up, the test itself or the cleaning up ended."""
        text = ""
        if report.failed:
            sections = [f"--- {title}\n{content}" for title, content in report.sections]
            text = "\n".join([report.longreprtext, *sections])
        self._note(
            "phase",
            test=report.nodeid,
            phase=report.when,
            outcome=report.outcome,
            seconds=report.duration,
            text=text,
        )

    def pytest_sessionfinish(self, exitstatus: int | pytest.ExitCode) -> None:
        """Note that pytest came to its end by itself."""
        self._note("finished", status=int(exitstatus))

    def pytest_unconfigure(self) -> None:
        """Close the file."""
        self._file.close()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option that names the file."""
    parser.addoption(OPTION, type=Path, help="write down what happens to this file (JSON lines)")


def pytest_configure(config: pytest.Config) -> None:
    """Begin a record where one is asked for."""
    path: Path | None = config.getoption(OPTION)
    if path is not None:
        config.pluginmanager.register(Recorder(path), "suite-recorder")
