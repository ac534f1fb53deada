"""Facts in, verdicts out: what the scheduler decides, without a clock, a database or a wire."""
