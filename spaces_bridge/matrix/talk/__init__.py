"""The answers to commands, by subject; ``spaces_bridge.matrix.conversation`` hands them out."""
