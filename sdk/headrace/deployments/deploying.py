"""Hands deployments to work pools, and starts runs of them."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from headrace import errors
from headrace.api.v1 import deployment_pb2
from headrace.client import get_client
from headrace.deployments.definition import DeploymentDefinition, to_deployment
from headrace.deployments.triggers import apply_triggers
from headrace.steps import Step, images

if TYPE_CHECKING:
    from headrace.flows import Flow


@dataclass(frozen=True, slots=True)
class DockerImage:
    """The image that runs start in.

    Args:
        name: With the registry, without a tag.
        tag: Its tag.
        dockerfile: Path from the current folder; `auto` makes one that copies the folder to /opt/code and installs
            its requirements.
        build_args: Values of the Dockerfile's ARGs.
        platform: Such as linux/amd64.
    """

    name: str
    tag: str = "latest"
    dockerfile: str = images.AUTO
    build_args: Mapping[str, str] = field(default_factory=dict)
    platform: str | None = None

    @property
    def reference(self) -> str:
        """Name and tag."""
        return f"{self.name}:{self.tag}"


def deploy(
    flow: Flow[..., Any],
    name: str,
    work_pool_name: str,
    *,
    image: str | DockerImage | None = None,
    build: bool = True,
    push: bool = True,
    job_variables: Mapping[str, Any] | None = None,
    **options: Any,
) -> str:
    """Make a flow runnable by the workers of a work pool; returns the deployment's id.

    Without an image, workers must find the code at the same path, unless `flow.from_source` says where it is.

    Args:
        flow: The flow.
        name: Unique in the flow.
        work_pool_name: The pool.
        image: The image that runs start in, for pools of containers; a text is name and tag of one that is made
            elsewhere, with the code at the entrypoint from its working folder.
        build: Whether a `DockerImage` is built here.
        push: Whether it is pushed to its registry.
        job_variables: Values for the pool's base job template.
        options: As of `to_deployment`.

    Raises:
        errors.HeadraceError: A value is wrong, the image cannot be made, or the server refuses it.
    """
    definition = to_deployment(flow, name, work_pool_name=work_pool_name, job_variables=job_variables, **options)
    (deployment_id,) = deploy_all(definition, image=image, build=build, push=push)
    return deployment_id


def deploy_all(
    *definitions: DeploymentDefinition,
    work_pool_name: str = "",
    image: str | DockerImage | None = None,
    build: bool = True,
    push: bool = True,
) -> list[str]:
    """Make flows runnable by the workers of a work pool, in one image if there is one; returns ids in the same order.

    The server looks at all of them before any is changed.

    Args:
        definitions: Of `flow.to_deployment`.
        work_pool_name: The pool of those that name none themselves.
        image: As of `deploy`; a `DockerImage` is built and pushed once.
        build: Whether a `DockerImage` is built here.
        push: Whether it is pushed to its registry.

    Raises:
        errors.HeadraceError: A value is wrong, the image cannot be made, or the server refuses one of them.
    """
    wanted = [_placed(definition, work_pool_name, image) for definition in definitions]
    requests = [definition.to_request() for definition in wanted]
    client = get_client()
    for request in requests:
        trial = deployment_pb2.ApplyDeploymentRequest()
        trial.CopyFrom(request)
        trial.validate_only = True
        client.deployments.ApplyDeployment(trial)
    if isinstance(image, DockerImage):
        _provide(image, build=build, push=push)
    ids = []
    for definition, request in zip(wanted, requests, strict=True):
        deployment = client.deployments.ApplyDeployment(request).deployment
        if definition.triggers is not None:
            full_name = f"{deployment.flow_name}/{deployment.name}"
            apply_triggers(client.automations, definition.triggers, full_name, deployment.deployment_id)
        ids.append(deployment.deployment_id)
    return ids


def _placed(
    definition: DeploymentDefinition, work_pool_name: str, image: str | DockerImage | None
) -> DeploymentDefinition:
    pool = definition.work_pool_name or work_pool_name
    if not pool:
        raise errors.InvalidArgument.of_field(
            "work_pool_name", f"is missing: {definition.name!r} needs workers; `serve` runs flows without"
        )
    if image is None:
        return dataclasses.replace(definition, work_pool_name=pool)
    variables = {**definition.job_variables, "image": image if isinstance(image, str) else image.reference}
    return dataclasses.replace(
        definition,
        work_pool_name=pool,
        job_variables=variables,
        path="",
        pull_steps=_steps_in(image, definition.pull_steps),
    )


def _steps_in(image: str | DockerImage, steps: Sequence[Step]) -> Sequence[Step]:
    if steps or isinstance(image, str) or image.dockerfile != images.AUTO:
        return steps
    return [Step("set_working_directory", {"directory": images.AUTO_FOLDER})]


def _provide(image: DockerImage, *, build: bool, push: bool) -> None:
    if build:
        images.build_docker_image(
            image.name, image.tag, image.dockerfile, build_args=image.build_args, platform=image.platform
        )
    if push:
        images.push_docker_image(image.name, image.tag)
