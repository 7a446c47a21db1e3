"""Draws the pictures that ship with the bridge: `python -m tools.pictures`."""
