"""The Docker Engine that this machine is configured for, through its own client."""

from __future__ import annotations

import socket
from typing import Any

from headrace import errors, extras

_SECONDS = 60


def open_engine(purpose: str, *, timeout_seconds: float | None = _SECONDS) -> Any:
    """Return a `docker.APIClient` for the engine of DOCKER_HOST, or of this machine; to be closed by the caller.

    Args:
        purpose: What needs it, as the beginning of a sentence.
        timeout_seconds: How long an answer may take; None waits for as long as the connection stands.

    Raises:
        extras.MissingExtra: The client is not installed.
        errors.Unavailable: There is no engine, or it does not answer.
    """
    docker = extras.require("docker", "docker", purpose)
    options = docker.utils.kwargs_from_env()
    _knock(str(options.get("base_url") or docker.constants.DEFAULT_UNIX_SOCKET))
    first = docker.APIClient(**options, version=docker.constants.DEFAULT_DOCKER_API_VERSION, timeout=_SECONDS)
    try:
        version = first.version(api_version=False)["ApiVersion"]
    except (docker.errors.DockerException, OSError, KeyError) as error:
        raise errors.Unavailable(f"The Docker Engine does not answer ({_words(error)}). Is it running?") from None
    finally:
        first.close()
    return docker.APIClient(**options, version=version, timeout=timeout_seconds)


def _knock(address: str) -> None:
    """Look whether anybody listens at a unix socket: the client leaves a socket of its own open where nobody does."""
    scheme, _, path = address.partition("://")
    if scheme not in ("unix", "http+unix"):
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(path if path.startswith("/") else f"/{path}")
        except OSError as error:
            raise errors.Unavailable(f"No Docker Engine listens at {address} ({error}). Is it running?") from None


def _words(error: Exception) -> str:
    while error.__context__ is not None and isinstance(error.__context__, Exception):
        error = error.__context__
    return f"{type(error).__name__}: {error}"
