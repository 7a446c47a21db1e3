"""From the outbox to the homeserver: what waits for what, what may go, and who does it."""
