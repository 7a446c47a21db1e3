"""The program that draws the pictures shipped with the bridge: `python -m tools.pictures`."""
