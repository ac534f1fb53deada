"""Write the configuration of Envoy for `compose.yaml` into gateway/envoy, from the contract (`--check`: compare)."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

import yaml

from headrace_gateway.edge_plain import PlainPort
from headrace_gateway.edge_secrets import certificate_secret
from headrace_gateway.envoy import PARTS, Edge, configuration

FOLDER = Path(__file__).resolve().parent.parent / "gateway" / "envoy"
HEAD = "# Made from protos/ by `make protos`; change gateway/headrace_gateway/envoy.py, not this file.\n"
SECRETS = "/etc/envoy/secrets.yaml"
CERTIFICATES = "/etc/envoy/certificates"
PLAIN = PlainPort(4280, tls_port=443, acme=("acme", 8402))


def files() -> dict[str, dict[str, Any]]:
    """Return what each file has to say, by its name."""
    targets = {part: f"{part}:{4200 if part == 'gateway' else 4201}" for part in PARTS}
    return {
        "envoy.yaml": configuration(Edge(targets)),
        "envoy-tls.yaml": configuration(Edge(targets, secrets=SECRETS, plain=PLAIN)),
        "secrets.yaml": certificate_secret("edge", f"{CERTIFICATES}/tls.crt", f"{CERTIFICATES}/tls.key"),
    }


def main() -> int:
    """Write or compare, and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="compare only; 1 where a file is not up to date")
    check = parser.parse_args().check
    stale = []
    for name, content in files().items():
        text = HEAD + yaml.safe_dump(content, sort_keys=False, width=120)
        path = FOLDER / name
        if check and (not path.is_file() or path.read_text() != text):
            stale.append(f"gateway/envoy/{name}")
        elif not check:
            path.write_text(text)
    if stale:
        print(f"{' and '.join(stale)} are not what protos/ say; run `make protos`", file=sys.stderr)
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
