"""Which tests a run consists of, and in which processes they run.

A test is chosen by markers alone, so that a new file always runs somewhere: what `make check`
(`FAST`) and `make test` (`PROMISES`) leave out is run by the rest.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

FAST = "unit and not slow"
PROMISES = "promise"
SETS: Mapping[str, str] = {
    "promises": PROMISES,
    "rest": f"not ({FAST}) and not ({PROMISES})",
    "all": "",
}
"""The sets of tests by name, each with pytest's expression (`-m`) that chooses it."""

SHARES: Mapping[str, int] = {
    "tests/e2e": 3,
    "tests/matrix": 2,
    "tests/web": 2,
    "tests/federation": 1,
    "tests/livekit": 1,
    "tests/captions": 1,
    "tests/media": 1,
    "tests/storage": 1,
}
"""Folders with processes of their own, and how many at most: the longest first."""

ENOUGH = 12
"""So many tests are worth one more process, with a homeserver or a browser of its own."""

OTHERS = "others"

IN_TIME = frozenset({"tests/e2e", "tests/livekit", "tests/web"})
"""Folders with sound and pages in real time: whatever else runs gives way to them."""


@dataclass(frozen=True, slots=True)
class Job:
    """The files that one pytest process runs, and the tests chosen in them."""

    name: str
    folder: str = ""
    files: tuple[str, ...] = ()
    tests: frozenset[str] = frozenset()

    @property
    def gives_way(self) -> bool:
        """Whether it runs with less priority."""
        return self.folder not in IN_TIME


def jobs(
    chosen: Sequence[str], shares: Mapping[str, int] = SHARES, enough: int = ENOUGH
) -> list[Job]:
    """Deal the files of the chosen tests out to jobs; each file goes to exactly one."""
    by_file: dict[str, set[str]] = {}
    for test in chosen:
        by_file.setdefault(test.partition("::")[0], set()).add(test)
    dealt: list[Job] = []
    for folder in [*shares, OTHERS]:
        here = sorted(file for file in by_file if _folder(file, shares) == folder)
        tests_here = sum(len(by_file[file]) for file in here)
        many = min(shares.get(folder, 1), len(here), -(-tests_here // enough))
        for number in range(many):
            name = folder.removeprefix("tests/") + (f" {number + 1}" if many > 1 else "")
            files = here[number::many]
            tests = frozenset[str]().union(*(by_file[file] for file in files))
            dealt.append(Job(name, folder, tuple(files), tests))
    return dealt


def next_of(waiting: Sequence[Job], running: Collection[str]) -> Job:
    """The job to begin beside those of the `running` folders: of another folder if there is one.

    Of the tests with sound in real time, one process at a time is enough for two cores.
    """
    return next((job for job in waiting if job.folder not in running), waiting[0])


def _folder(file: str, shares: Mapping[str, int]) -> str:
    found = re.match(r"tests/[^/]+(?=/)", file)
    return found[0] if found and found[0] in shares else OTHERS
