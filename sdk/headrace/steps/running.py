"""Reads steps and runs them one after the other."""

from __future__ import annotations

import contextlib
import importlib
import inspect
import logging
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from headrace import errors
from headrace.api.v1 import deployment_pb2, variable_pb2
from headrace.blocks.core import load_fields
from headrace.client import get_client
from headrace.client.values import value_from_proto
from headrace.recording.wire import mapping_of
from headrace.steps import output
from headrace.steps.templating import Path, Secrets, Values, fill, is_secret_name

BUILT_IN = {
    "git_clone": "headrace.steps.git",
    "set_working_directory": "headrace.steps.folders",
    "pull_from_remote": "headrace.steps.folders",
    "push_to_remote": "headrace.steps.folders",
    "run_shell_script": "headrace.steps.shell",
    "pip_install_requirements": "headrace.steps.shell",
    "build_docker_image": "headrace.steps.images",
    "push_docker_image": "headrace.steps.images",
}
"""Steps with a short name, and the module of each."""

_ID = "id"


class StepFailed(errors.FailedPrecondition):
    """A step failed; the message has its name and what it said, without secrets."""

    default_reason = "STEP_FAILED"


@dataclass(frozen=True, slots=True)
class Step:
    """One step."""

    name: str
    """A short name, or the import path of a function."""
    inputs: Mapping[str, Any]
    """With placeholders."""
    step_id: str = ""
    """Later steps name the outputs by it; by default the name without its module."""
    path: Path = ()
    """Where it stands in its file."""

    @property
    def output_name(self) -> str:
        """By what later steps name the outputs."""
        return self.step_id or self.name.rpartition(".")[2]

    @classmethod
    def from_proto(cls, message: deployment_pb2.PullStep) -> Step:
        """Return the step of a message."""
        return cls(message.step, mapping_of(message.inputs), message.step_id)


def read_steps(items: Sequence[Any], path: Path = ()) -> list[Step]:
    """Return steps as they are written in files: `- name: {input: value, id: step-id}`.

    Raises:
        WrongStep: One is not of this form, or does not exist; the error has its path.
    """
    steps = []
    for place, item in enumerate(items):
        here = (*path, place)
        if not isinstance(item, Mapping) or len(item) != 1:
            raise WrongStep(here, "a step is one name with its inputs, like `- git_clone: {repository: ...}`")
        name, inputs = next(iter(item.items()))
        if inputs is not None and not isinstance(inputs, Mapping):
            raise WrongStep((*here, name), f"the inputs of {name} must be names with values")
        if name not in BUILT_IN and "." not in str(name):
            raise WrongStep(
                (*here, name),
                f"there is no step {name!r}; there are {', '.join(BUILT_IN)}, and functions as package.module.function",
            )
        given = dict(inputs or {})
        step_id = str(given.pop(_ID, "") or "")
        if name in BUILT_IN:
            _check_inputs(name, given, (*here, name))
        steps.append(Step(str(name), given, step_id, (*here, name)))
    return steps


class WrongStep(errors.InvalidArgument):
    """A step is written wrongly.

    Args:
        path: Where it stands.
        message: What is wrong.
    """

    default_reason = "STEP_INVALID"

    def __init__(self, path: Path, message: str) -> None:
        super().__init__(message)
        self.path = path


def _check_inputs(name: str, inputs: Mapping[str, Any], path: Path) -> None:
    parameters = inspect.signature(_function(name)).parameters
    for given in inputs:
        if given not in parameters:
            raise WrongStep((*path, given), f"{name} has no input {given!r}; it has {', '.join(parameters)}")
    for needed in parameters.values():
        if needed.default is inspect.Parameter.empty and needed.name not in inputs:
            raise WrongStep(path, f"{name} needs {needed.name!r}")


def server_values(known: Mapping[str, Any], secrets: Secrets) -> Values:
    """Return where placeholders find their values: all of them, asking the server of this process."""
    return Values(known=known, variable=_variable, block=_block, secrets=secrets)


def _block(type_: str, name: str) -> Any:
    # Its values are in the open from here on; `Secrets` keeps them out of sight.
    return load_fields(f"{type_}/{name}")


def _variable(name: str) -> Any:
    return value_from_proto(
        get_client().variables.GetVariable(variable_pb2.GetVariableRequest(name=name)).variable.value
    )


def run_steps(
    steps: Sequence[Step],
    *,
    known: Mapping[str, Any] | None = None,
    secrets: Secrets | None = None,
    logger: logging.Logger | logging.LoggerAdapter[Any],
) -> dict[str, Any]:
    """Run steps in their order and return their outputs by id.

    Args:
        steps: What to do.
        known: Values for placeholders, beside those of the environment and the server.
        secrets: Takes what must not be shown.
        logger: Is told what is done.

    Raises:
        StepFailed: One failed; the steps after it are not run.
    """
    hidden = secrets or Secrets()
    outputs: dict[str, Any] = dict(known or {})
    with output.hiding(hidden):
        for step in steps:
            outputs[step.output_name] = _run(step, outputs, hidden, logger)
    return outputs


def _run(
    step: Step, outputs: Mapping[str, Any], secrets: Secrets, logger: logging.Logger | logging.LoggerAdapter[Any]
) -> Any:
    logger.info("Step %s", step.output_name if step.step_id else step.name)
    try:
        inputs = fill(dict(step.inputs), server_values(outputs, secrets))
        for name, value in inputs.items():
            if is_secret_name(name):
                secrets.add(value)
        result = _function(step.name)(**inputs)
    except Exception as error:
        said = str(error) if isinstance(error, errors.HeadraceError) else f"{type(error).__name__}: {error}"
        # Neither the error nor its traceback goes on: what a step was given may stand in both.
        raise StepFailed(secrets.hide(f"the step {step.output_name} failed: {said}")) from None
    if result is None:
        return {}
    if not isinstance(result, Mapping):
        raise StepFailed(f"the step {step.output_name} returned a {type(result).__name__}; a step returns a mapping")
    return dict(result)


def _function(name: str) -> Callable[..., Any]:
    module_name, _, function_name = (f"{BUILT_IN[name]}.{name}" if name in BUILT_IN else name).rpartition(".")
    with _current_folder_on_path():
        module = importlib.import_module(module_name)
    function = getattr(module, function_name, None)
    if not callable(function):
        raise errors.InvalidArgument(f"{module_name} has no function {function_name!r}")
    return function  # type: ignore[no-any-return]


@contextlib.contextmanager
def _current_folder_on_path() -> Iterator[None]:
    folder = os.getcwd()
    added = folder not in sys.path
    if added:
        sys.path.insert(0, folder)
    try:
        yield
    finally:
        if added and folder in sys.path:
            sys.path.remove(folder)
