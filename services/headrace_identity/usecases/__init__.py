"""What callers want done, a verb a function."""
