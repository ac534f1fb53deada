"""Steps: what is done to code before it is deployed (build, push) and before a run of it starts (pull).

A step is a function that takes its inputs by name and may return a mapping, which later steps name as
`{{ id.key }}`. Those of Headrace have short names; any other is named by its import path, `package.module.function`.
"""

from __future__ import annotations

from headrace.steps.folders import pull_from_remote, push_to_remote, set_working_directory
from headrace.steps.git import git_clone
from headrace.steps.images import build_docker_image, push_docker_image
from headrace.steps.running import Step, StepFailed, read_steps, run_steps
from headrace.steps.shell import pip_install_requirements, run_shell_script

__all__ = [
    "Step",
    "StepFailed",
    "build_docker_image",
    "git_clone",
    "pip_install_requirements",
    "pull_from_remote",
    "push_docker_image",
    "push_to_remote",
    "read_steps",
    "run_shell_script",
    "run_steps",
    "set_working_directory",
]
