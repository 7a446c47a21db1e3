"""Matrix events as plain values: contents written, meanings read. Pure."""
