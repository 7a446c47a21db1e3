"""Command handlers, one module per subject; the dispatcher calls them."""
