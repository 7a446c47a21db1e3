"""Sabotage of the gate: it never shuts again for anybody for whom it was once opened."""

from typing import Any

from spaces_bridge_demo.sabotage.saboteur import break_module


def keep_open(gate: Any) -> None:  # noqa: ANN401  # a module taken apart on purpose
    """Keep gates open that were opened once."""
    replace = gate.Gates.replace
    gate.Gates.replace = lambda self, users: replace(self, self.open | frozenset(users))


break_module("spaces_bridge.media.worker.mix.gate", keep_open)
