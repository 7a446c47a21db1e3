"""The application around the rules: use cases, an actor per live space, ports, policies."""
