"""What a server consists of, by name."""

from __future__ import annotations

GATEWAY = "gateway"
"""The part that speaks HTTP."""

# Written out: the command line names them before any code of the server is loaded.
ALL_PARTS: tuple[str, ...] = ("state", "scheduler", "log", "notification", "identity", GATEWAY)
