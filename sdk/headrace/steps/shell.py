"""Shell scripts, and packages that code needs."""

from __future__ import annotations

import importlib.util
import os
import pathlib
import shutil
import site
import sys
from collections.abc import Mapping

from headrace import errors
from headrace.steps.output import run_program


def run_shell_script(
    script: str,
    directory: str | None = None,
    env: Mapping[str, str] | None = None,
    stream_output: bool = True,
) -> dict[str, str]:
    """Run a script in the shell; the first command that fails ends it.

    Args:
        script: Any number of lines.
        directory: Where it starts; by default the current folder.
        env: Variables on top of those of this process.
        stream_output: Whether its lines are shown as they come.

    Returns:
        `stdout`, what it wrote on both streams, without spaces around it.

    Raises:
        errors.FailedPrecondition: It ended with an exit code other than 0.
    """
    written = run_program(
        ["sh", "-e", "-c", script],
        environment={**os.environ, **{name: str(value) for name, value in (env or {}).items()}},
        folder=directory,
        is_shown=stream_output,
    )
    return {"stdout": written.strip()}


def pip_install_requirements(
    requirements_file: str = "requirements.txt",
    directory: str | None = None,
    packages: list[str] | None = None,
    target: str | None = None,
    options: list[str] | None = None,
    stream_output: bool = False,
) -> dict[str, str]:
    """Install what the code needs.

    Args:
        requirements_file: Names the packages; looked at if it is there or no packages are given.
        directory: Where the file is; by default the current folder.
        packages: Further packages, as pip names them.
        target: Installs into this folder, for this run alone; by default into the environment of this Python.
        options: Further options of pip, such as `--index-url=...`.
        stream_output: Whether pip's lines are shown as they come.

    Returns:
        `target`, where to; empty for the environment itself.

    Raises:
        errors.HeadraceError: There is nothing to install, or pip could not do it.
    """
    file = pathlib.Path(directory or ".", requirements_file).absolute()
    wanted = list(packages or [])
    if file.is_file():
        wanted += ["--requirement", str(file)]
    elif not wanted:
        raise errors.NotFound(f"there is no file {file}")
    place = ["--target", str(pathlib.Path(target).absolute())] if target else []
    run_program([*_installer(), *place, *(options or []), *wanted], environment=os.environ, is_shown=stream_output)
    if not target:
        importlib.invalidate_caches()
        return {"target": ""}
    folder = str(pathlib.Path(target).absolute())
    site.addsitedir(folder)
    if folder in sys.path:
        sys.path.remove(folder)
    # Before all others, here and in what the run starts.
    sys.path.insert(0, folder)
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, (folder, os.environ.get("PYTHONPATH"))))
    importlib.invalidate_caches()
    return {"target": folder}


def _installer() -> list[str]:
    if importlib.util.find_spec("pip") is not None:
        return [sys.executable, "-m", "pip", "install", "--disable-pip-version-check"]
    for uv in (pathlib.Path(sys.executable).parent / "uv", shutil.which("uv")):
        if uv and pathlib.Path(uv).is_file():
            return [str(uv), "pip", "install", "--python", sys.executable]
    raise errors.FailedPrecondition(f"neither pip nor uv is installed for {sys.executable}")
