"""The migrations of the database schemas."""
