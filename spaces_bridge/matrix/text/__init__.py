"""What people write, understood, and how we word it ourselves. Pure."""
