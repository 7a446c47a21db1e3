"""The media worker: one process, one port, every live space placed on it."""
