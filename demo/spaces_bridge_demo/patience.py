"""The time that anything outside may take before it counts as not happening.

Waiting ends as soon as the thing happens: only what never comes costs all of the time. The time is
generous, as a busy machine may stand still for seconds.
"""

PATIENCE_S = 60.0
