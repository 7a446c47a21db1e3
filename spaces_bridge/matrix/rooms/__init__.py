"""A live space's room: made, kept in order, and read as the homeserver holds it."""
