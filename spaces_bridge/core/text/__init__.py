"""Texts and names that people write: read, compared and made harmless to show. Pure."""
