"""The first project file of a folder."""

from __future__ import annotations

import ast
import json
import os
import pathlib
from collections.abc import Iterator

from headrace.deployments.revisions import find_revision
from headrace.steps.folders import IGNORED

_MOST_FILES = 2_000
_MOST_FLOWS = 50

RECIPES = {
    "local": """\
# Runs start in this folder; workers must see it at the same path.
pull: []
""",
    "git": """\
# Each run clones the commit that was deployed. For a private repository add, for example,
#   access_token: "{{ $GIT_TOKEN }}"                    # of the worker's environment
#   credentials: "{{ headrace.blocks.git-credentials.NAME }}"
pull:
- git_clone:
    repository: "{{ git.repository }}"
    commit: "{{ git.commit }}"
""",
    "remote": """\
# The folder is copied to a storage when it is deployed, and from there for each run.
push:
- push_to_remote:
    id: copy
    url: "s3://BUCKET/{{ project.name }}"
pull:
- pull_from_remote:
    url: "{{ copy.url }}"
""",
    "docker": """\
# The code is in an image that is built and pushed when it is deployed.
build:
- build_docker_image:
    id: image
    image_name: "REGISTRY/{{ project.name }}"
    tag: "{{ git.commit }}"
    dockerfile: auto
push:
- push_docker_image:
    image_name: "{{ image.image_name }}"
    tag: "{{ image.tag }}"
pull:
- set_working_directory:
    directory: /opt/code
""",
}
"""How runs get the code: name -> steps."""

_EXAMPLE = "flows.py:my_flow"


def project_text(folder: pathlib.Path, *, name: str | None, recipe: str | None, pool: str) -> tuple[str, list[str]]:
    """Return the text of a project file, and the entrypoints of the flows that it deploys.

    Args:
        folder: The folder.
        name: The project's name; by default the folder's.
        recipe: One of `RECIPES`; by default `git` for a clone with a remote, else `local`.
        pool: The work pool.
    """
    if recipe is None:
        revision = find_revision(folder)
        recipe = "git" if revision is not None and revision.repository else "local"
    flows = list(find_flows(folder))
    lines = [f"name: {json.dumps(name or folder.name)}", "", RECIPES[recipe].rstrip(), "", "deployments:"]
    taken: set[str] = set()
    for entrypoint in flows or [_EXAMPLE]:
        deployment = entrypoint.rpartition(":")[2].replace("_", "-")
        while deployment in taken:
            deployment += "-2"
        taken.add(deployment)
        lines += [
            f"- name: {json.dumps(deployment)}",
            f"  entrypoint: {json.dumps(entrypoint)}",
            "  # schedules:",
            '  # - cron: "0 3 * * *"',
            "  #   timezone: Europe/Berlin",
            "  work_pool:",
            f"    name: {json.dumps(pool)}",
        ]
        if recipe == "docker":
            lines += ["    job_variables:", '      image: "{{ image.image }}"']
    return "\n".join([*lines, ""]), flows


def find_flows(folder: pathlib.Path) -> Iterator[str]:
    """Yield the entrypoints of functions decorated with `@flow` in the Python files of a folder; nothing is imported.

    At most 50 flows are found, in 2,000 files.
    """
    found = 0
    for file in _python_files(folder):
        try:
            tree = ast.parse(file.read_bytes())
        except (OSError, SyntaxError, ValueError):
            continue
        for node in tree.body:
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and any(map(_is_flow, node.decorator_list)):
                yield f"{file.relative_to(folder).as_posix()}:{node.name}"
                found += 1
                if found >= _MOST_FLOWS:
                    return


def _python_files(folder: pathlib.Path) -> Iterator[pathlib.Path]:
    count = 0
    for base, names, files in os.walk(folder):
        names[:] = sorted(name for name in names if name not in IGNORED and not name.startswith("."))
        for name in sorted(files):
            if name.endswith(".py"):
                count += 1
                if count > _MOST_FILES:
                    return
                yield pathlib.Path(base, name)


def _is_flow(decorator: ast.expr) -> bool:
    called = decorator.func if isinstance(decorator, ast.Call) else decorator
    if isinstance(called, ast.Attribute):
        return called.attr == "flow"
    return isinstance(called, ast.Name) and called.id == "flow"
