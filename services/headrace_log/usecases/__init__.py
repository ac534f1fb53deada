"""What callers can have done with log records."""
