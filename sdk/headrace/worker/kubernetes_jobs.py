"""What a Kubernetes job is to be for a run, and what a pod says about it. Nothing here talks to a cluster."""

from __future__ import annotations

import datetime
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from headrace import errors
from headrace.settings import Settings
from headrace.worker.container import DEFAULT_COMMAND, container_environment, container_name
from headrace.worker.job import Job

PREFIX = "headrace.io/"
"""Of the labels and annotations that tell what a job is."""
POOL_LABEL = PREFIX + "work-pool"
"""Label of jobs and pods: the pool, as far as a label can say it."""
POOL, WORKER, FLOW_RUN_ID, FLOW_RUN_NAME, TOKEN, KEEP = (
    PREFIX + name for name in ("work-pool-name", "worker", "flow-run-id", "flow-run-name", "attempt-token", "keep")
)
JOB_NAME_LABEL = "job-name"
"""Label that the cluster gives to the pods of a job."""

API_KEY = "HEADRACE_API_KEY"
API_KEY_ENTRY = "api-key"
"""Entry of the secret that `api_key_secret` names."""

_HOPELESS = ("InvalidImageName", "ErrImageNeverPull", "ImagePullBackOff", "CreateContainerConfigError")
"""What a container waits for that only people can change; a back-off comes after a pull has failed."""
_KILLED = 137
_LONGEST_LABEL = 63


@dataclass(frozen=True, slots=True)
class PodReport:
    """What is known of the pod of a run."""

    pod_name: str = ""
    has_started: bool = False
    """Whether the container runs or has run."""
    exit_code: int | None = None
    """How it ended; None while it has not."""
    failure: str = ""
    """Why it ended, or cannot start."""
    waits_for: str = ""
    """Why it has not started yet."""

    @property
    def is_over(self) -> bool:
        """Whether nothing more is to come."""
        return self.exit_code is not None


def label_of(text: str) -> str:
    """Return a text as a label can hold it: other texts may look the same, so that it finds but does not prove."""
    allowed = "".join(sign if sign.isascii() and (sign.isalnum() or sign in "-_.") else "-" for sign in text)
    return allowed[:_LONGEST_LABEL].strip("-_.") or "x"


def build_manifest(
    job: Job, settings: Settings, *, api_url: str, work_pool_name: str, worker_name: str
) -> tuple[str, dict[str, Any]]:
    """Return the namespace of a job and its manifest.

    Args:
        job: With the pool's template, filled in.
        settings: Of the worker.
        api_url: The server's HTTP address, unless the template names another.
        work_pool_name: Whose run it is.
        worker_name: Who looks after it.

    Raises:
        errors.InvalidArgument: The template makes no job with a container.
    """
    given = job.configuration
    manifest = _pruned(given.get("job_manifest"))
    try:
        pod = manifest["spec"]["template"]["spec"]
        container = pod["containers"][0]
    except (KeyError, IndexError, TypeError):
        raise errors.InvalidArgument.of_field(
            "base_job_template.job_configuration.job_manifest", "must be a job with at least one container"
        ) from None
    name = container_name(job)
    namespace = str(given.get("namespace") or manifest.get("metadata", {}).get("namespace") or "default")
    is_kept = given.get("finished_job_ttl") is not None
    annotations = {
        POOL: work_pool_name,
        WORKER: worker_name,
        FLOW_RUN_ID: job.flow_run_id,
        FLOW_RUN_NAME: job.flow_run_name,
        TOKEN: job.attempt_token,
        KEEP: "true" if is_kept else "false",
    }
    labels = {POOL_LABEL: label_of(work_pool_name), FLOW_RUN_ID: job.flow_run_id}
    metadata = manifest.setdefault("metadata", {})
    metadata["name"], metadata["namespace"] = name, namespace
    for part in (metadata, manifest["spec"]["template"].setdefault("metadata", {})):
        users = {str(key): label_of(str(value)) for key, value in (part.get("labels") or {}).items()}
        part["labels"] = {**users, **labels}
    metadata["annotations"] = {**(metadata.get("annotations") or {}), **annotations}
    manifest["spec"].setdefault("backoffLimit", 0)
    pod.setdefault("restartPolicy", "Never")
    if "command" not in container and "args" not in container:
        container["command"] = shlex.split(job.command) if job.command else list(DEFAULT_COMMAND)
    environment = container_environment(
        job, settings, api_url=str(given.get("api_url") or api_url), infrastructure_id=f"kubernetes:{namespace}/{name}"
    )
    container["env"] = [*(container.get("env") or []), *_env(environment, given.get("api_key_secret"))]
    return namespace, manifest


def _env(environment: Mapping[str, str], api_key_secret: Any) -> list[dict[str, Any]]:
    env: list[dict[str, Any]] = [
        {"name": name, "value": value}
        for name, value in environment.items()
        if not (api_key_secret and name == API_KEY)
    ]
    if api_key_secret:
        source = {"secretKeyRef": {"name": str(api_key_secret), "key": API_KEY_ENTRY}}
        env.append({"name": API_KEY, "valueFrom": source})
    return env


def _pruned(value: Any) -> Any:
    """Return a copy without the values that the template left open."""
    if isinstance(value, Mapping):
        return {key: _pruned(inner) for key, inner in value.items() if inner is not None}
    if isinstance(value, list):
        return [_pruned(inner) for inner in value]
    return value


def read_pod(pod: Mapping[str, Any]) -> PodReport:
    """Return what a pod, as JSON of the cluster, says about its run."""
    name = str(pod["metadata"]["name"])
    status = pod.get("status") or {}
    statuses = status.get("containerStatuses") or []
    state = (statuses[0].get("state") or {}) if statuses else {}
    if "terminated" in state:
        return _terminated(name, state["terminated"], status)
    if status.get("phase") == "Failed":
        reason, message = status.get("reason") or "Failed", status.get("message") or ""
        words = "was evicted" if reason == "Evicted" else f"failed ({reason})"
        return PodReport(name, True, _KILLED, f"The pod {words}: {message}".rstrip(": "))
    if "running" in state:
        return PodReport(name, has_started=True)
    waiting = state.get("waiting") or {}
    reason, message = waiting.get("reason") or "", waiting.get("message") or ""
    words = f"{reason}: {message}".strip(": ")
    if reason in _HOPELESS:
        return PodReport(name, False, 1, f"The container cannot start, {words}")
    return PodReport(name, waits_for=words or _unscheduled(status))


def _terminated(name: str, terminated: Mapping[str, Any], status: Mapping[str, Any]) -> PodReport:
    code = int(terminated.get("exitCode") or 0)
    reason = terminated.get("reason") or ""
    if status.get("reason") == "Evicted":
        failure = f"The pod was evicted: {status.get('message') or ''}".rstrip(": ")
        return PodReport(name, True, code or _KILLED, failure)
    if reason == "OOMKilled":
        return PodReport(name, True, code or _KILLED, "The container ran out of memory and was killed (OOMKilled).")
    if code == 0:
        return PodReport(name, True, 0)
    details = f" ({reason})" if reason not in ("", "Error") else ""
    message = f": {terminated['message']}" if terminated.get("message") else "."
    return PodReport(name, True, code, f"The container ended with exit code {code}{details}{message}")


def _unscheduled(status: Mapping[str, Any]) -> str:
    for condition in status.get("conditions") or []:
        if condition.get("type") == "PodScheduled" and condition.get("status") == "False":
            return f"{condition.get('reason') or 'Unschedulable'}: {condition.get('message') or ''}".strip(": ")
    return ""


def deleted(report: PodReport) -> PodReport:
    """Return what a pod says that is gone."""
    if report.is_over:
        return report
    return PodReport(report.pod_name, report.has_started, _KILLED, "The pod was deleted before it had ended.")


def identity(job: Mapping[str, Any]) -> dict[str, str] | None:
    """Return the annotations of a job, as JSON of the cluster, that is a run's; None for any other."""
    annotations = (job.get("metadata") or {}).get("annotations") or {}
    return dict(annotations) if FLOW_RUN_ID in annotations and TOKEN in annotations else None


def is_finished(job: Mapping[str, Any]) -> bool:
    """Return whether a job, as JSON of the cluster, has ended."""
    conditions = (job.get("status") or {}).get("conditions") or []
    return any(item.get("type") in ("Complete", "Failed") and item.get("status") == "True" for item in conditions)


def seconds_since(moment: datetime.datetime) -> int:
    """Return how long ago a time was, in whole seconds, at least one: what logs are asked for by."""
    return max(1, int((datetime.datetime.now(datetime.UTC) - moment).total_seconds()))
