"""The mix: it turns speakers' packets into frames for listeners and for speakers. Pure."""
