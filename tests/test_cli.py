"""The command line, as a shell sees it: what it prints, what it writes, how it ends."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from spaces_bridge import __version__
from spaces_bridge.cli import main
from spaces_bridge.config import load
from spaces_bridge.config.example import example_text
from spaces_bridge.registration import read_registration
from spaces_bridge.startup import ExitCode

pytestmark = pytest.mark.unit


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working directory."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def config(here: Path) -> Path:
    """The example config with domain and public address filled in, secrets missing."""
    path = here / "config.yaml"
    text = example_text().replace("domain: example.com", "domain: home.test")
    path.write_text(text.replace("https://spaces.example.com", "https://spaces.home.test"))
    return path


def test_the_version_is_printed_for_people_and_for_programs(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["-v"]) == 0
    assert capsys.readouterr().out == f"spaces-bridge {__version__}\n"
    assert main(["--version-json"]) == 0
    assert json.loads(capsys.readouterr().out)["version"] == __version__


def test_the_module_runs_as_a_program_and_names_every_flag() -> None:
    run = subprocess.run(
        [sys.executable, "-m", "spaces_bridge", "--help"],
        capture_output=True,
        text=True,
        timeout=240,
        check=True,
    )
    for flag in ("-c", "-r", "-g", "-e", "-n", "--check", "-v", "--version-json", "-h", "demo"):
        assert flag in run.stdout


def test_help_and_version_need_none_of_the_heavy_libraries() -> None:
    heavy = {"aiohttp", "mautrix", "numpy", "pydantic", "ruamel.yaml", "structlog"}
    code = f"import sys, spaces_bridge.cli; print(sorted({heavy!r} & set(sys.modules)))"
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=240, check=True
    )
    assert run.stdout == "[]\n"


def test_a_wrong_flag_ends_with_the_code_for_usage(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--bogus"])
    assert ended.value.code == ExitCode.USAGE
    assert "--bogus" in capsys.readouterr().err


def test_the_example_is_written_once_and_never_over_a_file(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["-e"]) == 0
    path = here / "config.yaml"
    assert path.read_text() == example_text()
    assert path.stat().st_mode & 0o777 == 0o600
    path.write_text("mine")
    assert main(["-e"]) == ExitCode.USAGE
    assert path.read_text() == "mine"
    assert "exists already" in capsys.readouterr().err


def test_the_example_goes_to_standard_output_on_request(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["-e", "-c", "-"]) == 0
    assert capsys.readouterr().out == example_text()
    assert list(here.iterdir()) == []


@pytest.mark.usefixtures("here")
def test_without_a_config_the_way_to_one_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == ExitCode.CONFIG_UNREADABLE
    assert "spaces-bridge -e" in capsys.readouterr().err


def test_an_untouched_example_does_not_run(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "config.yaml").write_text(example_text())
    assert main([]) == ExitCode.DOMAIN_PLACEHOLDER
    assert main(["-g"]) == ExitCode.DOMAIN_PLACEHOLDER
    assert "homeserver.domain" in capsys.readouterr().err
    assert not (here / "registration.yaml").exists()


def test_the_generator_writes_registration_and_secrets_and_is_safe_to_repeat(
    config: Path, here: Path
) -> None:
    assert main(["-g"]) == 0
    first = load(config, {})
    registration = read_registration(here / "registration.yaml")
    assert registration["as_token"] == first.appservice.as_token.get_secret_value()
    assert registration["hs_token"] != registration["as_token"]
    assert (here / "registration.yaml").stat().st_mode & 0o777 == 0o600
    text = config.read_text()
    assert main(["-g", "-r", "again.yaml"]) == 0
    assert config.read_text() == text
    assert read_registration(here / "again.yaml") == registration


def test_the_generator_takes_secrets_from_the_environment_and_leaves_the_config_alone(
    config: Path, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SPACES_APPSERVICE__AS_TOKEN", "a-token-of-the-bridge-0001")
    monkeypatch.setenv("SPACES_APPSERVICE__HS_TOKEN", "a-token-of-the-server-0002")
    before = config.read_text()
    assert main(["-g"]) == 0
    assert config.read_text() == before
    assert read_registration(here / "registration.yaml")["as_token"].endswith("0001")


def test_no_update_and_generate_exclude_each_other(config: Path) -> None:
    before = config.read_text()
    assert main(["-g", "-n"]) == ExitCode.NO_UPDATE_WITH_GENERATE
    assert config.read_text() == before


def test_a_registration_that_cannot_be_written_is_said(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["-g", "-c", str(config), "-r", "nowhere/at/all.yaml"]) == (
        ExitCode.REGISTRATION_UNWRITABLE
    )
    assert "cannot be written" in capsys.readouterr().err


def test_a_registration_that_does_not_match_stops_the_start(
    config: Path, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["-g"]) == 0
    config.write_text(config.read_text().replace("id: spaces", "id: other"))
    assert main([]) == ExitCode.CONFIG_INVALID
    assert "`id` is 'spaces', the config wants 'other'" in capsys.readouterr().err
    assert main(["-r", str(here / "missing.yaml")]) == ExitCode.CONFIG_INVALID


def test_the_demo_is_a_package_of_its_own_and_its_absence_is_said(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("spaces_bridge.cli.find_spec", lambda name: None)
    assert main(["demo"]) == ExitCode.USAGE
    assert "spaces-bridge[demo]" in capsys.readouterr().err
