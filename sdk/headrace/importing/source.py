"""A live Prefect 3 server, read over its REST API. Uses the standard library only."""

from __future__ import annotations

import base64
import dataclasses
import http.client
import json
import random
import ssl
import threading
import time
import urllib.parse
from collections.abc import Iterator, Mapping
from typing import Any

from headrace import __version__, errors
from headrace.client.trust import Trust, refused

Json = dict[str, Any]

TRIES = 6
"""How often a request is made that the server is too busy for, or that breaks on the way."""

_BUSY = frozenset({408, 429, 502, 503, 504})
_MOST_WAIT_SECONDS = 30.0
_MOST_ANSWER_BYTES = 256 * 1024 * 1024


class SourceRefused(errors.FailedPrecondition):
    """The server that is read from does not answer as a Prefect 3 server does, or refuses."""

    default_reason = "SOURCE_REFUSED"


class NotAtSource(errors.NotFound):
    """The server that is read from does not know it."""


@dataclasses.dataclass(frozen=True, slots=True)
class Access:
    """Where a Prefect server is, and what opens it.

    Args:
        url: Its address, with or without `/api`; of a workspace in the cloud, the whole API address.
        key: An API key.
        auth_string: User and password, joined by a colon.
        timeout_seconds: How long one answer may take.
    """

    url: str
    key: str = ""
    auth_string: str = ""
    timeout_seconds: float = 60.0
    trust: Trust = dataclasses.field(default_factory=Trust)

    def base(self) -> urllib.parse.SplitResult:
        """Return the address of the API.

        Raises:
            errors.InvalidArgument: It is no address of HTTP.
        """
        parts = urllib.parse.urlsplit(self.url.strip().rstrip("/"))
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise errors.InvalidArgument(f"'{self.url}' is not an address like http://127.0.0.1:4200/api.")
        if parts.username or parts.password:
            raise errors.InvalidArgument("User and password do not belong into the address: give --auth-string.")
        path = parts.path if "/api" in parts.path else f"{parts.path}/api"
        return parts._replace(path=path, query="", fragment="")

    def headers(self) -> dict[str, str]:
        """Return what goes with each request."""
        headers = {"Accept": "application/json", "User-Agent": f"headrace/{__version__}"}
        if self.key:
            headers["Authorization"] = f"Bearer {self.key}"
        elif self.auth_string:
            proof = base64.b64encode(self.auth_string.encode()).decode("ascii")
            headers["Authorization"] = f"Basic {proof}"
        return headers


class PrefectSource:
    """Reads from a Prefect server; safe to use from several threads, each of which keeps a connection."""

    def __init__(self, access: Access) -> None:
        self._base = access.base()
        self._headers = access.headers()
        self._timeout = access.timeout_seconds
        self._trust = access.trust
        self._local = threading.local()

    @property
    def url(self) -> str:
        """The address of the API."""
        return self._base.geturl()

    def version(self) -> str:
        """Return the version of the server.

        Raises:
            SourceRefused: It is no Prefect server, or not of version 3.
            errors.Unavailable: It does not answer.
        """
        found = self._call("GET", "/admin/version", None)
        if not isinstance(found, str) or not found.startswith("3."):
            raise SourceRefused(f"{self.url} is not the API of a Prefect 3 server (its version is {found!r}).")
        return found

    def get(self, path: str, **query: str) -> Any:
        """Return the answer to a GET.

        Raises:
            NotAtSource: There is no such thing.
        """
        return self._call("GET", f"{path}?{urllib.parse.urlencode(query)}" if query else path, None)

    def read(self, path: str, **body: Any) -> list[Json]:
        """Return one page of a list."""
        found = self._call("POST", path, body)
        if not isinstance(found, list):
            raise SourceRefused(f"{self.url}{path} does not answer with a list")
        return found

    def count(self, path: str, **body: Any) -> int:
        """Return how many there are."""
        found = self._call("POST", path, body)
        if not isinstance(found, int):
            raise SourceRefused(f"{self.url}{path} does not answer with a number")
        return found

    def pages(self, path: str, **body: Any) -> Iterator[list[Json]]:
        """Yield the pages of a list, none of them empty."""
        offset = 0
        while page := self.read(path, **body, offset=offset):
            yield page
            offset += len(page)

    def items(self, path: str, **body: Any) -> Iterator[Json]:
        """Yield what is in a list."""
        for page in self.pages(path, **body):
            yield from page

    def _call(self, method: str, path: str, body: Mapping[str, Any] | None) -> Any:
        content = json.dumps(body).encode() if body is not None else None
        problem = ""
        for attempt in range(TRIES):
            if attempt:
                time.sleep(min(_MOST_WAIT_SECONDS, 2.0 ** (attempt - 1)) * random.uniform(0.5, 1.0))
            try:
                status, answer = self._exchange(method, path, content)
            except ssl.SSLError as error:
                raise refused(self.url, error) from None
            except (OSError, http.client.HTTPException) as error:
                self._drop()
                problem = str(error) or type(error).__name__
                continue
            if status < 300:
                return self._parsed(path, answer)
            if status not in _BUSY:
                raise self._failure(status, path, answer)
            problem = f"it answers {status}"
        raise errors.Unavailable(
            f"the Prefect server at {self.url} cannot be read ({problem})", reason="SOURCE_UNREACHABLE"
        )

    def _exchange(self, method: str, path: str, content: bytes | None) -> tuple[int, bytes]:
        connection = self._connection()
        headers = dict(self._headers)
        if content is not None:
            headers["Content-Type"] = "application/json"
        connection.request(method, self._base.path + path, body=content, headers=headers)
        answer = connection.getresponse()
        # Redirects are not followed: whoever answers elsewhere must not be shown the key.
        return answer.status, answer.read(_MOST_ANSWER_BYTES)

    def _connection(self) -> http.client.HTTPConnection:
        made: http.client.HTTPConnection | None = getattr(self._local, "connection", None)
        if made is None:
            host, port = self._base.hostname or "", self._base.port
            if self._base.scheme == "https":
                made = http.client.HTTPSConnection(host, port, timeout=self._timeout, context=self._trust.context())
            else:
                made = http.client.HTTPConnection(host, port, timeout=self._timeout)
            self._local.connection = made
        return made

    def _drop(self) -> None:
        connection: http.client.HTTPConnection | None = getattr(self._local, "connection", None)
        if connection is not None:
            connection.close()
            self._local.connection = None

    def close(self) -> None:
        """Close the connection of the calling thread."""
        self._drop()

    def _parsed(self, path: str, answer: bytes) -> Any:
        try:
            return json.loads(answer)
        except ValueError:
            raise SourceRefused(f"{self.url}{path} does not answer with JSON: is it the API of a server?") from None

    def _failure(self, status: int, path: str, answer: bytes) -> errors.HeadraceError:
        place = urllib.parse.urlsplit(path).path
        match status:
            case 401 | 403:
                return SourceRefused(
                    f"the Prefect server at {self.url} wants proof of who is asking ({status}): give --key or "
                    "--auth-string"
                )
            case 404:
                return NotAtSource(f"{self.url}{place} is not there")
            case _:
                said = answer[:300].decode(errors="replace")
                return SourceRefused(f"{self.url}{place} answers {status}: {said}")
