"""The way to the homeserver: its API as our users call it, its errors, our pace."""
