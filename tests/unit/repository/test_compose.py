"""What compose.yaml starts is what there is, set as the settings want it."""

from __future__ import annotations

import contextlib
import http.server
import pathlib
import re
import shutil
import subprocess
import sys
import threading
import tomllib
from collections.abc import Iterator
from typing import Any

import click.testing
import pytest
import yaml

from headrace_chassis.settings import ServerSettings
from headrace_gateway.envoy import PARTS
from headrace_server.cli import server

ROOT = pathlib.Path(__file__).parents[3]
FILES = (ROOT / "compose.yaml", ROOT / "compose.tls.yaml")
BIN = pathlib.Path(sys.executable).parent
HADOLINT = shutil.which("hadolint", path=BIN)
"""The program; None where its wheel has none for this machine."""


def _filled_in(value: str) -> str:
    value = re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", value)
    return re.sub(r"\$\{\w+:\?[^}]*\}", "ab" * 32, value)


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text())
    return dict(content["services"])


def test_every_part_of_a_server_is_there_twice(services: dict[str, Any]) -> None:
    assert set(PARTS) <= set(services)
    for part in PARTS:
        assert services[part]["command"] == ["server", "start", "--service", part]
        assert services[part]["deploy"]["replicas"] == 2


@pytest.mark.parametrize("part", [*PARTS, "migrate"])
def test_parts_are_set_with_settings_that_there_are(
    services: dict[str, Any], part: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    environment = services[part]["environment"]
    given = {name: _filled_in(value) for name, value in environment.items() if not name.startswith("OTEL_")}
    known = {f"HEADRACE_SERVER_{name}".upper() for name in ServerSettings.model_fields} | {"HEADRACE_DATABASE_URL"}
    assert set(given) <= known
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    settings = ServerSettings.load()
    assert {name: target for name, target in settings.targets.items() if target != f"dns:///{name}:4201"} == {}
    assert (settings.host, settings.port, settings.grpc_port) == ("0.0.0.0", 4200, 4201)


@pytest.mark.parametrize("part", PARTS)
def test_commands_are_commands(services: dict[str, Any], part: str) -> None:
    _server, *words = services[part]["command"]
    answer = click.testing.CliRunner().invoke(server, [*words, "--help"])
    assert answer.exit_code == 0, answer.output


def test_nothing_runs_as_it_likes(services: dict[str, Any]) -> None:
    for name, service in services.items():
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert service["deploy"]["resources"]["limits"]["memory"], name
        # Else what it says fills the disk.
        assert service["logging"]["driver"] == "local", name
        # These keep files of their own beside their data.
        assert service.get("read_only") or name in ("postgres", "grafana", "tempo"), name
    published = {name: service["ports"] for name, service in services.items() if "ports" in service}
    assert set(published) == {"envoy", "prometheus", "grafana"}
    assert published["envoy"][0].startswith("${HEADRACE_PUBLISH:-127.0.0.1:")
    assert all(ports[0].startswith("127.0.0.1:") for name, ports in published.items() if name != "envoy")


def test_parts_are_healthy_when_they_can_serve(services: dict[str, Any]) -> None:
    for part in PARTS:
        program, *arguments = services[part]["healthcheck"]["test"][1:]
        assert (program, arguments[0]) == ("python", "-ISc")
        port = services[part]["environment"]["HEADRACE_SERVER_METRICS_PORT"]
        # Whoever answers there with something else, or does not answer, is not healthy.
        assert f", {port}," in arguments[1]
        assert '"GET", "/ready"' in arguments[1]
        compile(arguments[1], part, "exec")
    text = services["state"]["healthcheck"]["test"][-1]
    for status, expected in ((200, 0), (503, 1)):
        with _answering(status) as port:
            asked = text.replace("4202", str(port))
            assert subprocess.run([sys.executable, "-ISc", asked], check=False).returncode == expected


@contextlib.contextmanager
def _answering(status: int) -> Iterator[int]:
    class Answer(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with http.server.HTTPServer(("127.0.0.1", 0), Answer) as served:
        served.timeout = 30
        thread = threading.Thread(target=served.handle_request)
        thread.start()
        yield served.server_port
        thread.join()


def test_what_is_mounted_is_there(services: dict[str, Any]) -> None:
    mounted = [place for service in services.values() for place in service.get("volumes", ()) if place.startswith("./")]
    assert len(mounted) > 5
    for place in mounted:
        assert (ROOT / place.split(":")[0]).exists(), place


def test_prometheus_asks_every_part_where_it_answers(services: dict[str, Any]) -> None:
    configuration = yaml.safe_load((ROOT / "deploy" / "prometheus" / "prometheus.yml").read_text())
    (job,) = configuration["scrape_configs"]
    (looked_up,) = job["dns_sd_configs"]
    assert sorted(looked_up["names"]) == sorted(PARTS)
    for part in PARTS:
        assert services[part]["environment"]["HEADRACE_SERVER_METRICS_PORT"] == str(looked_up["port"])


def test_what_can_be_filled_in_is_in_the_example() -> None:
    example = (ROOT / ".env.example").read_text()
    asked = set(re.findall(r"\$\{(\w+):\?", (ROOT / "compose.yaml").read_text()))
    assert asked <= set(re.findall(r"^(\w+)=", example, re.MULTILINE))
    of_any_use = set(re.findall(r"\$\{(HEADRACE_\w+):", (ROOT / "compose.yaml").read_text()))
    assert of_any_use - {"HEADRACE_VERSION"} <= set(re.findall(r"^#? ?(\w+)=", example, re.MULTILINE))


def test_compose_takes_it() -> None:
    command = [str(BIN / "check-jsonschema"), "--builtin-schema", "vendor.compose-spec", *map(str, FILES)]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_what_tls_adds_goes_with_the_rest(services: dict[str, Any]) -> None:
    more = yaml.safe_load((ROOT / "compose.tls.yaml").read_text())
    assert set(more["services"]) - set(services) == {"acme"}
    assert more["services"]["acme"]["cap_drop"] == ["ALL"]
    assert more["services"]["acme"]["read_only"]
    mounted = [place for service in more["services"].values() for place in service.get("volumes", ())]
    for place in mounted:
        named = place.split(":")[0]
        assert named in more["volumes"] or (ROOT / named).exists(), place
    # Envoy's port without TLS and its certificates are where the configuration that is mounted has them.
    envoy = more["services"]["envoy"]
    listeners = yaml.safe_load((ROOT / "gateway/envoy/envoy-tls.yaml").read_text())["static_resources"]["listeners"]
    ports = [listener["address"]["socket_address"]["port_value"] for listener in listeners]
    assert ports == [4200, 4280]
    assert envoy["ports"][0].endswith(":4280")
    assert any(place.endswith(":/etc/envoy/certificates:ro") for place in envoy["volumes"])


def test_compose_takes_no_word_that_it_does_not_know(tmp_path: pathlib.Path) -> None:
    content = yaml.safe_load((ROOT / "compose.yaml").read_text())
    content["services"]["state"]["comand"] = ["server"]
    path = tmp_path / "compose.yaml"
    path.write_text(yaml.safe_dump(content))
    command = [str(BIN / "check-jsonschema"), "--builtin-schema", "vendor.compose-spec", str(path)]
    assert subprocess.run(command, check=False, capture_output=True).returncode == 1


def test_everything_that_is_named_is_there(services: dict[str, Any]) -> None:
    content = yaml.safe_load((ROOT / "compose.yaml").read_text())
    for name, service in services.items():
        assert set(service.get("networks", ())) <= set(content["networks"]), name
        assert set(service.get("depends_on", ())) <= set(services), name
        named = {place.split(":")[0] for place in service.get("volumes", ())}
        assert {place for place in named if "/" not in place} <= set(content["volumes"]), name


if HADOLINT is not None:

    def test_the_image_is_built_as_images_should_be() -> None:
        done = subprocess.run([str(HADOLINT), str(ROOT / "Dockerfile")], check=False, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout


def test_the_image_has_every_package() -> None:
    build = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]
    copied = re.findall(r"^COPY (?!--from)(\S+) \S+$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    for package in build["targets"]["wheel"]["packages"]:
        assert any(f"{package}/".startswith(f"{folder}/") for folder in copied), package
