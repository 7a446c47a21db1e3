"""A live space's room: made, arranged, and observed as the homeserver holds it."""
