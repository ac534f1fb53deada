"""deploy/kubernetes is what a cluster takes, and starts what there is, set as the settings want it."""

from __future__ import annotations

import pathlib
from typing import Any

import click.testing
import kubernetes_validate
import pytest
import yaml

from headrace.cli.root import root
from headrace_chassis.settings import ServerSettings
from headrace_gateway.envoy import PARTS

BASE = pathlib.Path(__file__).parents[3] / "deploy" / "kubernetes"
CLUSTER_VERSION = "1.30"


def _kustomization() -> dict[str, Any]:
    return dict(yaml.safe_load((BASE / "kustomization.yaml").read_text()))


def _resources() -> list[dict[str, Any]]:
    return [
        resource for name in _kustomization()["resources"] for resource in yaml.safe_load_all((BASE / name).read_text())
    ]


def _named(resource: dict[str, Any]) -> str:
    return f"{resource['kind']}/{resource['metadata']['name']}"


RESOURCES = {_named(resource): resource for resource in _resources()}
PODS = {
    name: resource["spec"]["template"]["spec"] for name, resource in RESOURCES.items() if name.startswith(("D", "J"))
}


def test_every_file_is_part_of_the_base() -> None:
    files = {path.name for path in BASE.glob("*.yaml")} - {"kustomization.yaml"}
    assert set(_kustomization()["resources"]) == files


@pytest.mark.parametrize("name", RESOURCES)
def test_a_cluster_takes_it(name: str) -> None:
    kubernetes_validate.validate(RESOURCES[name], CLUSTER_VERSION, strict=True)


def test_every_part_is_there_twice_and_found_by_its_name() -> None:
    for part in PARTS:
        spec = RESOURCES[f"Deployment/{part}"]["spec"]
        assert spec["replicas"] == 2
        assert spec["template"]["spec"]["containers"][0]["args"] == ["server", "start", "--service", part]
        assert RESOURCES[f"Service/{part}"]["spec"]["selector"] == spec["selector"]["matchLabels"]


@pytest.mark.parametrize("name", PODS)
def test_nothing_runs_as_it_likes(name: str) -> None:
    pod = PODS[name]
    assert pod["securityContext"]["runAsNonRoot"]
    for container in (*pod["containers"], *pod.get("initContainers", ())):
        context = container["securityContext"]
        assert context["readOnlyRootFilesystem"]
        assert not context["allowPrivilegeEscalation"]
        assert context["capabilities"]["drop"] == ["ALL"]


@pytest.mark.parametrize("name", PODS)
def test_commands_are_commands(name: str) -> None:
    for container in (*PODS[name]["containers"], *PODS[name].get("initContainers", ())):
        if container["image"] == "headrace":
            answer = click.testing.CliRunner().invoke(root, [*container["args"], "--help"])
            assert answer.exit_code == 0, answer.output


def test_settings_are_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    known = {f"HEADRACE_SERVER_{name}".upper() for name in ServerSettings.model_fields}
    given: dict[str, str] = RESOURCES["ConfigMap/headrace"]["data"]
    assert set(given) <= known
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    settings = ServerSettings.load()
    assert {name: target for name, target in settings.targets.items() if target != f"dns:///{name}:4201"} == {}
    ports = {port["containerPort"] for port in PODS["Deployment/state"]["containers"][0]["ports"]}
    assert ports == {settings.grpc_port, settings.metrics_port}
