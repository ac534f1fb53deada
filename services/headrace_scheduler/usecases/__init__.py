"""What the scheduler does, a verb a function."""
