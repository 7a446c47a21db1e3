"""A run of the whole suite, tried on tiny projects: what is green, flaky, red, broken, stopped."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.suite.jobs import Job, jobs, next_of

pytestmark = pytest.mark.peers

ROOT = Path(__file__).parents[2]
PATIENCE_S = 120
ALONE = {"PYTHONPATH": str(ROOT), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "FLAKY_LOG": ""}
"""Our run and pytest, without what else is installed here: that takes a second of each process."""

SETTINGS = """
[pytest]
markers =
    promise: chosen
    unit: fast
    slow: slow
"""
GOOD = "def test_good(): pass\n"
FAILS = "def test_fails():\n    assert 1 == 2, 'never'\n"
PASSES_SECOND = """
from pathlib import Path

def test_{name}():
    seen = Path("{name}.seen")
    if not seen.exists():
        seen.touch()
        raise AssertionError("bad weather for {name}")
    print("it cleared up for {name}")
"""
KILLED = "import os, signal\ndef test_dies(): os.kill(os.getpid(), signal.SIGKILL)\n"
SKIPS = "import pytest\ndef test_skips(): pytest.skip('left out: no compiler')\n"
LEAVES = "import os\ndef test_leaves(): os._exit(0)\n"
UNREADABLE = "def test_it(: pass\n"
WAITS = """
import time
from pathlib import Path

def test_waits():
    try:
        Path("waiting").touch()
        time.sleep(600)
    finally:
        Path("cleaned up").touch()
"""
WANTED = "import pytest\n\n@pytest.mark.{marker}\n"


def flaky(*names: str) -> dict[str, str]:
    return {f"tests/test_{name}.py": PASSES_SECOND.format(name=name) for name in names}


def project(folder: Path, files: Mapping[str, str]) -> None:
    (folder / "pytest.ini").write_text(SETTINGS)
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)


def start(folder: Path, chosen: str = "all", **environment: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "tests.suite", chosen],
        cwd=folder,
        env={**os.environ, **ALONE, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def run(
    folder: Path, files: Mapping[str, str], chosen: str = "all", **environment: str
) -> tuple[int, str]:
    project(folder, files)
    process = start(folder, chosen, **environment)
    said, _ = process.communicate(timeout=PATIENCE_S)
    return process.returncode, said


def last_lines(said: str) -> str:
    return said.partition("== in short")[2]


def test_what_passes_the_second_time_is_flaky_and_shown_with_both_outputs(
    tmp_path: Path,
) -> None:
    code, said = run(tmp_path, {"tests/web/test_good.py": GOOD, **flaky("mild")})
    assert code == 0, said
    again = said.partition("== second try: tests/test_mild.py::test_mild")[2]
    assert "bad weather for mild" in again
    assert "it cleared up for mild" in again
    assert "flaky: tests/test_mild.py::test_mild" in last_lines(said)
    assert re.search(r"^others +0 +0 +1 ", last_lines(said), re.MULTILINE)
    assert re.search(r"^web +1 +0 +0 ", last_lines(said), re.MULTILINE)
    assert "green after" in last_lines(said)


def test_what_fails_again_is_red(tmp_path: Path) -> None:
    code, said = run(tmp_path, {"tests/test_it.py": GOOD + FAILS, **flaky("mild")})
    assert code == 1
    assert "Then, alone: failed again" in said
    assert "failed: tests/test_it.py::test_fails" in last_lines(said)
    assert "flaky: tests/test_mild.py::test_mild" in last_lines(said)
    assert re.search(r"^others +1 +1 +1 ", last_lines(said), re.MULTILINE)
    assert "RED after" in last_lines(said)


def test_what_is_left_out_is_named_and_not_red(tmp_path: Path) -> None:
    code, said = run(tmp_path, {"tests/test_it.py": GOOD, "tests/test_other.py": SKIPS})
    assert code == 0
    assert "left out: tests/test_other.py::test_skips" in last_lines(said)


def test_four_flaky_ones_are_no_weather(tmp_path: Path) -> None:
    code, said = run(tmp_path, flaky("one", "two", "three", "four"))
    assert code == 1
    assert len(re.findall("^flaky: ", last_lines(said), re.MULTILINE)) == 4
    assert "failed: " not in last_lines(said)


def test_parts_of_one_run_count_their_flaky_tests_together(tmp_path: Path) -> None:
    log = str(tmp_path / "flaky")
    codes = []
    for part in (["one", "two", "three"], ["four"]):
        folder = tmp_path / part[0]
        folder.mkdir()
        codes.append(run(folder, flaky(*part), FLAKY_LOG=log)[0])
    assert codes == [0, 1]


@pytest.mark.parametrize(
    ("breaks", "why"),
    [
        (KILLED, "killed by SIGKILL, within tests/web/test_it.py::test_dies"),
        (LEAVES, "ended with status 0 before its time, within tests/web/test_it.py::test_leaves"),
    ],
    ids=["killed", "left"],
)
def test_a_process_that_does_not_end_by_itself_is_red_and_nothing_is_tried_again(
    breaks: str, why: str, tmp_path: Path
) -> None:
    code, said = run(tmp_path, {"tests/web/test_it.py": breaks, **flaky("mild")})
    assert code == 1
    assert why in last_lines(said)
    assert "second try" not in said


def test_what_cannot_be_collected_is_red_and_nothing_runs(tmp_path: Path) -> None:
    code, said = run(tmp_path, {"tests/test_it.py": UNREADABLE, **flaky("mild")})
    assert code == 1
    assert "could not be collected: tests/test_it.py" in last_lines(said)
    assert "SyntaxError" in said
    assert not (tmp_path / "mild.seen").exists()


def test_no_tests_are_red(tmp_path: Path) -> None:
    code, said = run(tmp_path, {"tests/test_it.py": GOOD}, "promises")
    assert code == 1
    assert "pytest ended with status 5" in last_lines(said)


def test_many_failures_are_no_weather_and_not_tried_again(tmp_path: Path) -> None:
    many = "".join(f"def test_{number}(): assert False\n" for number in range(11))
    code, said = run(tmp_path, {"tests/test_it.py": many})
    assert code == 1
    assert "second try" not in said
    assert last_lines(said).count("failed: ") == 11


def test_a_stopped_run_cleans_up_and_prints_what_it_reached(tmp_path: Path) -> None:
    project(tmp_path, {"tests/test_it.py": GOOD + WAITS})
    process = start(tmp_path)
    until = time.monotonic() + PATIENCE_S
    while not (tmp_path / "waiting").exists() and time.monotonic() < until:
        time.sleep(0.05)
    process.send_signal(signal.SIGTERM)
    said, _ = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 128 + signal.SIGTERM
    assert (tmp_path / "cleaned up").exists()
    assert "1 passed" in said
    assert "within tests/test_it.py::test_waits" in last_lines(said)
    assert re.search(r"^others +1 ", last_lines(said), re.MULTILINE)


def test_the_sets_beside_the_fast_ones_run_everything_once(tmp_path: Path) -> None:
    marked = {
        "tests/test_fast.py": "unit",
        "tests/test_chosen.py": "promise",
        "tests/test_slow.py": "slow",
    }
    files = {name: WANTED.format(marker=marker) + GOOD for name, marker in marked.items()}
    found = {
        chosen: re.findall(r"tests/test_(\w+)\.py", run(tmp_path, files, chosen)[1])
        for chosen in ("promises", "rest", "all")
    }
    assert {chosen: set(names) for chosen, names in found.items()} == {
        "promises": {"chosen"},
        "rest": {"slow"},
        "all": {"fast", "chosen", "slow"},
    }


def test_few_tests_share_a_process() -> None:
    chosen = [f"tests/a/test_{file}.py::test_{number}" for file in range(4) for number in range(3)]
    assert [len(jobs(chosen, {"tests/a": 4}, enough)) for enough in (1, 3, 4, 12, 13)] == [
        4,
        4,
        3,
        1,
        1,
    ]


def test_one_process_of_a_folder_at_a_time_while_there_are_others() -> None:
    waiting = [Job(name, name[0]) for name in ("a 1", "a 2", "b", "c")]
    assert next_of(waiting, set()).name == "a 1"
    assert next_of(waiting, {"a"}).name == "b"
    assert next_of(waiting, {"a", "b"}).name == "c"
    assert next_of(waiting, {"a", "b", "c"}).name == "a 1"


def test_every_file_is_dealt_to_one_process() -> None:
    chosen = [f"tests/{folder}/test_{n}.py::test" for folder in "abc" for n in range(5)]
    dealt = jobs(
        [*chosen, "tests/test_top.py::test[a/b::c]"], {"tests/a": 2, "tests/b": 9}, enough=1
    )
    assert [(job.name, len(job.files)) for job in dealt] == [
        ("a 1", 3),
        ("a 2", 2),
        *((f"b {number}", 1) for number in range(1, 6)),
        ("others", 6),
    ]
    assert sorted(test for job in dealt for test in job.tests) == sorted(
        [*chosen, "tests/test_top.py::test[a/b::c]"]
    )
