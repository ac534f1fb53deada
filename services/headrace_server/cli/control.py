"""`headrace server stop` and `headrace server status`."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import json
import os
import signal
import ssl
import time
import urllib.error
import urllib.request

import click

from headrace_server.exits import Exit
from headrace_server.home import Home, Status

_POLL_SECONDS = 0.05
_ANSWER_SECONDS = 5.0


@click.command()
@click.option("--timeout", default=60.0, show_default=True, metavar="SECONDS", help="How long to wait for its end.")
def stop(timeout: float) -> int:
    """Stop the server of this machine; calls in progress are finished."""
    home = Home.of_environment()
    status = home.running()
    if status is None:
        click.echo(f"No server is running on {home.root}.", err=True)
        return Exit.NOT_RUNNING
    with contextlib.suppress(ProcessLookupError):
        os.kill(status.pid, signal.SIGTERM)
    deadline = time.monotonic() + timeout
    while home.is_locked():
        if time.monotonic() > deadline:
            click.echo(f"Process {status.pid} has not ended after {timeout:g} s.", err=True)
            return Exit.FAILED
        time.sleep(_POLL_SECONDS)
    click.echo("Headrace has stopped.")
    return Exit.OK


@click.command()
@click.option("--wait", is_flag=True, help="Wait until it is ready.")
@click.option("--timeout", default=60.0, show_default=True, metavar="SECONDS", help="How long --wait waits.")
@click.option(
    "-o",
    "--output",
    type=click.Choice(["table", "json"]),
    default="table",
    show_default=True,
    help="For people or for programs.",
)
def status(wait: bool, timeout: float, output: str) -> int:
    """Show the server of this machine. Exit code 0: ready, 1: not ready, 3: not running."""
    home = Home.of_environment()
    deadline = time.monotonic() + timeout
    while True:
        running = home.running()
        fault = _fault(running)
        if not fault or not wait or time.monotonic() > deadline:
            break
        time.sleep(_POLL_SECONDS)
    if output == "json":
        facts = dataclasses.asdict(running) if running is not None else {}
        click.echo(json.dumps({"running": running is not None, "ready": not fault, "fault": fault, **facts}, indent=2))
    elif running is None:
        click.echo(f"No server is running on {home.root}.")
    else:
        _show(running, fault)
    if running is None:
        return Exit.NOT_RUNNING
    return Exit.FAILED if fault else Exit.OK


def _show(running: Status, fault: str) -> None:
    uptime = running.uptime(datetime.datetime.now(datetime.UTC))
    lines = [
        f"Headrace {running.version} is {'ready' if not fault else 'running, but not ready'}.",
        f"  Process     {running.pid}, for {datetime.timedelta(seconds=round(uptime.total_seconds()))}",
        f"  UI and API  {running.http_url}",
        f"  gRPC        {running.grpc_address}",
        f"  Data        {running.database}",
    ]
    if running.log_file:
        lines.append(f"  Log         {running.log_file}")
    if running.warning:
        lines.append(f"  {running.warning}")
    if fault:
        lines.append(f"  Not ready   {fault}")
    click.echo("\n".join(lines))


def _fault(running: Status | None) -> str:
    """Return why the server cannot be used, "" if it can."""
    if running is None:
        return "not running"
    if running.state != "ready":
        return running.state
    try:
        # No proxy of the environment is asked for a server of this machine.
        handlers: list[urllib.request.BaseHandler] = [urllib.request.ProxyHandler({})]
        if (context := _own_certificate(running)) is not None:
            handlers.append(urllib.request.HTTPSHandler(context=context))
        with urllib.request.build_opener(*handlers).open(f"{running.http_url}/ready", timeout=_ANSWER_SECONDS):
            return ""
    except urllib.error.HTTPError as error:
        return _missing(error.read())
    except OSError as error:
        return f"{running.http_url} does not answer: {error}"


def _missing(answer: bytes) -> str:
    """Return what a server that is not ready says it lacks."""
    try:
        return "; ".join(json.loads(answer)["missing"])
    except (ValueError, KeyError, TypeError):
        return answer.decode(errors="replace").strip()


def _own_certificate(running: Status) -> ssl.SSLContext | None:
    """Return what makes sure that this machine's server answers: its certificate is known, whatever name it is for."""
    if running.tls_cert_file is None:
        return None
    context = ssl.create_default_context(cafile=running.tls_cert_file)
    context.check_hostname = False
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    context.load_cert_chain(running.tls_cert_file, running.tls_key_file)
    return context
