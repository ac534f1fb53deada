"""`headrace server edge` writes what an Envoy takes."""

from __future__ import annotations

import json
import pathlib
import subprocess

import click.testing
import pytest
import yaml

from headrace_harness.certificates import Authority
from headrace_harness.edge import ENVOY
from headrace_server.cli import server


def edge(*arguments: str) -> click.testing.Result:
    return click.testing.CliRunner().invoke(server, ["edge", *arguments])


@pytest.mark.skipif(ENVOY is None, reason="there is no Envoy for this machine")
def test_an_envoy_takes_the_files(tmp_path: pathlib.Path) -> None:
    certificate = (tmp_path / "tls.crt", tmp_path / "tls.key")
    Authority.new().issue("localhost", *certificate, serial=2)
    tls = ("--tls-cert", str(certificate[0]), "--tls-key", str(certificate[1]))
    answer = edge(
        str(tmp_path / "edge"), "--target", "state=10.0.0.1:5001", "--listen", "127.0.0.1:4300", *tls, "-o", "json"
    )
    assert answer.exit_code == 0, answer.output
    configuration, *_ = json.loads(answer.output)["files"]
    checked = subprocess.run(
        [str(ENVOY), "--mode", "validate", "--config-path", configuration], capture_output=True, text=True, check=False
    )
    assert checked.returncode == 0, checked.stderr
    resources = yaml.safe_load(pathlib.Path(configuration).read_text())["static_resources"]
    assert "10.0.0.1" in json.dumps(resources["clusters"])
    assert resources["listeners"][0]["address"]["socket_address"] == {"address": "127.0.0.1", "port_value": 4300}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--target", "stat=a:1"), "parts are state, scheduler"),
        (("--target", "state=nowhere"), "HOST:PORT"),
        (("--listen", "4200"), "--listen takes HOST:PORT"),
        (("--tls-cert", "a"), "go together"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: pathlib.Path, arguments: tuple[str, ...], words: str) -> None:
    answer = edge(str(tmp_path), *arguments)
    assert answer.exit_code == 2
    assert words in answer.output
