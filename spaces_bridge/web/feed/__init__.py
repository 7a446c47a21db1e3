"""The live feed: what pages are told, and what they may ask for."""
