"""Runs the log service alone: `python -m headrace_log`."""

from __future__ import annotations

import sys

from headrace_chassis.run import run_service
from headrace_log.wiring import build

if __name__ == "__main__":
    sys.exit(run_service("log", build))
