"""The caption worker, for tests of what it writes: it drops nothing because the machine is busy.

    python -m tests.support.patient_captions spaces_bridge.captions.worker

Finals may wait as long as they must, and drafts go on though they take long. What it leaves out
when it is behind is tested with a clock set by hand. The argument is how the worker is found.
"""

from spaces_bridge.captions.worker import draft_rate, scheduler
from spaces_bridge.captions.worker.__main__ import main

FOR_EVER = 1e9

if __name__ == "__main__":
    scheduler.PATIENCE_S = FOR_EVER  # type: ignore[misc]  # final, but for this
    draft_rate.DRAFT_LATE = FOR_EVER  # type: ignore[misc]
    draft_rate.DRAFT_LONG_S = FOR_EVER  # type: ignore[misc]
    draft_rate.FINAL_LATE_S = FOR_EVER  # type: ignore[misc]
    main()
