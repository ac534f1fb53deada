"""Build `.venv` from the lock file and install the project into it, on a machine that has little more than Python.

`make setup` runs it, with nothing but the standard library at hand. It may be run again at any time: what is right
already stays.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
OLDEST = (3, 11)
NEWER_PYTHONS = ("python3.14", "python3.13", "python3.12", "python3.11")
LOADED = ("sdk", "services", "gateway/headrace_gateway", "gateway/headrace_prefect", "migrations")
"""Folders with code that is loaded from where it lies."""


class SetupError(Exception):
    """Set-up cannot go on; the message says what to do."""


def say(text: str) -> None:
    """Tell the person who waits what happens now."""
    print(f"setup: {text}", flush=True)


def run(*command: str | Path, **environment: str) -> None:
    """Run a command, with its output shown.

    Raises:
        SetupError: the command failed.
    """
    words = [str(word) for word in command]
    if subprocess.run(words, check=False, cwd=ROOT, env={**os.environ, **environment}).returncode != 0:
        raise SetupError(f"this failed: {' '.join(words)}")


def works(*command: str | Path) -> bool:
    """Tell whether a command exists and succeeds, without showing its output."""
    try:
        return subprocess.run([str(word) for word in command], check=False, capture_output=True).returncode == 0
    except OSError:
        return False


def restart_with_newer_python() -> None:
    """Replace this process by one with a Python that is new enough, where this one is not.

    Raises:
        SetupError: there is none.
    """
    if sys.version_info >= OLDEST:
        return
    for name in NEWER_PYTHONS:
        path = shutil.which(name)
        if path is not None:
            os.execv(path, [path, *sys.argv])
    have = ".".join(str(part) for part in sys.version_info[:3])
    raise SetupError(
        f"Python 3.11 or newer is needed, this is {have}. Name another one: make setup PYTHON=/path/to/python3.11"
    )


def ensure_venv_module() -> None:
    """Make `python -m venv` able to work: Debian and Ubuntu keep its parts in a package of their own.

    Raises:
        SetupError: the package is missing and cannot be installed from here.
    """
    if importlib.util.find_spec("venv") is not None and importlib.util.find_spec("ensurepip") is not None:
        return
    package = f"python{sys.version_info.major}.{sys.version_info.minor}-venv"
    by_hand = f"apt-get update && apt-get install -y {package}"
    apt = shutil.which("apt-get")
    if apt is None:
        raise SetupError(
            f"{sys.executable} has no venv and ensurepip modules: install them, then run `make setup` again."
        )
    if os.geteuid() == 0:
        prefix: list[str] = []
    elif works("sudo", "-n", "true"):
        prefix = ["sudo", "-n", "env", "DEBIAN_FRONTEND=noninteractive"]
    else:
        raise SetupError(f"this Python lacks venv and ensurepip. Run `{by_hand}` as root, then `make setup` again.")
    say(f"installing {package}")
    try:
        run(*prefix, "apt-get", "update", "-qq")
        run(
            *prefix,
            "apt-get",
            "install",
            "-y",
            "-qq",
            "--no-install-recommends",
            package,
            DEBIAN_FRONTEND="noninteractive",
        )
    except SetupError as error:
        raise SetupError(f"{error}. Run `{by_hand}` as root, then `make setup` again.") from error


def locked_block(lock: Path, package: str) -> tuple[str, str]:
    """Return the version that a lock pins for a package, and the requirement with its hashes.

    Raises:
        SetupError: the lock does not pin the package.
    """
    found = re.search(rf"^{re.escape(package)}==(\S+)(?: *\\\n +--hash=\S+)+", lock.read_text(), re.MULTILINE)
    if found is None:
        raise SetupError(f"{lock.relative_to(ROOT)} does not pin {package}: run `make lock`")
    return found[1], found[0] + "\n"


def ensure_environment(folder: Path) -> None:
    """Make sure that `folder` holds a virtual environment whose Python runs and is new enough."""
    python = folder / "bin" / "python"
    if works(python, "-c", f"import sys; sys.exit(sys.version_info < {OLDEST})"):
        return
    ensure_venv_module()
    say(f"making {folder.name} with Python {sys.version.split()[0]}")
    # A fresh process: the modules may have been installed after this one looked for them.
    run(sys.executable, "-m", "venv", "--clear", folder)


def ensure_installer(folder: Path, lock: Path) -> Path:
    """Make sure that the environment holds the locked version of the package installer, and return its path."""
    uv = folder / "bin" / "uv"
    version, requirement = locked_block(lock, "uv")
    if uv.exists():
        answer = subprocess.run([uv, "--version"], check=False, capture_output=True, text=True)
        if answer.returncode == 0 and answer.stdout.split()[1:2] == [version]:
            return uv
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
        file.write(requirement)
        file.flush()
        pip = (folder / "bin" / "python", "-m", "pip", "--disable-pip-version-check", "--quiet")
        if not works(*pip, "--version"):
            run(folder / "bin" / "python", "-m", "ensurepip")
        run(*pip, "install", "--require-hashes", "--requirement", file.name)
    return uv


def main() -> int:
    """Set everything up and return the exit code."""
    parser = argparse.ArgumentParser(description="Build the development environment from the lock file.")
    parser.add_argument("--environment", type=Path, default=ROOT / ".venv", help="folder of the environment")
    parser.add_argument("--lock", type=Path, default=ROOT / "requirements" / "dev.lock", help="lock file to install")
    options = parser.parse_args()
    try:
        restart_with_newer_python()
        ensure_environment(options.environment)
        uv = ensure_installer(options.environment, options.lock)
        python = options.environment / "bin" / "python"
        say("installing what requirements/dev.lock pins")
        install = (uv, "pip", "install", "--quiet", "--python", python)
        # Without byte code every process compiles all that it loads where Python is told not to write any, and a
        # server takes twice as long to start.
        run(*install, "--require-hashes", "--compile-bytecode", "--requirement", options.lock)
        run(*install, "--no-deps", "--no-build-isolation", "--editable", ROOT)
        run(python, "-m", "compileall", "-q", "-j", "0", *(ROOT / folder for folder in LOADED))
    except SetupError as error:
        print(f"setup: {error}", file=sys.stderr)
        return 1
    say(f"ready: {options.environment.name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
