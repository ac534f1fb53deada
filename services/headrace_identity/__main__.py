"""Runs the identity service alone: `python -m headrace_identity`."""

from __future__ import annotations

import sys

from headrace_chassis.run import run_service
from headrace_identity.wiring import build

if __name__ == "__main__":
    sys.exit(run_service("identity", build))
