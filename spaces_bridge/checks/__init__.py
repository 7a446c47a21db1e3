"""The parts of the command `--check`, by what they look at."""
