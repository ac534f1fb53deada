"""Runs the notification service alone: `python -m headrace_notification`."""

from __future__ import annotations

import sys

from headrace_chassis.run import run_service
from headrace_notification.wiring import build

if __name__ == "__main__":
    sys.exit(run_service("notification", build))
