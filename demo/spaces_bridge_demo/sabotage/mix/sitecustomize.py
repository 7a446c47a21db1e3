"""Sabotage of the mix: every speaker hears the whole mix, themselves included."""

from typing import Any

from spaces_bridge_demo.sabotage.saboteur import break_module


def echo(mixer: Any) -> None:  # noqa: ANN401  # a module taken apart on purpose
    """Leave no speaker out of their own mix."""
    unbroken = mixer.Mixer.mix

    def everybody(self: Any, frames: Any, minus: Any) -> Any:  # noqa: ANN401
        mix = unbroken(self, frames, minus)
        return mixer.Mix(mix.everybody, dict.fromkeys(minus, mix.everybody))

    mixer.Mixer.mix = everybody


break_module("spaces_bridge.media.worker.mix.mixer", echo)
