"""Benchmarks: `make bench`. Ratios taken side by side in one run, medians of several; never timed assertions.

One Postgres is started, Headrace and Prefect on it, both are measured in turn and a table is printed; the figures go
to `results/` as JSON with the machine and the commit.
"""
