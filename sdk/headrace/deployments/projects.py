"""Deploys what a project file names: build, push, then tell the server what each deployment is to be."""

from __future__ import annotations

import contextlib
import dataclasses
import fnmatch
import logging
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from headrace import errors
from headrace.api.v1 import automation_pb2, deployment_pb2
from headrace.client import get_client
from headrace.deployments.changes import Change, changes_of
from headrace.deployments.definition import to_deployment
from headrace.deployments.project_file import DeploymentSection, ProjectFile, WrongProjectFile
from headrace.deployments.revisions import Revision, find_revision
from headrace.deployments.triggers import (
    Trigger,
    apply_triggers,
    automations_of,
    changes_between,
    existing_of,
)
from headrace.engine.loading import LoadError, load_flow
from headrace.steps.running import Step, StepFailed, run_steps, server_values
from headrace.steps.templating import Secrets, Unresolved, Values, fill, placeholders

logger = logging.getLogger("headrace.deploy")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one deployment."""

    name: str
    """`flow/deployment`."""
    changes: Sequence[Change]
    """What differed from what the server had."""
    is_new: bool
    """Whether the server had no such deployment."""
    deployment: deployment_pb2.Deployment | None
    """As it is now; None if nothing was applied."""
    new_version: bool = False
    """Whether a version was made."""


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What a deployment of the file shall be."""

    place: int
    request: deployment_pb2.ApplyDeploymentRequest
    triggers: Sequence[Trigger] | None

    @property
    def full_name(self) -> str:
        """`flow/deployment`."""
        return f"{self.request.flow_name}/{self.request.name}"


@dataclass
class ProjectDeployment:
    """Deploys from one project file.

    Args:
        project: The file.
        is_trial: True runs no steps and changes nothing: only the differences are told.
        message: What to say about new versions.
        is_promoted: False: new versions are made, but runs take the current one until another is promoted.
    """

    project: ProjectFile
    is_trial: bool = False
    message: str = ""
    is_promoted: bool = True
    warnings: list[str] = field(default_factory=list)
    """What the user should know although it works."""
    _secrets: Secrets = field(default_factory=Secrets)
    _project_outputs: dict[str, Any] | None = None

    def deploy(self, names: Sequence[str]) -> Iterator[Outcome]:
        """Deploy the deployments that fit a name (`*` and `?` stand for others), all without, and yield what became.

        Raises:
            errors.HeadraceError: Something in the file is wrong, a step failed, or the server refuses it.
        """
        chosen = self._choose(names)
        with _in_folder(str(self.project.folder)):
            revision = find_revision(self.project.folder)
            known = self._known(revision)
            # All are read before anything is done, so that a mistake in the last leaves nothing half deployed.
            for place in chosen:
                self.project.section(place, self._values(known), may_be_missing=True)
                self._check_pull_steps(place, known)
            wanted = [self._want(place, known, revision) for place in chosen]
            # And all are shown to the server before any is changed.
            self._check(wanted)
            for each in wanted:
                yield self._deploy(each)

    def _choose(self, names: Sequence[str]) -> list[int]:
        there = self.project.deployment_names
        if not there:
            raise self.project.error((), "there are no deployments in it")
        unknown = [pattern for pattern in names if not any(_fits(name, pattern) for name in there)]
        if unknown:
            raise errors.NotFound(
                f"{self.project.path.name} has no deployment {', '.join(map(repr, unknown))};"
                f" there are {', '.join(map(repr, there))}."
            )
        fitting = [any(_fits(name, pattern) for pattern in names) for name in there]
        return [place for place, fits in enumerate(fitting) if fits or not names]

    def _known(self, revision: Revision | None) -> dict[str, Any]:
        known: dict[str, Any] = {"project": {"name": self.project.name, "folder": str(self.project.folder)}}
        if revision is not None:
            known["git"] = {
                "commit": revision.commit,
                "branch": revision.branch,
                "message": revision.message,
                "repository": revision.repository or str(self.project.folder),
            }
        return known

    def _values(self, known: Mapping[str, Any]) -> Values:
        # Blocks hold secrets, and whatever is filled in here is kept with the deployment.
        return dataclasses.replace(server_values(known, self._secrets), block=None)

    def _want(self, place: int, known: Mapping[str, Any], revision: Revision | None) -> _Wanted:
        outputs = dict(known) if self.is_trial else self._run_steps(place, known)
        section = self.project.section(place, self._values(outputs), may_be_missing=self.is_trial)
        return _Wanted(place, self._request(place, section, outputs, revision), section.to_triggers())

    def _check(self, wanted: Sequence[_Wanted]) -> None:
        """Let the server check all deployments, and tell of all that it refuses."""
        refused = []
        for each in wanted:
            refused += self._check_triggers(each)
            if self.is_trial and _is_open(each.request.content):
                # What build steps make is not known yet, and could be refused for nothing.
                continue
            request = deployment_pb2.ApplyDeploymentRequest()
            request.CopyFrom(each.request)
            request.validate_only = True
            try:
                get_client().deployments.ApplyDeployment(request)
            except (errors.InvalidArgument, errors.NotFound, errors.FailedPrecondition) as error:
                # The server knows no file: say at least which deployment it is.
                refused.append(str(self.project.error(("deployments", each.place), str(error))))
        if refused:
            raise WrongProjectFile("\n".join(refused))

    def _check_triggers(self, wanted: _Wanted) -> list[str]:
        """Let the server look at triggers, which it does not keep; return what is wrong with them."""
        place = ("deployments", wanted.place, "triggers")
        try:
            automations = automations_of(wanted.triggers or (), wanted.full_name, "")
            for automation in automations:
                request = automation_pb2.TestAutomationRequest(automation=automation)
                request.span.until.GetCurrentTime()
                # Events of the past are not what this is about.
                getattr(request.span, "from").FromSeconds(request.span.until.seconds - 1)
                get_client().automations.TestAutomation(request)
        except errors.InvalidArgument as error:
            return [str(self.project.error(place, str(error)))]
        return []

    def _deploy(self, wanted: _Wanted) -> Outcome:
        request = wanted.request
        before = _existing(request.flow_name, request.name)
        changes = changes_of(before, request)
        name = wanted.full_name
        if wanted.triggers is not None:
            owned = existing_of(get_client().automations, before.deployment_id) if before is not None else []
            changes += changes_between(owned, automations_of(wanted.triggers, name, ""))
        if self.is_trial:
            return Outcome(name, changes, before is None, None)
        try:
            response = get_client().deployments.ApplyDeployment(request)
        except errors.InvalidArgument as error:
            raise self.project.error(("deployments", wanted.place), str(error)) from error
        if wanted.triggers is not None:
            apply_triggers(get_client().automations, wanted.triggers, name, response.deployment.deployment_id)
        return Outcome(name, changes, response.created, response.deployment, response.new_version)

    def _run_steps(self, place: int, known: Mapping[str, Any]) -> dict[str, Any]:
        """Run build and push steps, those of the project once for all deployments that have none of their own."""
        own = [kind for kind in ("build", "push") if self.project.has_steps(kind, place)]
        if not own:
            if self._project_outputs is None:
                steps = [*self.project.steps("build"), *self.project.steps("push")]
                self._project_outputs = self._run(steps, known)
            return self._project_outputs
        build = self.project.steps("build", place if "build" in own else None)
        push = self.project.steps("push", place if "push" in own else None)
        return self._run([*build, *push], known)

    def _run(self, steps: Sequence[Step], known: Mapping[str, Any]) -> dict[str, Any]:
        try:
            return run_steps(steps, known=known, secrets=self._secrets, logger=logger)
        except StepFailed as error:
            raise StepFailed(f"{self.project.path.name}: {error}") from None

    def _pull_steps(self, place: int) -> list[Step]:
        return self.project.steps("pull", place if self.project.has_steps("pull", place) else None)

    def _request(
        self, place: int, section: DeploymentSection, outputs: Mapping[str, Any], revision: Revision | None
    ) -> deployment_pb2.ApplyDeploymentRequest:
        try:
            flow = load_flow(section.entrypoint, str(self.project.folder))
        except LoadError as error:
            raise self.project.error(("deployments", place, "entrypoint"), str(error)) from error
        if section.flow_name and section.flow_name != flow.name:
            raise self.project.error(
                ("deployments", place, "flow_name"), f"the flow at {section.entrypoint} is named {flow.name!r}"
            )
        pull_steps = self._filled_pull_steps(place, outputs)
        if revision is not None:
            self._warn(revision, pull_steps)
        definition = to_deployment(
            flow,
            section.name,
            schedules=section.to_schedules(),
            paused=section.paused,
            parameters=section.parameters,
            description=section.description,
            version=section.version,
            tags=section.tags,
            labels=section.labels,
            worker_labels=section.worker_labels,
            enforce_parameter_schema=section.enforce_parameter_schema,
            concurrency_limit=section.to_concurrency(),
            work_pool_name=section.work_pool.name,
            work_queue_name=section.work_pool.work_queue,
            job_variables=section.work_pool.job_variables,
            entrypoint=section.entrypoint,
        )
        request = dataclasses.replace(
            definition,
            path=str(self.project.folder),
            pull_steps=pull_steps,
            version_info=revision.to_proto() if revision is not None else None,
        ).to_request()
        if section.concurrency_limit is None and "concurrency_limit" in section.model_fields_set:
            request.concurrency.SetInParent()
        request.message = self.message
        request.keep_current = not self.is_promoted
        return request

    def _filled_pull_steps(self, place: int, outputs: Mapping[str, Any]) -> list[Step]:
        """Fill in what is known here; variables, blocks and the environment are looked up where the run is."""
        here = Values(known=outputs, variable=None, block=None, environment=None)
        filled = []
        for step in self._pull_steps(place):
            try:
                inputs = fill(dict(step.inputs), here, may_be_missing=True, path=step.path)
            except Unresolved as error:
                raise self.project.error(error.path, error.message) from None
            filled.append(dataclasses.replace(step, inputs=inputs))
        return filled

    def _check_pull_steps(self, place: int, known: Mapping[str, Any]) -> None:
        """Refuse placeholders that nothing will ever fill."""
        steps = {step.output_name for kind in ("build", "push") for step in self._steps_for(kind, place)} | set(known)
        for step in self._pull_steps(place):
            for path, name in placeholders(dict(step.inputs), step.path):
                first = name.split(".")[0]
                if not name.startswith(("$", "headrace.")) and first not in steps:
                    why = (
                        "the folder is in no git repository with a commit"
                        if first == "git"
                        else f"no step before it is named {first!r}"
                    )
                    raise self.project.error(path, f"{{{{ {name} }}}} has no value: {why}")
            steps.add(step.output_name)

    def _steps_for(self, kind: Any, place: int) -> list[Step]:
        return self.project.steps(kind, place if self.project.has_steps(kind, place) else None)

    def _warn(self, revision: Revision, pull_steps: Sequence[Step]) -> None:
        if not any(step.name == "git_clone" for step in pull_steps):
            return
        if revision.is_dirty:
            self._warn_once("Files were changed since the last commit; runs will not see that.")
        if not revision.is_pushed:
            self._warn_once(f"The commit {revision.commit[:12]} is in no branch of the remote; runs may not find it.")

    def _warn_once(self, text: str) -> None:
        if text not in self.warnings:
            self.warnings.append(text)


def _fits(name: str, pattern: str) -> bool:
    # A name may hold what means something in a pattern.
    return name == pattern or fnmatch.fnmatchcase(name, pattern)


def _is_open(content: deployment_pb2.DeploymentContent) -> bool:
    """Return whether placeholders of build or push steps are still to be filled."""
    rest = deployment_pb2.DeploymentContent()
    rest.CopyFrom(content)
    # Those of pull steps are filled where the run is.
    rest.ClearField("pull_steps")
    return "{{" in str(rest)


def _existing(flow_name: str, name: str) -> deployment_pb2.Deployment | None:
    request = deployment_pb2.GetDeploymentByNameRequest(flow_name=flow_name, deployment_name=name)
    try:
        return get_client().deployments.GetDeploymentByName(request).deployment
    except errors.NotFound:
        return None


@contextlib.contextmanager
def _in_folder(folder: str) -> Iterator[None]:
    """Work from the project's folder, as runs do, with its modules to be found."""
    before = os.getcwd()
    os.chdir(folder)
    added = folder not in sys.path
    if added:
        sys.path.insert(0, folder)
    try:
        yield
    finally:
        os.chdir(before)
        if added and folder in sys.path:
            sys.path.remove(folder)
