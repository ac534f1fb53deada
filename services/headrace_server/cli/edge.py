"""`headrace server edge`: the files of an Envoy that stands in front of a server."""

from __future__ import annotations

import importlib.resources
import pathlib

import click
import yaml

from headrace.cli import output
from headrace_gateway.edge_guards import Checks, Tokens, UpstreamTls
from headrace_gateway.edge_plain import PlainPort
from headrace_gateway.edge_secrets import authority_secret, certificate_secret
from headrace_gateway.envoy import GATEWAY, PARTS, Edge, configuration

_CONFIGURATION = "envoy.yaml"
_DESCRIPTORS = "descriptors.binpb"
_SECRETS = "secrets.yaml"
_CLIENTS = "clients.yaml"
_OWN = "upstream.yaml"
_AUTHORITY = "upstream-ca.yaml"


@click.command()
@click.argument("folder", type=click.Path(file_okay=False, path_type=pathlib.Path))
@click.option(
    "--target",
    "targets",
    multiple=True,
    metavar="PART=HOST:PORT",
    help=f"Where a part of the server is ({', '.join(PARTS)}), once for each replica; by default its own name, "
    "port 4201, the gateway's 4200.",
)
@click.option("--listen", default="0.0.0.0:4200", show_default=True, metavar="HOST:PORT", help="Where Envoy listens.")
@click.option("--tls-cert", metavar="FILE", help="Certificate chain on Envoy's machine: HTTPS and gRPC over TLS.")
@click.option("--tls-key", metavar="FILE", help="The certificate's key.")
@click.option(
    "--host", "hosts", multiple=True, metavar="NAME", help="A name under which it is reached; others are refused."
)
@click.option("--origin", "origins", multiple=True, metavar="URL", help="A further web page that may call.")
@click.option("--client-ca", metavar="FILE", help="Let in only who shows a certificate that this authority signed.")
@click.option("--upstream-ca", metavar="FILE", help="Call the parts over TLS, and believe this authority.")
@click.option("--upstream-cert", metavar="FILE", help="The certificate that Envoy shows them.")
@click.option("--upstream-key", metavar="FILE", help="Its key.")
@click.option("--jwt-issuer", metavar="URL", help="Let JSON web tokens through only where they are of this issuer.")
@click.option(
    "--jwt-keys", metavar="FILE|URL", help="The issuer's keys (JWKS): a file of Envoy's machine, or https://."
)
@click.option("--jwt-audience", "jwt_audiences", multiple=True, metavar="NAME", help="For whom tokens have to be.")
@click.option("--authorization", metavar="HOST:PORT", help="Ask a service (envoy.service.auth.v3) about each request.")
@click.option("--rate-limit", type=click.IntRange(1), metavar="N", help="Let through so many requests a second.")
@click.option(
    "--http-port", type=click.IntRange(1, 65535), help="Listen there without TLS too, and send pages on to HTTPS."
)
@click.option("--https-port", type=click.IntRange(1, 65535), help="Send them there; by default to that of --listen.")
@click.option(
    "--acme", metavar="HOST:PORT", help="Who answers challenges of ACME (Let's Encrypt), which come to --http-port."
)
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
    client_ca: str | None,
    upstream_ca: str | None,
    upstream_cert: str | None,
    upstream_key: str | None,
    jwt_issuer: str | None,
    jwt_keys: str | None,
    jwt_audiences: tuple[str, ...],
    authorization: str | None,
    rate_limit: int | None,
    http_port: int | None,
    https_port: int | None,
    acme: str | None,
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
    if client_ca is not None and tls_cert is None:
        raise click.UsageError("--client-ca needs --tls-cert")
    if len({upstream_ca is None, upstream_cert is None, upstream_key is None}) > 1:
        raise click.UsageError("--upstream-ca, --upstream-cert and --upstream-key go together")
    if tls_cert is None and http_port is not None:
        raise click.UsageError("--http-port needs --tls-cert")
    if http_port is None and (https_port is not None or acme is not None):
        raise click.UsageError("--https-port and --acme need --http-port")
    host, port = _address(listen, "--listen")
    plain = None
    if http_port is not None:
        challenges = _address(acme, "--acme") if acme is not None else None
        plain = PlainPort(http_port, tls_port=https_port or port, acme=challenges)
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
                client_authority=str(place / _CLIENTS) if client_ca is not None else "",
                upstream=UpstreamTls(str(place / _AUTHORITY), str(place / _OWN)) if upstream_ca is not None else None,
                plain=plain,
                checks=Checks(
                    tokens=_tokens(jwt_issuer, jwt_keys, jwt_audiences),
                    authorization=_address(authorization, "--authorization") if authorization is not None else None,
                    requests_per_second=rate_limit,
                ),
            )
        )
    }
    if tls_cert is not None and tls_key is not None:
        written[_SECRETS] = certificate_secret("edge", tls_cert, tls_key)
    if client_ca is not None:
        written[_CLIENTS] = authority_secret("clients", client_ca)
    if upstream_ca is not None and upstream_cert is not None and upstream_key is not None:
        written[_AUTHORITY] = authority_secret("authority", upstream_ca)
        written[_OWN] = certificate_secret("own", upstream_cert, upstream_key)
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
    named: dict[str, list[str]] = {}
    for text in given:
        part, equals, address = text.partition("=")
        if not equals or part not in PARTS:
            raise click.UsageError(f"--target {text}: it takes PART=HOST:PORT, and parts are {', '.join(PARTS)}")
        named.setdefault(part, []).append(":".join(map(str, _address(address, "--target"))))
    return {**targets, **{part: ",".join(addresses) for part, addresses in named.items()}}


def _tokens(issuer: str | None, keys: str | None, audiences: tuple[str, ...]) -> Tokens | None:
    if issuer is None and keys is None and not audiences:
        return None
    if issuer is None or keys is None:
        raise click.UsageError("--jwt-issuer and --jwt-keys go together")
    return Tokens(issuer, keys, audiences)


def _address(text: str, option: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    if not host or not port.isdigit() or not 0 < int(port) < 65536:
        raise click.UsageError(f"{option} takes HOST:PORT, not {text!r}")
    return host, int(port)
