"""`BREAK=`: each part is broken in processes that have its directory on PYTHONPATH, only there."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from spaces_bridge_demo import sabotage

pytestmark = pytest.mark.peers

ROOT = Path(__file__).parents[2]
PLACE = Path(sabotage.__file__).parent

GATE = """
from spaces_bridge.media.worker.mix.gate import Gates
gates = Gates()
gates.set("ada", True)
gates.set("ada", False)
print(gates.is_open("ada"))
"""
MIX = """
import numpy
from spaces_bridge.media.worker.mix.mixer import Mixer
frame = numpy.full(960, 1000, numpy.int16)
print(bool(Mixer().mix({"ada": frame}, ["ada"]).without["ada"].any()))
"""
CAPTIONS = """
from spaces_bridge.captions.worker.transcriber import Transcriber
print(Transcriber.transcribe.__code__.co_name == "<lambda>")
"""


@pytest.mark.parametrize(
    ("part", "program"), [("gate", GATE), ("mix", MIX), ("captions", CAPTIONS)]
)
def test_a_part_is_broken_where_it_is_asked_for_and_nowhere_else(part: str, program: str) -> None:
    assert output(program, ROOT, PLACE / part) == "True"
    assert output(program, ROOT) == "False"


def output(program: str, *path: Path) -> str:
    """What a fresh Python prints with these directories on its path."""
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, path))}
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=environ,
        capture_output=True,
        text=True,
        check=True,
        timeout=240,
    )
    return done.stdout.strip()
