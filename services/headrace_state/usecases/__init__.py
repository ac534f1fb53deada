"""A verb a function: load facts, judge, store, return."""
