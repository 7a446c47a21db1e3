"""`--check` against a real Synapse: before and after it was given the registration."""

import asyncio
import re
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from spaces_bridge.check import listing_finding
from spaces_bridge.checks.ports import is_bridge_running
from spaces_bridge.config import Config, load
from spaces_bridge.config.example import example_text
from spaces_bridge.startup import ExitCode
from spaces_bridge_demo.homeserver import DOMAIN, Homeserver
from spaces_bridge_demo.processes import free_port
from tests.check_front import FaultyFront
from tests.matrix.support import Bridge, LiveSetup, eventually

pytestmark = pytest.mark.e2e

TIMEOUT_S = 300.0


async def program(*arguments: str, directory: Path) -> tuple[int, str]:
    """Run `spaces-bridge` in a directory; returns its code and all it printed."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "spaces_bridge",
        *arguments,
        cwd=directory,
        env={"PYTHONPATH": str(Path(__file__).parents[2]), "PATH": "/usr/bin:/bin"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        async with asyncio.timeout(TIMEOUT_S):
            output, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode is not None
    return process.returncode, output.decode()


async def test_an_admin_is_led_from_the_example_to_a_working_set_up(
    tmp_path: Path,
) -> None:
    assert (await program("-e", directory=tmp_path))[0] == ExitCode.OK
    config = tmp_path / "config.yaml"
    homeserver = Homeserver(tmp_path / "synapse")
    public = free_port()
    text = example_text().replace("https://spaces.example.com", f"http://127.0.0.1:{public}")
    text = text.replace("example.com", DOMAIN).replace("http://localhost:8008", homeserver.url)
    for port in sorted(set(re.findall(r"\b293\d\d\b", text))):
        text = text.replace(port, str(free_port()))
    text = text.replace("http://localhost:", "http://127.0.0.1:")
    config.write_text(text)

    code, output = await program("-g", directory=tmp_path)
    assert code == ExitCode.OK, output

    async with homeserver:
        code, output = await program("--check", directory=tmp_path)
        assert code == ExitCode.HOMESERVER_REFUSED, output
        assert f"- {tmp_path / 'registration.yaml'}" in output

        await homeserver.stop()
        (homeserver.directory / "homeserver.yaml").unlink()
        homeserver.add_registration(tmp_path / "registration.yaml")
        await homeserver.start()
        code, output = await program("--check", directory=tmp_path)
        assert code == ExitCode.OK, output
        assert "it reaches the bridge at" in output
        assert "once the bridge has run" in output
        assert "the page knows them inside Matrix clients" in output
        assert "is looked at while the bridge runs" in output

        await seen_through_a_proxy(tmp_path, load(config, {}), public)


async def seen_through_a_proxy(directory: Path, settings: Config, public: int) -> None:
    """The bridge itself runs, and `--check` looks through a good proxy, and a bad one."""
    front = FaultyFront(f"http://127.0.0.1:{settings.web.port}")
    async with front.listening(public), bridge_running(directory, settings):
        code, output = await program("--check", directory=directory)
        assert code == ExitCode.OK, output
        assert "ok   the bridge is running" in output
        assert "is in use" not in output
        assert f"http://127.0.0.1:{public}/livekit leads to the bridge" in output
        assert "ok   WebSockets come through" in output

        front.upgrades = False
        code, output = await program("--check", directory=directory)
        assert code == ExitCode.OK, output
        assert "warn the proxy lets no WebSockets through" in output


@asynccontextmanager
async def bridge_running(directory: Path, settings: Config) -> AsyncIterator[None]:
    """The program itself, as an admin starts it."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "spaces_bridge", "-n"),
        cwd=directory,
        env={
            "PYTHONPATH": str(Path(__file__).parents[2]),
            "PATH": "/usr/bin:/bin",
            "SPACES_CAPTIONS__ENABLED": "false",
        },
    )
    try:
        await eventually(lambda: is_bridge_running(settings), "the bridge runs")
        yield
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


class Ruled(Homeserver):
    """Lists rooms, or does not."""

    action = "allow"

    def config(self) -> dict[str, Any]:
        return {**super().config(), "room_list_publication_rules": [{"action": self.action}]}


@pytest.mark.parametrize(
    ("action", "text", "warning"),
    [
        ("allow", "shows live spaces", False),
        ("deny", "room_list_publication_rules: [{action: allow}]", True),
    ],
)
async def test_a_homeserver_that_lists_no_rooms_is_named_with_the_line_to_add(
    tmp_path: Path, action: str, text: str, warning: bool
) -> None:
    own_setup = LiveSetup(tmp_path)
    registration = tmp_path / "registration.yaml"
    own_setup.homeserver = Ruled(tmp_path / "synapse", registrations=[registration])
    own_setup.homeserver.action = action
    config = Config.model_validate(
        {
            "homeserver": {"address": own_setup.homeserver.url, "domain": DOMAIN},
            "appservice": {"as_token": own_setup.as_token, "hs_token": own_setup.hs_token},
        }
    )
    async with (
        own_setup.homeserver,
        aiohttp.ClientSession(own_setup.homeserver.url) as session,
        Bridge(own_setup.settings(), tmp_path / "spaces.db") as bridge,
    ):
        await bridge.connected()

        async def said() -> bool:
            finding = await listing_finding(session, config, "")
            return text in finding.text and finding.warning is warning

        await eventually(said, text)
        assert (await listing_finding(session, config, "")).code is ExitCode.OK
