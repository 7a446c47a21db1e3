"""What the bridge remembers, in an SQLite file or in PostgreSQL."""
