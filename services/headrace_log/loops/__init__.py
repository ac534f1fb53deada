"""What the log service does without a caller."""
