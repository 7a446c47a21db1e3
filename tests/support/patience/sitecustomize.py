"""On the path of a bridge's processes: its caption worker drops nothing, however busy the machine.

What it leaves out when it is behind is tested with a clock set by hand. What people said is to be
found in the end, also where several tests and other programs share two cores.
"""

import runpy
import sys
from pathlib import Path
from typing import Any

from spaces_bridge_demo.sabotage.saboteur import break_module


def be_patient(scheduler: Any) -> None:  # noqa: ANN401  # a module taken apart on purpose
    """A final may wait for ever."""
    scheduler.PATIENCE_S = 1e9


break_module("spaces_bridge.captions.worker.scheduler", be_patient)

# Python runs one such file only: a part that is broken on purpose has one, too, behind this one
others = [Path(place) / "sitecustomize.py" for place in sys.path]
for other in others:
    if other.is_file() and other.resolve() != Path(__file__).resolve():
        runpy.run_path(str(other))
        break
