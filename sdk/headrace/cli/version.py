"""`headrace version`."""

from __future__ import annotations

import platform

import click
import google.protobuf
import grpc

from headrace import __version__, errors
from headrace.cli import output
from headrace.client import discover
from headrace.client.trust import Trust
from headrace.settings import DEFAULT_API_URL, get_settings


@click.command("version")
@output.output_option
def command(as_json: bool) -> None:
    """Show versions of client, server and Python."""
    settings = get_settings()
    url = settings.api_url or DEFAULT_API_URL
    facts: dict[str, str] = {
        "client": __version__,
        "python": platform.python_version(),
        "platform": platform.platform(),
        "grpcio": grpc.__version__,
        "protobuf": google.protobuf.__version__,
        "profile": settings.profile,
        "api_url": url,
    }
    try:
        found = discover(url, trust=Trust.of(settings))
    except errors.HeadraceError as error:
        facts["server"] = f"not reached: {error.message}"
    else:
        facts["server"] = found.version
        facts["grpc_address"] = found.grpc_target
    if as_json:
        output.print_json(facts)
    else:
        output.print_fields("Headrace", facts.items())
