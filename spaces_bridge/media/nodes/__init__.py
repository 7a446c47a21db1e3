"""Media workers on other machines: the bridge's side of their links, and the process there."""
