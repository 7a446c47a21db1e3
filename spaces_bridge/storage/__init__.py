"""The stores of the bridge, in an SQLite file or in PostgreSQL."""
