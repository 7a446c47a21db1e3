"""`--check` against a real Synapse: before and after it was given the registration."""

import asyncio
import re
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from spaces_bridge.config.example import example_text
from spaces_bridge.demo.homeserver import DOMAIN, Homeserver
from spaces_bridge.startup import ExitCode

pytestmark = pytest.mark.e2e

TIMEOUT_S = 120.0


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
    tmp_path: Path, unused_tcp_port_factory: Callable[[], int]
) -> None:
    assert (await program("-e", directory=tmp_path))[0] == ExitCode.OK
    config = tmp_path / "config.yaml"
    homeserver = Homeserver(tmp_path / "synapse")
    text = example_text().replace("https://spaces.example.com", "https://spaces.localhost")
    text = text.replace("example.com", DOMAIN).replace("http://localhost:8008", homeserver.url)
    for port in sorted(set(re.findall(r"\b293\d\d\b", text))):
        text = text.replace(port, str(unused_tcp_port_factory()))
    config.write_text(text.replace("http://localhost:", "http://127.0.0.1:"))

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
