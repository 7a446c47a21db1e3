"""Sabotage of the mix: every speaker hears the whole mix, themselves included."""

from typing import Any

from spaces_bridge_demo.sabotage.saboteur import break_module


def echo(mixer: Any) -> None:  # noqa: ANN401  # a module taken apart on purpose
    """Leave no speaker out of their own mix."""
    mix_minus = mixer.mix_minus

    def everybody(frames: Any, minus: Any) -> Any:  # noqa: ANN401
        mix = mix_minus(frames, minus)
        return mixer.Mix(mix.everybody, dict.fromkeys(minus, mix.everybody))

    mixer.mix_minus = everybody


break_module("spaces_bridge.media.worker.mix.mixer", echo)
