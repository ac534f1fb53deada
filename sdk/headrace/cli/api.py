"""`headrace api`: calls of the HTTP API as they are."""

from __future__ import annotations

import contextlib
import json
import pathlib
import sys
import urllib.error
import urllib.parse
import urllib.request
from typing import Any

import click

from headrace import __version__, errors
from headrace.cli import output
from headrace.client.core import AUTHORIZATION_KEY, WORKSPACE_KEY
from headrace.client.discovery import explained, opener
from headrace.client.trust import Trust
from headrace.credentials import api_key_of
from headrace.settings import DEFAULT_API_URL, Settings, get_settings

_METHODS = ("GET", "POST", "PATCH", "PUT", "DELETE")
_PREFIXES = ("/v1/", "/api/", "/docs", "/openapi", "/health", "/ready", "/metrics")
"""What paths begin with that are taken as they are; any other is below `/v1`."""

_EXIT_CODES = {
    400: output.ExitCode.USAGE,
    401: output.ExitCode.REFUSED,
    403: output.ExitCode.REFUSED,
    404: output.ExitCode.NOT_FOUND,
    409: output.ExitCode.REFUSED,
    503: output.ExitCode.UNREACHABLE,
    504: output.ExitCode.UNREACHABLE,
}


@click.command("api")
@click.argument("method", type=click.Choice(_METHODS, case_sensitive=False))
@click.argument("path")
@click.option("-d", "--data", metavar="JSON", help="The body: JSON, @FILE, or - for standard input.")
@click.option("-q", "--query", "queries", multiple=True, metavar="NAME=VALUE", help="In the address; may be repeated.")
@click.option("-H", "--header", "headers", multiple=True, metavar="'NAME: VALUE'", help="A header; may be repeated.")
@click.option("--raw", is_flag=True, help="Print the answer as it came, also JSON.")
def command(
    method: str, path: str, data: str | None, queries: tuple[str, ...], headers: tuple[str, ...], raw: bool
) -> int:
    """Call the HTTP API of the server, with the address and the key of the settings, and print the answer.

    PATH is below /v1 unless it names that itself: `headrace api GET flows -q page_size=5`. The API is described at
    /docs of the server. The exit code is 0 for answers below 400, and says else what kind of refusal it was.
    """
    settings = get_settings()
    url = settings.api_url or DEFAULT_API_URL
    request = urllib.request.Request(
        url + _whole(path, queries),
        method=method.upper(),
        data=_body(data),
        headers=_headers(settings, headers, has_body=data is not None),
    )
    timeout = settings.api_timeout_seconds
    with contextlib.closing(_open(request, url, settings)) as answer:
        if answer.status >= 400:
            output.note(f"The server answers {answer.status} {answer.reason}.")
        if answer.headers.get_content_type() == "application/json" and not raw:
            with explained(url, timeout):
                body = answer.read()
            output.print_json(json.loads(body))
        else:
            # Streams go on as they come, and may be more than memory holds.
            while line := _line(answer, url, timeout):
                sys.stdout.buffer.write(line)
                sys.stdout.buffer.flush()
    return output.ExitCode.OK if answer.status < 400 else _EXIT_CODES.get(answer.status, output.ExitCode.FAILED)


def _open(request: urllib.request.Request, url: str, settings: Settings) -> Any:
    with explained(url, settings.api_timeout_seconds):
        try:
            return opener(url, Trust.of(settings)).open(request, timeout=settings.api_timeout_seconds)
        except urllib.error.HTTPError as error:
            # A refusal is an answer, too.
            return error


def _line(answer: Any, url: str, timeout: float) -> bytes:
    with explained(url, timeout):
        line: bytes = answer.readline()
    return line


def _whole(path: str, queries: tuple[str, ...]) -> str:
    whole = path if path.startswith(_PREFIXES) else f"/v1/{path.lstrip('/')}"
    pairs = []
    for query in queries:
        name, separator, value = query.partition("=")
        if not separator:
            raise errors.InvalidArgument(f"'{query}' is not of the form name=value.")
        pairs.append((name, value))
    if not pairs:
        return whole
    return f"{whole}{'&' if '?' in whole else '?'}{urllib.parse.urlencode(pairs)}"


def _body(data: str | None) -> bytes | None:
    if data is None:
        return None
    if data.startswith("@"):
        try:
            return pathlib.Path(data[1:]).read_bytes()
        except OSError as error:
            raise errors.InvalidArgument(f"{data[1:]} cannot be read: {error.strerror or error}") from None
    text = sys.stdin.read() if data == "-" else data
    try:
        json.loads(text)
    except ValueError as error:
        raise errors.InvalidArgument(f"--data is not JSON: {error}") from None
    return text.encode()


def _headers(settings: Settings, given: tuple[str, ...], *, has_body: bool) -> dict[str, str]:
    headers = {"Accept": "application/json, */*", "User-Agent": f"headrace/{__version__}"}
    if has_body:
        headers["Content-Type"] = "application/json"
    if key := api_key_of(settings):
        headers[AUTHORIZATION_KEY] = f"Bearer {key}"
    if settings.workspace_id:
        headers[WORKSPACE_KEY] = settings.workspace_id
    for header in given:
        name, separator, value = header.partition(":")
        if not separator or not name.strip():
            raise errors.InvalidArgument(f"'{header}' is not of the form 'Name: value'.")
        headers = {key: kept for key, kept in headers.items() if key.lower() != name.strip().lower()}
        headers[name.strip()] = value.strip()
    return headers
