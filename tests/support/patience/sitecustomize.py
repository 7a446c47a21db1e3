"""On the path of a bridge's processes: its caption worker drops nothing, however busy the machine.

What it leaves out when it is behind is tested with a clock set by hand. What people said is to be
found in the end, also where several tests and other programs share two cores.
"""

from typing import Any

from spaces_bridge.demo.sabotage.saboteur import break_module


def be_patient(scribe: Any) -> None:  # noqa: ANN401  # a module taken apart on purpose
    """A final may wait for ever."""
    scribe.PATIENCE_S = 1e9


break_module("spaces_bridge.captions.worker.scribe", be_patient)
