"""Runs the state service alone: `python -m headrace_state`."""

from __future__ import annotations

import sys

from headrace_chassis.run import run_service
from headrace_state.wiring import build

if __name__ == "__main__":
    sys.exit(run_service("state", build))
