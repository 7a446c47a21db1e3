"""The command `python -m spaces_bridge.media.worker OPTIONS` runs one media worker."""

import logging
import os
import resource
import sys
from contextlib import suppress
from typing import Final

_PRIORITY: Final = -5
"""A nice value: sound that waits has holes, so it comes first where the system allows that."""


def main() -> int:
    """Run until told to end, or until there was no control process for too long."""
    # Before numpy is loaded: its threads would take address space and are never used.
    os.environ["OPENBLAS_NUM_THREADS"] = "1"
    from spaces_bridge.media.worker.options import WorkerOptions

    options = WorkerOptions.from_json(sys.argv[1])
    with suppress(PermissionError):
        os.setpriority(os.PRIO_PROCESS, 0, _PRIORITY)
    limit = options.memory_limit_mb * 1024 * 1024
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    logging.basicConfig(
        level=logging.INFO, format="%(asctime)s media-worker %(levelname)s %(message)s"
    )
    from spaces_bridge.media.worker.process import run

    run(options)
    return 0


if __name__ == "__main__":
    sys.exit(main())
