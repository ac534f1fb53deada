"""Frozen facts in, verdict out: no clock, no chance, no waiting. Time, ids and limits arrive as values."""
