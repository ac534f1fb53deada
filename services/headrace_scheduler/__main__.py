"""Runs the scheduler alone: `python -m headrace_scheduler`."""

from __future__ import annotations

import sys

from headrace_chassis.run import run_service
from headrace_scheduler.wiring import build

if __name__ == "__main__":
    sys.exit(run_service("scheduler", build))
