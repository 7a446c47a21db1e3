"""Other servers that carry one voice to many listeners, to measure ourselves against."""
