"""Ports that several server processes share.

The supervisor binds each port without listening and keeps it: nobody else can take it while a server
process is being replaced, and a port 0 is the same free port for all processes.
"""

from __future__ import annotations

import errno
import socket
from typing import Any

from headrace import errors


class ReservedPort:
    """One TCP port on one address, kept for processes that bind it with SO_REUSEPORT.

    Args:
        host: Address or name to listen on.
        port: Port; 0 takes a free one.
        purpose: What it is for, as messages say it: "HTTP".
        option: The option by which to choose another: "--port".

    Raises:
        errors.FailedPrecondition: It is taken, not allowed, or the host is not an address of this machine.
    """

    def __init__(self, host: str, port: int, *, purpose: str, option: str) -> None:
        try:
            family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[
                0
            ]
        except socket.gaierror as error:
            raise errors.FailedPrecondition(
                f"cannot listen on {host}: {error.strerror}", reason="HOST_UNKNOWN"
            ) from error
        try:
            self._refuse_taken(family, address)
            self._socket = socket.socket(family, socket.SOCK_STREAM)
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            self._socket.bind(address)
        except OSError as error:
            raise errors.FailedPrecondition(
                f"cannot use port {port} on {host} for {purpose}: {_why(error)}. "
                f"Stop what uses it, or choose another with {option}",
                reason="PORT_TAKEN",
            ) from error
        self.number: int = self._socket.getsockname()[1]

    def _refuse_taken(self, family: int, address: Any) -> None:
        # With SO_REUSEPORT alone, binding would succeed beside a foreign listener that has set it, too.
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)

    def close(self) -> None:
        """Give the port back."""
        self._socket.close()


def _why(error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return "another program listens there"
    if error.errno == errno.EACCES:
        return "ports below 1024 are for root"
    if error.errno == errno.EADDRNOTAVAIL:
        return "it is not an address of this machine"
    return error.strerror or str(error)
