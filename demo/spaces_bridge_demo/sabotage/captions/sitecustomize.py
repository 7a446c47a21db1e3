"""Sabotage of the captions: the speech model hears nothing."""

from typing import Any

from spaces_bridge_demo.sabotage.saboteur import break_module


def deafen(transcriber: Any) -> None:  # noqa: ANN401  # a module taken apart on purpose
    """Let the transcriber find no words in any sound."""
    transcriber.Transcriber.transcribe = lambda self, sound, language: ""


break_module("spaces_bridge.captions.worker.transcriber", deafen)
