"""The media worker: one process with one port for all live spaces."""
