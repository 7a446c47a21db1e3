"""Takes each defence of docs/threats.md out once, and sees its tests fail (`make mutants`).

`tests/mutants.toml` says for each defence which text of which file is replaced by what, and
which tests have to notice. Works on a copy of the tree; a defence whose tests stay green without
it is one that nothing proves.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
TABLE = ROOT / "tests" / "mutants.toml"
TESTS_TAKE_S = 300


@dataclass(frozen=True, slots=True)
class Mutant:
    """One defence taken out: `find` stands once in `file` and becomes `replace`."""

    threat: int
    name: str
    file: str
    find: str
    replace: str
    tests: tuple[str, ...]

    def applied(self, text: str) -> str:
        """The file's text without the defence. Raises ValueError: it does not stand there once."""
        if text.count(self.find) != 1:
            raise ValueError(f"{self.name}: stands {text.count(self.find)} times in {self.file}")
        return text.replace(self.find, self.replace)


def mutants() -> list[Mutant]:
    """All of the table."""
    table = tomllib.loads(TABLE.read_text(encoding="utf-8"))["mutant"]
    return [Mutant(**{**row, "tests": tuple(row["tests"])}) for row in table]


def survivors(wanted: Sequence[Mutant], copy: Path) -> Iterator[Mutant]:
    """Those whose tests do not notice; says how each ended. Raises ValueError."""
    for mutant in wanted:
        path = copy / mutant.file
        whole = path.read_text(encoding="utf-8")
        path.write_text(mutant.applied(whole), encoding="utf-8")
        try:
            noticed = not _is_green(mutant.tests, copy)
        finally:
            path.write_text(whole, encoding="utf-8")
        print(
            f"{mutant.threat:>3}  {'noticed' if noticed else 'SURVIVED'}  {mutant.name}",
            flush=True,
        )
        if not noticed:
            yield mutant


def _is_green(tests: Sequence[str], copy: Path, within_s: float = TESTS_TAKE_S) -> bool:
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *tests]
    # the copy before the installed package, also for the processes that tests start
    environment = {**os.environ, "PYTHONPATH": str(copy), "PYTHONDONTWRITEBYTECODE": "1"}
    try:
        done = subprocess.run(
            command, cwd=copy, env=environment, capture_output=True, text=True, timeout=within_s
        )
    except subprocess.TimeoutExpired:
        return False  # a test that waits for ever has noticed, too
    if done.returncode not in (0, 1):
        raise RuntimeError(f"pytest could not run {tests}:\n{done.stdout}{done.stderr}")
    return done.returncode == 0


def _copied(target: Path) -> None:
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    ).stdout
    for name in filter(None, listed.decode().split("\0")):
        if (ROOT / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target / name)


def main() -> int:
    """0: every defence is noticed when it is missing, and all tests pass with it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("only", nargs="*", help="numbers of threats")
    only = {int(number) for number in parser.parse_args().only}
    wanted = [mutant for mutant in mutants() if not only or mutant.threat in only]
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder)
        _copied(copy)
        everything = sorted({test for mutant in wanted for test in mutant.tests})
        if not _is_green(everything, copy, TESTS_TAKE_S * len(wanted)):
            print("The tests fail before anything was taken out: run them first.")
            return 1
        left = list(survivors(wanted, copy))
    print(f"{len(wanted) - len(left)} of {len(wanted)} defences: a test fails without them.")
    return 1 if left else 0


if __name__ == "__main__":
    raise SystemExit(main())
