"""Matrix events as plain values: what is written into them, and what they mean. Pure."""
