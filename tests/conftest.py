"""Deployment rules for every test, kept by machine.

* A test module names its kind with one of the markers `unit`, `peers`, `e2e`; a module without
  one fails the collection.
* The tests of `tests/promises.toml` are marked `promise`: `make test` runs these. They are of the
  real kinds, and each name in the table finds a test.
* A test marked `needs("chromium")` is left out, by name, where the machine has no such program.
* With `CI=true` nothing may be left out: a skipped test is a failed one. What `machine.MAY_LACK`
  names is the exception; its tests are named as left out.
"""

import os
from collections.abc import Generator

import pytest
from hypothesis import settings

from tests.promises import chosen
from tests.support import machine

# No test asserts time. In CI hypothesis has a profile of its own, which repeats itself.
if os.environ.get("CI") != "true":
    settings.register_profile("house", deadline=None)
    settings.load_profile("house")

KINDS = frozenset({"unit", "peers", "e2e"})


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Refuse test modules of no kind; leave out what this machine cannot run."""
    unmarked = {
        str(item.path.relative_to(item.config.rootpath))
        for item in items
        if not KINDS & {marker.name for marker in item.iter_markers()}
    }
    if unmarked:
        listed = ", ".join(sorted(unmarked))
        raise pytest.UsageError(
            f"{listed}: set `pytestmark = pytest.mark.<unit|peers|e2e>` (and `slow` beside it "
            "for a test of more than 20 s)"
        )
    _mark_promises(items)
    for item in items:
        for name in _missing(item):
            item.add_marker(pytest.mark.skip(f"left out: {machine.how_to_get(name)}"))


def _missing(item: pytest.Item) -> set[str]:
    """The programs that the test needs and this machine lacks."""
    needed = {name for marker in item.iter_markers("needs") for name in marker.args}
    return {name for name in needed if machine.find(name) is None}


def _mark_promises(items: list[pytest.Item]) -> None:
    """Mark the tests of the table; refuse fast ones, and names that find none."""
    wanted, found = chosen(), set[str]()
    for item in items:
        names = {item.nodeid, item.nodeid.partition("[")[0]} & wanted
        if names:
            if item.get_closest_marker("unit"):
                raise pytest.UsageError(f"{item.nodeid}: the tests of promises are not `unit`")
            item.add_marker("promise")
            found |= names
    everything = bool(items) and items[0].config.args_source is pytest.Config.ArgsSource.TESTPATHS
    if everything and not items[0].session.testsfailed and (lost := sorted(wanted - found)):
        raise pytest.UsageError(f"tests/promises.toml names no test: {', '.join(lost)}")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """In CI a skip is a failure: nothing is left out silently."""
    report = yield
    in_ci = report.skipped and not hasattr(report, "wasxfail") and os.environ.get("CI") == "true"
    missing = _missing(item)
    if in_ci and not (missing and missing <= machine.MAY_LACK):
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid} was skipped, and CI=true forbids that: {report.longrepr}"
    return report
