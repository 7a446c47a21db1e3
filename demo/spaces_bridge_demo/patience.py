"""How long anything outside may take before it counts as not happening.

Waiting ends as soon as it happens: only what never comes costs all of it. It is generous, as a
busy machine may stand still for seconds.
"""

PATIENCE_S = 60.0
