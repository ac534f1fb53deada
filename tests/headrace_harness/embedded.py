"""A whole embedded server as the SDK meets it."""

from __future__ import annotations

import httpx
import psutil


class RealServer:
    """A whole server under its supervisor."""

    def __init__(self, url: str, supervisor_pid: int) -> None:
        self.url = url
        self._supervisor = psutil.Process(supervisor_pid)

    def kill_processes(self) -> None:
        """Kill what serves; the supervisor starts it again."""
        for child in self._supervisor.children():
            if "headrace_server.process" in child.cmdline():
                child.kill()

    def is_ready(self) -> bool:
        """Whether it says so."""
        try:
            return httpx.get(f"{self.url}/ready", timeout=1).status_code == 200
        except httpx.HTTPError:
            return False
