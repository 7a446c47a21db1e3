"""The answers to commands, by subject; `conversation` hands them out."""
