"""From the command line to the bridge: the config is brought up to date, the code comes back."""

import asyncio
import contextlib
import sys
from functools import partial
from pathlib import Path
from types import ModuleType

import pytest
from aiohttp import http_parser

from spaces_bridge import bootstrap
from spaces_bridge.cli import main
from spaces_bridge.config import Config
from spaces_bridge.config.example import example_text, with_tokens
from spaces_bridge.media.launch import sole_bridge
from spaces_bridge.media.options import MediaOptions
from spaces_bridge.startup import ExitCode, StartUpError
from spaces_bridge.storage.sole_user import sole_user, who_we_are
from tests.test_logs import restored_logging

__all__ = ["restored_logging"]

pytestmark = [pytest.mark.unit, pytest.mark.usefixtures("restored_logging")]


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A usable config that lacks the key `web.port`."""
    monkeypatch.chdir(tmp_path)
    text = example_text().replace("domain: example.com", "domain: home.test")
    text = text.replace("https://spaces.example.com", "https://spaces.home.test")
    text = text.replace("    # Port to listen on.\n    port: 29341\n", "")
    complete = with_tokens(
        text, "a-token-of-the-bridge-0001", "a-token-of-the-server-0002", tmp_path
    )
    assert complete is not None
    path = tmp_path / "config.yaml"
    path.write_text(complete.replace("    # Port to listen on.\n    port: 29341\n", ""))
    return path


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[Config]:
    """The configs a stand-in for the composition root was started with."""
    configs: list[Config] = []

    async def run(config: Config) -> int:
        configs.append(config)
        if config.web.port == 1:
            raise StartUpError(ExitCode.LISTENER, "port 1 is taken")
        if config.web.port == 2:
            raise ZeroDivisionError
        return ExitCode.OK

    stand_in = ModuleType("spaces_bridge.bootstrap")
    stand_in.run = run  # type: ignore[attr-defined]  # a module made for this test
    monkeypatch.setitem(sys.modules, "spaces_bridge.bootstrap", stand_in)
    return configs


def test_the_bridge_runs_with_the_config_and_its_code_is_returned(
    config: Path, started: list[Config]
) -> None:
    assert main(["-n", "-c", str(config)]) == 0
    assert [run.homeserver.domain for run in started] == ["home.test"]


def test_a_start_brings_the_config_up_to_date_unless_told_not_to(
    config: Path, started: list[Config]
) -> None:
    before = config.read_text()
    assert main(["-n"]) == 0
    assert config.read_text() == before
    assert main([]) == 0
    assert "port: 29341" in config.read_text()
    assert len(started) == 2


def test_a_refused_start_says_why_and_ends_with_its_code(
    config: Path,
    started: list[Config],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("SPACES_WEB__PORT", "1")
    assert main(["-n", "-c", str(config)]) == ExitCode.LISTENER
    assert capsys.readouterr().err == "port 1 is taken\n"
    assert started


def test_without_the_c_parser_of_requests_nothing_starts(
    config: Path,
    started: list[Config],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(http_parser, "HttpRequestParser", http_parser.HttpRequestParserPy)
    assert main(["-n", "-c", str(config)]) == ExitCode.LISTENER
    assert "AIOHTTP_NO_EXTENSIONS" in capsys.readouterr().err
    assert not started


def test_a_bug_is_logged_and_ends_with_its_own_code(
    config: Path,
    started: list[Config],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("SPACES_WEB__PORT", "2")
    assert main(["-n", "-c", str(config)]) == ExitCode.CRASH
    assert "ZeroDivisionError" in capsys.readouterr().err
    assert started


def test_a_second_bridge_is_refused_before_it_touches_anything(
    config: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    runtime_dir = tmp_path / "run"
    monkeypatch.setenv("SPACES_MEDIA__RUNTIME_DIR", str(runtime_dir))
    with sole_bridge(MediaOptions(("127.0.0.1",), 0, ("127.0.0.1",), runtime_dir)):
        assert main(["-n", "-c", str(config)]) == ExitCode.LISTENER
        assert [path.name for path in runtime_dir.iterdir()] == ["bridge.lock"]
    assert "Another bridge is running" in capsys.readouterr().err
    assert not list(tmp_path.rglob("*.db"))


def test_a_second_bridge_with_a_directory_of_its_own_is_kept_from_the_database(
    config: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    url = f"sqlite:{tmp_path}/spaces.db"
    monkeypatch.setenv("SPACES_MEDIA__RUNTIME_DIR", str(tmp_path / "run"))
    monkeypatch.setenv("SPACES_DATABASE__URL", url)
    monkeypatch.setattr(bootstrap, "sole_user", partial(sole_user, patience_s=0))
    with asyncio.Runner() as runner:
        stack = contextlib.AsyncExitStack()
        runner.run(stack.enter_async_context(sole_user(url)))
        assert main(["-n", "-c", str(config)]) == ExitCode.DATABASE
        runner.run(stack.aclose())
    assert who_we_are() in capsys.readouterr().err
    assert not (tmp_path / "spaces.db").exists()


async def test_a_part_that_hangs_or_fails_keeps_no_other_from_closing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(bootstrap, "CLOSE_S", 0.05)
    closed: list[str] = []

    async def hangs() -> None:
        await asyncio.Event().wait()

    async def fails() -> None:
        raise ZeroDivisionError

    async def closes() -> None:
        closed.append("pages")

    await asyncio.wait_for(bootstrap.side_by_side([hangs, fails, closes]), 60)
    assert closed == ["pages"]


def test_an_authority_that_is_no_certificate_is_named_before_anything_starts(
    config: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("SPACES_OPENID__CA_FILE", str(config))
    assert main(["-n", "-c", str(config)]) == ExitCode.CONFIG_INVALID
    assert "`openid.ca_file`" in capsys.readouterr().err
    assert not (tmp_path / "data" / "spaces.db").exists()
