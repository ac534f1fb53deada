"""`headrace server start`."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from typing import Any, NoReturn

import click

from headrace import errors
from headrace_server.client_hint import client_hint
from headrace_server.exits import Exit
from headrace_server.home import HOME_VARIABLE, Home, Status
from headrace_server.interpreter import command
from headrace_server.log_file import shorten
from headrace_server.options import DatabaseKind, Options
from headrace_server.parts import ALL_PARTS

_SUPERVISOR = "headrace_server.serve"
_ALONE = "headrace_server.alone"
_POLL_SECONDS = 0.05
_ERROR_LINES = 20


@click.command()
@click.option("--host", metavar="ADDRESS", help="Address to listen on.  [default: 127.0.0.1]")
@click.option("--port", type=click.IntRange(0, 65535), help="HTTP port; 0 takes a free one.  [default: 4200]")
@click.option("--grpc-port", type=click.IntRange(0, 65535), help="gRPC port.  [default: the HTTP port + 1]")
@click.option(
    "--metrics-port", type=click.IntRange(0, 65535), help="A further HTTP port with /metrics, /health and /ready alone."
)
@click.option("--tls-cert", metavar="FILE", help="Serve HTTPS and gRPC over TLS with this certificate chain (PEM).")
@click.option("--tls-key", metavar="FILE", help="The certificate's key (PEM).")
@click.option(
    "--tls-client-ca", metavar="FILE", help="Let in only who shows a certificate that these authorities signed (PEM)."
)
@click.option("--processes", type=click.IntRange(1, 64), help="Server processes that share the ports.  [default: 1]")
@click.option(
    "--service",
    "services",
    type=click.Choice(ALL_PARTS),
    multiple=True,
    help="Run only this part, in this process; may be given several times.",
)
@click.option(
    "--database",
    metavar="embedded|memory|URL",
    help="The Postgres in which everything is kept: the embedded one, one that is gone with the server, or yours.  "
    "[default: HEADRACE_DATABASE_URL, else embedded]",
)
@click.option("-b", "--background", is_flag=True, help="Return as soon as the server is ready.")
@click.option(
    "--log-level",
    type=click.Choice(["DEBUG", "INFO", "WARNING", "ERROR"], case_sensitive=False),
    help="The least level of log records.  [default: INFO]",
)
@click.option(
    "--auth",
    type=click.Choice(["off", "on"]),
    help="Whether callers have to prove who they are.  [default: off]",
)
@click.option(
    "--insecure-no-auth",
    is_flag=True,
    help="Listen beyond this machine although nobody has to sign in.",
)
def start(
    host: str | None,
    port: int | None,
    grpc_port: int | None,
    metrics_port: int | None,
    tls_cert: str | None,
    tls_key: str | None,
    tls_client_ca: str | None,
    processes: int | None,
    services: tuple[str, ...],
    database: str | None,
    background: bool,
    log_level: str | None,
    auth: str | None,
    insecure_no_auth: bool,
) -> int:
    """Start a server; stop it with Ctrl-C or `headrace server stop`.

    All options can also be set in the environment, for example HEADRACE_SERVER_PORT.
    """
    settings = {
        "host": host,
        "port": port,
        "grpc_port": grpc_port,
        "metrics_port": metrics_port,
        "tls_cert_file": _absolute(tls_cert),
        "tls_key_file": _absolute(tls_key),
        "tls_client_ca_file": _absolute(tls_client_ca),
        "processes": processes,
        "log_level": log_level,
        "auth": auth,
        "allow_without_sign_in": insecure_no_auth or None,
    }
    given = {name: value for name, value in settings.items() if value is not None}
    if services and background:
        raise click.UsageError("--background is for a whole server; single services run in the foreground")
    if services and processes is not None:
        raise click.UsageError("--processes is for a whole server; start more processes of a service yourself")
    kind = _database_kind(database)
    if services and kind != "url":
        raise click.UsageError(
            "single services need a Postgres that all of them reach: set HEADRACE_DATABASE_URL or --database URL"
        )
    if background:
        return _in_background(kind, given)
    return _become(_ALONE if services else _SUPERVISOR, Options(kind, services or ALL_PARTS, given))


def _absolute(path: str | None) -> str | None:
    # A server in the background works in another folder.
    return None if path is None else os.path.abspath(os.path.expanduser(path))


def _become(module: str, options: Options) -> NoReturn:
    """Let the server take the place of this process: same process id, same terminal, none of its memory."""
    sys.stdout.flush()
    os.execv(sys.executable, command(module, options.to_argument()))  # nosec B606  # no shell


def _database_kind(database: str | None) -> DatabaseKind:
    if database == "memory":
        return "memory"
    if database == "embedded":
        return "embedded"
    if database is not None:
        if not database.startswith(("postgresql://", "postgres://")):
            raise click.BadParameter(
                "must be embedded, memory or a URL like postgresql://user:password@host:5432/headrace",
                param_hint="--database",
            )
        # By the environment, since arguments can be seen by other users of the machine.
        os.environ["HEADRACE_DATABASE_URL"] = database
    has_url = bool(os.environ.get("HEADRACE_DATABASE_URL") or os.environ.get("HEADRACE_SERVER_DATABASE_URL"))
    return "url" if has_url else "embedded"


def _in_background(kind: DatabaseKind, given: dict[str, Any]) -> int:
    home = Home.of_environment()
    home.ensure()
    if (running := home.running()) is not None:
        raise errors.AlreadyExists(
            f"a server (process {running.pid}, {running.http_url}) is running already. "
            "Stop it with `headrace server stop`",
            reason="SERVER_RUNNING",
        )
    shorten(home.log_file)
    options = Options(kind, ALL_PARTS, given, log_file=str(home.log_file))
    with home.log_file.open("ab") as log:
        log_start = log.tell()
        process = subprocess.Popen(
            command(_SUPERVISOR, options.to_argument()),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            cwd="/",
            env={**os.environ, HOME_VARIABLE: str(home.root)},
        )
    while (code := process.poll()) is None:
        status = home.read_status()
        if status is not None and status.pid == process.pid and status.state == "ready":
            click.echo(_ready(status))
            return Exit.OK
        time.sleep(_POLL_SECONDS)
    click.echo(_end_of_log(home, log_start), err=True)
    return code


def _ready(status: Status) -> str:
    more = "".join(
        f"{line}\n" for line in (status.warning and f"  {status.warning}", client_hint(status.http_url)) if line
    )
    return (
        f"Headrace {status.version} is ready in the background (process {status.pid}).\n"
        f"  UI and API  {status.http_url}\n"
        f"  gRPC        {status.grpc_address}\n"
        f"  Data        {status.database}\n"
        f"  Log         {status.log_file}\n"
        f"{more}Stop it with `headrace server stop`."
    )


def _end_of_log(home: Home, start: int) -> str:
    with home.log_file.open("rb") as log:
        log.seek(start)
        lines = log.read().decode(errors="replace").strip().splitlines()
    # What ended the server is its last word; records before it may say more.
    errors_told = [line for line in lines if line.startswith("Error: ")]
    return errors_told[-1] if errors_told else "\n".join(lines[-_ERROR_LINES:]) or f"see {home.log_file}"
