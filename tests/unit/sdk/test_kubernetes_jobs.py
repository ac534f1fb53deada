from __future__ import annotations

from typing import Any

import pytest

from headrace import errors
from headrace.settings import Settings
from headrace.worker.job import Job
from headrace.worker.kubernetes_jobs import PodReport, build_manifest, deleted, is_finished, label_of, read_pod


def pod(**status: Any) -> dict[str, Any]:
    return {"metadata": {"name": "p"}, "status": status}


def container(**state: Any) -> dict[str, Any]:
    return pod(phase="Pending", containerStatuses=[{"state": state}])


@pytest.mark.parametrize(
    ("seen", "report"),
    [
        (pod(phase="Pending"), PodReport("p")),
        (
            pod(conditions=[{"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "full"}]),
            PodReport("p", waits_for="Unschedulable: full"),
        ),
        (container(waiting={"reason": "ContainerCreating"}), PodReport("p", waits_for="ContainerCreating")),
        (container(waiting={"reason": "ErrImagePull", "message": "no"}), PodReport("p", waits_for="ErrImagePull: no")),
        (
            container(waiting={"reason": "InvalidImageName", "message": "'?'"}),
            PodReport("p", False, 1, "The container cannot start, InvalidImageName: '?'"),
        ),
        (container(running={"startedAt": "now"}), PodReport("p", True)),
        (container(terminated={"exitCode": 0, "reason": "Completed"}), PodReport("p", True, 0)),
        (
            container(terminated={"exitCode": 3, "reason": "Error"}),
            PodReport("p", True, 3, "The container ended with exit code 3."),
        ),
        (
            container(terminated={"exitCode": 128, "reason": "StartError", "message": "no such file"}),
            PodReport("p", True, 128, "The container ended with exit code 128 (StartError): no such file"),
        ),
        (
            container(terminated={"exitCode": 137, "reason": "OOMKilled"}),
            PodReport("p", True, 137, "The container ran out of memory and was killed (OOMKilled)."),
        ),
        (
            pod(phase="Failed", reason="Evicted", message="low on memory"),
            PodReport("p", True, 137, "The pod was evicted: low on memory"),
        ),
        (
            pod(phase="Failed", reason="NodeLost"),
            PodReport("p", True, 137, "The pod failed (NodeLost)"),
        ),
    ],
)
def test_what_a_pod_says(seen: dict[str, Any], report: PodReport) -> None:
    assert read_pod(seen) == report


def test_a_pod_that_is_gone_has_ended() -> None:
    assert deleted(PodReport("p", True)).failure == "The pod was deleted before it had ended."
    assert deleted(PodReport("p", True, 0)) == PodReport("p", True, 0)


@pytest.mark.parametrize(
    ("text", "label"),
    [("plain", "plain"), ("My pool / 1", "My-pool---1"), ("ä", "x"), ("-a-", "a"), ("x" * 70, "x" * 63)],
)
def test_texts_as_labels(text: str, label: str) -> None:
    assert label_of(text) == label


def test_a_job_without_a_container_is_refused() -> None:
    job = Job(b"", "http://x", "x:1", configuration={"job_manifest": {"spec": {}}})
    with pytest.raises(errors.InvalidArgument, match="at least one container"):
        build_manifest(job, Settings(), api_url="http://x", work_pool_name="p", worker_name="w")


def test_an_own_manifest_keeps_what_it_says() -> None:
    manifest: dict[str, Any] = {
        "metadata": {"annotations": {"mine": "1"}, "labels": None},
        "spec": {
            "backoffLimit": 2,
            "ttlSecondsAfterFinished": None,
            "template": {"spec": {"containers": [{"command": ["run"], "env": [{"name": "A", "value": "1"}]}]}},
        },
    }
    job = Job(
        b"", "http://x", "x:1", environment={"B": "2"},
        flow_run_id="01a2050a-46bd-761b-ae29-c25f4c34c974", flow_run_name="Übung 1", attempt_token="t",
        configuration={"job_manifest": manifest, "api_url": "http://server:4200"},
    )  # fmt: skip
    settings = Settings(api_key="k")
    namespace, made = build_manifest(job, settings, api_url="http://x", work_pool_name="p", worker_name="w")
    assert (namespace, made["metadata"]["name"]) == ("default", "bung-1-c25f4c34c974-1")
    assert made["metadata"]["annotations"]["mine"] == "1"
    assert made["spec"]["backoffLimit"] == 2
    assert "ttlSecondsAfterFinished" not in made["spec"]
    container = made["spec"]["template"]["spec"]["containers"][0]
    assert container["command"] == ["run"]
    env = {item["name"]: item["value"] for item in container["env"]}
    assert (env["A"], env["B"], env["HEADRACE_API_KEY"]) == ("1", "2", "k")
    assert env["HEADRACE_API_URL"] == "http://server:4200"
    assert manifest["metadata"]["labels"] is None, "the template itself was changed"


def test_a_finished_job() -> None:
    assert is_finished({"status": {"conditions": [{"type": "Failed", "status": "True"}]}})
    assert not is_finished({"status": {}})
