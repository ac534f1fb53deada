"""Runs commands of Prefect's client, each in a copy of a process that has imported it: to begin one takes seconds.

Reads the words of each as JSON from a file, prints the exit codes and what they said as JSON.
"""

from __future__ import annotations

import importlib
import json
import os
import pathlib
import pkgutil
import sys
import tempfile
import traceback

import prefect.cli
import prefect.client.orchestration
from prefect.cli import app


def run(words: list[str]) -> tuple[int, str]:
    """Run one command; return its exit code and what it said."""
    with tempfile.TemporaryFile() as said:
        child = os.fork()
        if child == 0:
            os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
            os.dup2(said.fileno(), 1)
            os.dup2(said.fileno(), 2)
            os._exit(call(words))
        _, status = os.waitpid(child, 0)
        said.seek(0)
        return os.waitstatus_to_exitcode(status), said.read().decode()


def call(words: list[str]) -> int:
    """Run a command in this process; return its exit code."""
    sys.argv = ["prefect", *words]
    try:
        app()
        code = 0
    except SystemExit as error:
        code = error.code if isinstance(error.code, int) else int(error.code is not None)
    except BaseException:
        traceback.print_exc()
        code = 99
    sys.stdout.flush()
    sys.stderr.flush()
    return code


if __name__ == "__main__":
    for module in pkgutil.iter_modules(prefect.cli.__path__, "prefect.cli."):
        importlib.import_module(module.name)
    print(json.dumps([run(words) for words in json.loads(pathlib.Path(sys.argv[1]).read_text())]))
