"""The house rules that no tool checks: locks, versions, and the collection's own rules."""

import ast
import os
import re
import shutil
import subprocess
import sys
import tomllib
from functools import cache
from importlib.metadata import files, packages_distributions
from pathlib import Path

import pytest

from spaces_bridge import __version__
from spaces_bridge.startup import ExitCode

pytestmark = pytest.mark.unit

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "spaces_bridge"
WEB = PACKAGE / "web"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
DEMO = tomllib.loads((ROOT / "demo" / "pyproject.toml").read_text())["project"]
OURS = ("spaces_bridge", "spaces_bridge_demo")
LOCKS = ("run", "captions", "livekit", "demo", "dev")

pytest_plugins = ["pytester"]


def pins(lock: str) -> dict[str, str]:
    """Package -> version of one lock."""
    text = (ROOT / "requirements" / f"{lock}.txt").read_text()
    return dict(re.findall(r"^([a-z0-9][a-z0-9._-]*)==([^ ;\\]+)", text, flags=re.MULTILINE))


def names(requirements: list[str]) -> set[str]:
    """Normalised names, our own packages left out."""
    found = {re.split(r"[\[<>=! ]", line)[0] for line in requirements}
    return {re.sub(r"[-_.]+", "-", name).lower() for name in found} - {
        "spaces-bridge",
        "spaces-bridge-demo",
    }


def test_the_version_is_the_same_everywhere() -> None:
    assert PROJECT["version"] == DEMO["version"] == __version__
    assert f"spaces-bridge-demo=={__version__}" in PROJECT["optional-dependencies"]["demo"]
    changelog = (ROOT / "CHANGELOG.md").read_text()
    assert re.search(r"^## \[?([0-9.]+)", changelog, flags=re.MULTILINE)
    assert f"## {__version__}" in changelog


def test_every_dependency_is_locked_and_every_lock_agrees() -> None:
    extras = PROJECT["optional-dependencies"] | {"demo": DEMO["dependencies"]}
    wanted = names(PROJECT["dependencies"])
    assert wanted <= pins("run").keys()
    assert wanted | names(extras["livekit"]) <= pins("livekit").keys()
    for extra in ("captions", "demo", "dev"):
        wanted |= names(extras[extra])
        assert wanted <= pins(extra).keys(), extra
    assert names(extras["audit"]) <= pins("audit").keys()
    widest = pins("dev")
    for lock in LOCKS:
        assert pins(lock).items() <= widest.items(), lock


@pytest.mark.parametrize("lock", [*LOCKS, "audit"])
def test_a_lock_has_hashes_names_no_host_and_brings_no_torch(lock: str) -> None:
    text = (ROOT / "requirements" / f"{lock}.txt").read_text()
    assert not re.search(r"https?://|--(extra-)?index-url|--find-links|--trusted-host", text)
    assert not pins(lock).keys() & {"torch", "torchaudio", "triton"}
    blocks = re.split(r"^(?=[a-z0-9])", text, flags=re.MULTILINE)[1:]
    assert [block.splitlines()[0] for block in blocks if "--hash=sha256:" not in block] == []


def test_every_lock_is_audited() -> None:
    audit = (ROOT / "tools" / "audit").read_text()
    assert f"locks=({' '.join(LOCKS)})" in audit
    locks = {path.parent for path in (ROOT / "tools").glob("*/package-lock.json")}
    assert locks == {ROOT / "tools" / "js"}
    assert "tools/js/audit || failed=1" in audit.splitlines()


def test_make_has_the_targets_the_readme_names() -> None:
    makefile = (ROOT / "Makefile").read_text()
    for target in (
        "demo",
        "test",
        "test-all",
        "test-rest",
        "check",
        "bench",
        "audit",
        "mutants",
        "lock",
        "clean",
    ):
        assert re.search(rf"^{target}:", makefile, flags=re.MULTILINE), target


def test_every_decision_record_is_in_the_index_and_fits_a_page() -> None:
    folder = ROOT / "docs" / "adr"
    index = (folder / "README.md").read_text()
    records = sorted(folder.glob("[0-9]*.md"))
    assert len(records) >= 8
    for record in records:
        assert f"]({record.name})" in index, record.name
        assert len(record.read_text().splitlines()) <= 60, record.name


def test_no_two_public_types_share_a_name() -> None:
    homes: dict[str, set[str]] = {}
    for path in PACKAGE.rglob("*.py"):
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                homes.setdefault(node.name, set()).add(str(path.relative_to(PACKAGE)))
    assert {name: files for name, files in homes.items() if len(files) > 1} == {}


LINES_MAX = 80
DISPATCH = {"evolution.evolve", "rules._rule"}
"""The two that are one arm for each event or command."""


def test_no_function_is_longer_than_a_page() -> None:
    long = set()
    for path in PACKAGE.rglob("*.py"):
        module = path.parent.name if path.stem == "__init__" else path.stem
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                assert node.end_lineno is not None
                if node.end_lineno - node.lineno >= LINES_MAX:
                    long.add(f"{module}.{node.name}")
    assert long == DISPATCH


def test_every_exit_code_is_explained_to_admins() -> None:
    table = (ROOT / "docs" / "admin.md").read_text().partition("### How it ends")[2]
    told = {
        int(code)
        for cell in re.findall(r"^\| ([0-9, ]+) \|", table, flags=re.MULTILINE)
        for code in cell.split(",")
    }
    assert told == set(map(int, ExitCode))


def _used_words() -> str:
    """Templates and scripts: wherever a class or an id of the page may come from."""
    files = [*WEB.glob("templates/**/*.html"), *WEB.glob("static/js/**/*.js")]
    return "\n".join(path.read_text() for path in files)


def test_every_style_is_for_something_on_a_page() -> None:
    used = _used_words()
    for sheet in sorted((WEB / "static").glob("*.css")):
        text = re.sub(r"/\*.*?\*/|@[^{]*|\{[^{}]*\}", "", sheet.read_text(), flags=re.DOTALL)
        for name in set(re.findall(r"[.#]([a-z][a-z-]*(?:-\d)?)", text)):
            stem = re.sub(r"\d$", "", name)  # the numbers of tones and sizes are counted out
            assert re.search(rf"(?<![\w-]){stem}(?![a-z])", used), f"{sheet.name}: {name}"


def test_every_sheet_is_asked_for_by_a_page() -> None:
    used = _used_words()
    sheets = {path.name for path in (WEB / "static").glob("*.css")}
    assert sheets == set(re.findall(r"\{\{ static \}\}/([a-z_]+\.css)", used))


@pytest.mark.parametrize(
    "page",
    [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))],
    ids=lambda page: str(page.relative_to(ROOT)),
)
def test_what_a_document_points_at_is_there(page: Path) -> None:
    text = page.read_text()
    links = re.findall(r"\]\(([^)#\s]+)", text) + re.findall(r'src="([^"]+)"', text)
    paths = [page.parent / link for link in links if "://" not in link]
    # what a sentence names as code, from the repository's root or the package's
    for name in re.findall(r"`([a-z_]+/[a-z_./-]*)`", text):
        homes = [home for home in (ROOT, PACKAGE) if (home / name.partition("/")[0]).is_dir()]
        paths += [home / name for home in homes[:1]]
    assert [str(path) for path in paths if not path.exists()] == []


def test_no_test_waits_within_a_page() -> None:
    """Playwright's own waiting evaluates strings there, which our pages' policy forbids."""
    forbidden = ".wait_for_" + "function("
    found = [path for path in sorted(ROOT.glob("tests/**/*.py")) if forbidden in path.read_text()]
    assert found == []


def _with_house_rules(pytester: pytest.Pytester) -> None:
    pytester.makeconftest((ROOT / "tests" / "conftest.py").read_text())
    pytester.makepyprojecttoml(
        f"[tool.pytest.ini_options]\npythonpath = ['{ROOT}']\n"
        "addopts = ['-p', 'no:cacheprovider', '-p', 'no:xdist']\n"
        "asyncio_default_fixture_loop_scope = 'function'\n"
        "markers = ['unit: x', 'peers: x', 'e2e: x', 'slow: x', 'needs(*programs): x']\n"
    )


def test_a_test_module_of_no_kind_is_not_collected(pytester: pytest.Pytester) -> None:
    _with_house_rules(pytester)
    pytester.makepyfile(test_lost="def test_lost() -> None: assert True")
    result = pytester.runpytest_subprocess(timeout=240)
    result.stderr.fnmatch_lines(["*test_lost.py: set `pytestmark*"])
    assert result.ret == pytest.ExitCode.USAGE_ERROR


@pytest.mark.parametrize(("in_ci", "outcome"), [("true", "failed"), ("", "skipped")])
def test_a_skip_is_a_failure_in_ci(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, in_ci: str, outcome: str
) -> None:
    monkeypatch.setenv("CI", in_ci)
    _with_house_rules(pytester)
    pytester.makepyfile(
        test_skips="""
        import pytest
        pytestmark = pytest.mark.unit
        def test_skips() -> None: pytest.skip("not today")
        """
    )
    result = pytester.runpytest_subprocess(timeout=240)
    result.assert_outcomes(**{outcome: 1})


def test_a_test_that_needs_a_missing_program_is_left_out_by_name(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CI", "")
    monkeypatch.setenv("PATH", "/nowhere")
    _with_house_rules(pytester)
    pytester.makepyfile(
        test_browser="""
        import pytest
        pytestmark = [pytest.mark.e2e, pytest.mark.needs("chromium")]
        def test_page() -> None: assert False
        """
    )
    result = pytester.runpytest_subprocess("-rs", timeout=240)
    result.assert_outcomes(skipped=1)
    result.stdout.fnmatch_lines(["*left out: apt install chromium*"])


def test_what_is_built_only_where_a_compiler_is_may_be_left_out_in_ci(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CI", "true")
    _with_house_rules(pytester)
    pytester.makepyfile(
        test_call="""
        from pathlib import Path
        import pytest
        from tests.support import machine
        machine.BUILT = {
            name: (Path("/nowhere"), f"what makes {name}")
            for name in ("livekit-server", "livekit-client")
        }
        pytestmark = pytest.mark.e2e
        @pytest.mark.needs("livekit-server")
        def test_server() -> None: assert False
        @pytest.mark.needs("livekit-server", "livekit-client")
        def test_both() -> None: assert False
        """
    )
    result = pytester.runpytest_subprocess("-rs", timeout=240)
    result.assert_outcomes(skipped=1, errors=1)
    result.stdout.fnmatch_lines(["*left out: what makes livekit-server*"])


def test_without_go_the_server_is_named_as_left_out(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "tools" / "livekit", tmp_path / "tools" / "livekit")
    ended = subprocess.run(
        [tmp_path / "tools" / "livekit" / "setup"],
        env={**os.environ, "GO": "/nowhere/go"},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert ended.stderr.startswith("Left out: the tests with a real livekit-server (it is built")
    assert not (tmp_path / ".make").exists()


@cache
def _providers(module: str) -> list[str]:
    """The distributions that a module may come from; several share names such as `google`."""
    names = module.split(".")
    found = list(dict.fromkeys(packages_distributions().get(names[0], names[:1])))
    if len(found) == 1 or len(names) == 1:
        return found
    place = "/".join(names[:2])
    return [
        name
        for name in found
        if any(str(path).startswith((f"{place}/", f"{place}.py")) for path in files(name) or [])
    ]


def _imported_by(folder: Path) -> dict[str, set[str]]:
    """Third-party distributions -> the files of the package that import them."""
    found: dict[str, set[str]] = {}
    for path in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            modules = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and node.module and not node.level:
                modules = [f"{node.module}.{alias.name}" for alias in node.names]
            for module in modules:
                if module.partition(".")[0] in (*sys.stdlib_module_names, *OURS):
                    continue
                for distribution in _providers(module):
                    name = re.sub(r"[-_.]+", "-", distribution).lower()
                    found.setdefault(name, set()).add(path.relative_to(folder).as_posix())
    return found


def test_what_is_imported_is_declared_and_what_is_declared_is_imported() -> None:
    extras = PROJECT["optional-dependencies"]
    base = names(PROJECT["dependencies"])
    with_captions = base | names(extras["captions"])
    with_livekit = base | names(extras["livekit"])
    of_extras = {
        "captions": with_captions,
        "livekit/engine": with_livekit,
        "media/sfu_client": with_livekit,
    }

    def allowed(file: str) -> set[str]:
        return next((of_extras[each] for each in of_extras if file.startswith(f"{each}/")), base)

    imported = _imported_by(PACKAGE)
    undeclared = {
        f"{file} imports {distribution}"
        for distribution, files in imported.items()
        for file in files
        if distribution not in allowed(file)
    }
    assert undeclared == set()
    of_the_demo = names(DEMO["dependencies"])
    in_the_demo = _imported_by(ROOT / "demo" / "spaces_bridge_demo").keys()
    assert in_the_demo <= with_captions | of_the_demo
    # aiortc's, at the version it was tried with; and a program of its own
    assert of_the_demo <= in_the_demo | {"aioice", "matrix-synapse"}
    loaded_by_mautrix = {"aiosqlite", "asyncpg"}
    to_come = {"livekit-protocol", "protobuf", "pyjwt"}  # with LiveKit's protocol, in this version
    assert base - imported.keys() - loaded_by_mautrix - to_come == set()
