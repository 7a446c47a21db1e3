"""The spoken prompts of plain calls, made anew: `python -m tools.voice` (`make voice`)."""
