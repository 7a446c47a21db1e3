"""What happens once the rules have spoken: an actor per live space, ports, policies."""
