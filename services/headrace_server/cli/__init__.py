"""`headrace server ...`: start, stop and look after a server. The command line finds it by its entry point."""

from __future__ import annotations

from headrace_server.cli.group import server

__all__ = ["server"]
