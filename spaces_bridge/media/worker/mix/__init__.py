"""The mix: packets of speakers in, frames for listeners and for speakers out. Pure."""
