"""The environment of a worker process."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

_PACKAGE_ROOT: Final = Path(__file__).resolve().parents[2]
_INHERITED: Final = (
    "HOME",
    "LANG",
    "LC_ALL",
    "LD_LIBRARY_PATH",
    "PATH",
    "TMPDIR",
    "TZ",
    "VIRTUAL_ENV",
)


def worker_environment(of_control: Mapping[str, str], **own: str) -> dict[str, str]:
    """Return the variables of a worker: a few of the control process's, this package, its own.

    The rest of the environment stays with the control process: it may hold secrets, and a worker
    needs none.
    """
    path = os.pathsep.join(filter(None, [str(_PACKAGE_ROOT), of_control.get("PYTHONPATH")]))
    inherited = {name: of_control[name] for name in _INHERITED if name in of_control}
    return {**inherited, "PYTHONPATH": path, "OPENBLAS_NUM_THREADS": "1", **own}
