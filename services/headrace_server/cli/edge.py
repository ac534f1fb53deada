"""`headrace server edge`: the files of an Envoy that stands in front of a server."""

from __future__ import annotations

import importlib.resources
import pathlib

import click
import yaml

from headrace.cli import output
from headrace_gateway.envoy import GATEWAY, PARTS, Edge, configuration, secrets_configuration

_CONFIGURATION = "envoy.yaml"
_DESCRIPTORS = "descriptors.binpb"
_SECRETS = "secrets.yaml"


@click.command()
@click.argument("folder", type=click.Path(file_okay=False, path_type=pathlib.Path))
@click.option(
    "--target",
    "targets",
    multiple=True,
    metavar="PART=HOST:PORT",
    help=f"Where a part of the server is ({', '.join(PARTS)}); by default its own name, port 4201, the gateway's 4200.",
)
@click.option("--listen", default="0.0.0.0:4200", show_default=True, metavar="HOST:PORT", help="Where Envoy listens.")
@click.option("--tls-cert", metavar="FILE", help="Certificate chain on Envoy's machine: HTTPS and gRPC over TLS.")
@click.option("--tls-key", metavar="FILE", help="The certificate's key.")
@click.option(
    "--host", "hosts", multiple=True, metavar="NAME", help="A name under which it is reached; others are refused."
)
@click.option("--origin", "origins", multiple=True, metavar="URL", help="A further web page that may call.")
@click.option("--admin-port", type=click.IntRange(1, 65535), help="Where Envoy tells about itself, on loopback.")
@output.output_option
def edge(
    folder: pathlib.Path,
    targets: tuple[str, ...],
    listen: str,
    tls_cert: str | None,
    tls_key: str | None,
    hosts: tuple[str, ...],
    origins: tuple[str, ...],
    admin_port: int | None,
    as_json: bool,
) -> None:
    """Write the configuration of an Envoy and the contract that it reads into FOLDER.

    Then, with `--target` for each part that is not where its name says:

    \b
        envoy --config-path FOLDER/envoy.yaml
    """
    if (tls_cert is None) != (tls_key is None):
        raise click.UsageError("--tls-cert and --tls-key go together")
    host, port = _address(listen, "--listen")
    place = folder.absolute()
    written = {
        _CONFIGURATION: configuration(
            Edge(
                _targets(targets),
                port=port,
                host=host,
                descriptors=str(place / _DESCRIPTORS),
                secrets=str(place / _SECRETS) if tls_cert is not None else "",
                hosts=hosts or ("*",),
                origins=origins,
                admin_port=admin_port,
            )
        )
    }
    if tls_cert is not None and tls_key is not None:
        written[_SECRETS] = secrets_configuration(tls_cert, tls_key)
    try:
        place.mkdir(parents=True, exist_ok=True)
        for name, content in written.items():
            (place / name).write_text(yaml.safe_dump(content, sort_keys=False, width=120))
        source = importlib.resources.files("headrace.api").joinpath(_DESCRIPTORS)
        (place / _DESCRIPTORS).write_bytes(source.read_bytes())
    except OSError as error:
        raise click.ClickException(f"cannot write to {place}: {error.strerror}") from error
    files = [str(place / name) for name in (*written, _DESCRIPTORS)]
    if as_json:
        output.print_json({"files": files})
    else:
        output.done(f"Wrote {', '.join(files)}.")


def _targets(given: tuple[str, ...]) -> dict[str, str]:
    targets = {part: f"{part}:{4200 if part == GATEWAY else 4201}" for part in PARTS}
    for text in given:
        part, equals, address = text.partition("=")
        if not equals or part not in PARTS:
            raise click.UsageError(f"--target {text}: it takes PART=HOST:PORT, and parts are {', '.join(PARTS)}")
        targets[part] = ":".join(map(str, _address(address, "--target")))
    return targets


def _address(text: str, option: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    if not host or not port.isdigit() or not 0 < int(port) < 65536:
        raise click.UsageError(f"{option} takes HOST:PORT, not {text!r}")
    return host, int(port)
