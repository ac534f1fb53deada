"""The base job templates that pools begin with, by the type of their workers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

KNOWN_TYPES = ("process", "docker", "kubernetes")
"""Types whose workers come with Headrace."""

_ENV = {
    "title": "Environment variables",
    "description": "Set for the process of the run. A value of null removes a variable.",
    "type": "object",
    "additionalProperties": {"type": ["string", "null"]},
    "default": {},
}
_COMMAND = {
    "title": "Command",
    "description": "Starts the run in place of the worker's own way. Must end in `-m headrace.worker.child`.",
    "type": ["string", "null"],
    "default": None,
}
_STREAM_OUTPUT = {
    "title": "Show output",
    "description": "Whether the worker repeats what the run prints.",
    "type": "boolean",
    "default": True,
}
_CONTAINER_COMMAND = {
    "title": "Command",
    "description": "Starts the run in the container; by default `python -m headrace.worker.container`.",
    "type": ["string", "null"],
    "default": None,
}
_LABELS = {
    "title": "Labels",
    "description": "Of the container, beside those of Headrace.",
    "type": "object",
    "additionalProperties": {"type": "string"},
    "default": {},
}
_IMAGE = {
    "title": "Image",
    "description": "The image that the run starts in; Headrace and the flow's packages must be in it.",
    "type": "string",
    "minLength": 1,
    "default": "headrace/headrace:latest",
}
_IMAGE_PULL_POLICY = {
    "title": "Image pull policy",
    "description": "When the image is pulled; by default always if its tag is `latest`, else if it is not there.",
    "type": ["string", "null"],
    "enum": ["Always", "IfNotPresent", "Never", None],
    "default": None,
}
_API_URL = {
    "title": "Server address",
    "description": "HTTP address of the server as containers see it; by default the worker's.",
    "type": ["string", "null"],
    "default": None,
}


def default_template(type_: str) -> dict[str, Any]:
    """Return the template of a pool that was created without one.

    Those of `KNOWN_TYPES` are complete; workers of other types are told an image and a command, and what is set in
    the template of their pool.
    """
    match type_:
        case "process":
            return _process()
        case "docker":
            return _docker()
        case "kubernetes":
            return _kubernetes()
        case _:
            return _plain({"env": _ENV, "command": _CONTAINER_COMMAND, "image": {**_IMAGE, "type": ["string", "null"]}})


def _process() -> dict[str, Any]:
    return _plain(
        {
            "env": _ENV,
            "command": _COMMAND,
            "working_dir": {
                "title": "Working directory",
                "description": "Where the run starts; by default the worker's folder, or a temporary one if the"
                " deployment has pull steps.",
                "type": ["string", "null"],
                "default": None,
            },
            "stream_output": _STREAM_OUTPUT,
        }
    )


def _docker() -> dict[str, Any]:
    return _plain(
        {
            "env": _ENV,
            "command": _CONTAINER_COMMAND,
            "image": _IMAGE,
            "image_pull_policy": _IMAGE_PULL_POLICY,
            "labels": _LABELS,
            "networks": _texts("Networks", "Networks of the engine that the container joins."),
            "network_mode": _text("Network mode", "Such as host or none; excludes networks."),
            "volumes": _texts("Volumes", "As host-path:container-path or volume:container-path, with :ro if need be."),
            "mem_limit": _text("Memory", "The most memory, such as 2g; a container that wants more is killed."),
            "cpus": {
                "title": "Processors",
                "description": "How many at most.",
                "type": ["number", "null"],
                "exclusiveMinimum": 0,
                "default": None,
            },
            "user": _text("User", "As whom the run works in the container."),
            "privileged": {
                "title": "Privileged",
                "description": "Whether the container has all rights of the machine.",
                "type": "boolean",
                "default": False,
            },
            "auto_remove": {
                "title": "Remove containers",
                "description": "Whether containers are removed once they have ended.",
                "type": "boolean",
                "default": True,
            },
            "stream_output": _STREAM_OUTPUT,
            "api_url": _API_URL,
        }
    )


def _kubernetes() -> dict[str, Any]:
    properties: dict[str, Any] = {
        "env": _ENV,
        "command": _CONTAINER_COMMAND,
        "image": _IMAGE,
        "image_pull_policy": _IMAGE_PULL_POLICY,
        "labels": _LABELS,
        "namespace": {**_text("Namespace", "Where jobs are made."), "type": "string", "default": "default"},
        "service_account_name": _text("Service account", "Whose rights the run has in the cluster."),
        "image_pull_secrets": {
            "title": "Secrets for images",
            "description": "Secrets of the namespace that open the image's registry, as [{name: ...}].",
            "type": "array",
            "items": {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]},
            "default": [],
        },
        "resources": {
            "title": "Resources",
            "description": "Requests and limits of the container, as Kubernetes writes them.",
            "type": "object",
            "default": {},
        },
        "api_key_secret": _text(
            "Secret with the API key",
            "A secret of the namespace with the entry `api-key`; by default the worker's key is in the job itself.",
        ),
        "start_timeout_seconds": {
            "title": "Time to start",
            "description": "A job whose container has not started after so many seconds is given up.",
            "type": "number",
            "exclusiveMinimum": 0,
            "default": 600,
        },
        "grace_seconds": {
            "title": "Time to stop",
            "description": "How many seconds a run that is stopped may take for it.",
            "type": "integer",
            "minimum": 0,
            "default": 30,
        },
        "finished_job_ttl": {
            "title": "Time to keep jobs",
            "description": "How many seconds jobs stay that have ended; null leaves them to the worker, which removes"
            " them at once.",
            "type": ["integer", "null"],
            "minimum": 0,
            "default": None,
        },
        "stream_output": _STREAM_OUTPUT,
        "api_url": _API_URL,
    }
    plain = ("env", "command", "namespace", "api_key_secret", "start_timeout_seconds", "finished_job_ttl")
    configuration: dict[str, Any] = {name: f"{{{{ {name} }}}}" for name in (*plain, "stream_output", "api_url")}
    configuration["job_manifest"] = {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"labels": "{{ labels }}", "namespace": "{{ namespace }}"},
        "spec": {
            "backoffLimit": 0,
            "ttlSecondsAfterFinished": "{{ finished_job_ttl }}",
            "template": {
                "metadata": {"labels": "{{ labels }}"},
                "spec": {
                    "restartPolicy": "Never",
                    "serviceAccountName": "{{ service_account_name }}",
                    "imagePullSecrets": "{{ image_pull_secrets }}",
                    "terminationGracePeriodSeconds": "{{ grace_seconds }}",
                    "containers": [
                        {
                            "name": "flow-run",
                            "image": "{{ image }}",
                            "imagePullPolicy": "{{ image_pull_policy }}",
                            "resources": "{{ resources }}",
                        }
                    ],
                },
            },
        },
    }
    return {"job_configuration": configuration, "variables": {"type": "object", "properties": properties}}


def _plain(variables: Mapping[str, Any]) -> dict[str, Any]:
    """Return a template whose configuration is its variables."""
    return {
        "job_configuration": {name: f"{{{{ {name} }}}}" for name in variables},
        "variables": {"type": "object", "properties": dict(variables)},
    }


def _text(title: str, description: str) -> dict[str, Any]:
    return {"title": title, "description": description, "type": ["string", "null"], "default": None}


def _texts(title: str, description: str) -> dict[str, Any]:
    return {
        "title": title,
        "description": description,
        "type": "array",
        "items": {"type": "string"},
        "default": [],
    }
