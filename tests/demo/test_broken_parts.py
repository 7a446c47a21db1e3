"""`spaces-bridge demo` notices what is broken. That it ends well is seen by `make demo ONCE=1`."""

import asyncio
import os
import sys
from pathlib import Path

import pytest

from spaces_bridge_demo.main import PARTS

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

ROOT = Path(__file__).parents[2]
PATIENT = ROOT / "tests" / "support" / "patience"
TIMEOUT_S = 600.0


async def demo(*options: str) -> tuple[int, str]:
    """Run the demo; returns exit code and all it printed."""
    environ = {name: value for name, value in os.environ.items() if name not in {"ONCE", "BREAK"}}
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "spaces_bridge", "demo", *options),
        env={**environ, "PYTHONPATH": os.pathsep.join([str(PATIENT), str(ROOT)])},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        async with asyncio.timeout(TIMEOUT_S):
            output, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.terminate()
            await process.wait()
    assert process.returncode is not None
    return process.returncode, output.decode()


async def test_the_demo_notices_each_part_that_is_broken() -> None:
    # at the same time: each spends most of its time waiting
    runs = await asyncio.gather(*(demo("--once", "--break", part) for part in PARTS))
    for part, (code, output) in zip(PARTS, runs, strict=True):
        assert code == 1, output
        assert f"The demo failed at the step: {part}" in output


async def test_a_recording_that_cannot_be_used_is_refused_in_words(tmp_path: Path) -> None:
    path = tmp_path / "speech.wav"
    path.write_bytes(b"no sound")
    code, output = await demo("--once", "--speech", str(path))
    assert code == 1
    assert "is no WAV file" in output
