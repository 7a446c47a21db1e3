"""What people write, and what names look like: read, compared and made harmless. Pure."""
