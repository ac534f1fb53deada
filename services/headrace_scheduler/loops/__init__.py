"""What the scheduler does without a caller."""
