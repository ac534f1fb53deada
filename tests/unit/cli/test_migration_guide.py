"""The guide for those who come from Prefect names what there is: commands, options, settings, names to import."""

from __future__ import annotations

import dataclasses
import importlib
import pathlib
import re
import shlex

import click
import pytest

from headrace.cli.root import root
from headrace.settings import Settings
from headrace.testing import local_runs
from headrace_chassis.settings import ServerSettings

GUIDE = (pathlib.Path(__file__).parents[3] / "docs" / "migrating.md").read_text()
COMMANDS = sorted(
    set(re.findall(r"^headrace .*$", GUIDE, re.MULTILINE)) | set(re.findall(r"`(headrace [^`]*)`", GUIDE))
)


@pytest.mark.parametrize("line", COMMANDS)
def test_commands_are_commands_with_such_options(line: str) -> None:
    words = shlex.split(line)[1:]
    command: click.Command = root
    context = click.Context(root)
    while isinstance(command, click.Group) and words and not words[0].startswith("-"):
        found = command.get_command(context, words[0])
        assert found is not None, f"{words[0]} is not a command"
        command, words = found, words[1:]
    known = {name for parameter in command.params for name in (*parameter.opts, *parameter.secondary_opts)}
    for word in words:
        if word.startswith("-"):
            assert word in known, f"{word} is not an option of {command.name}"


def test_settings_are_settings() -> None:
    named = set(re.findall(r"\bHEADRACE_[A-Z_]+\b", GUIDE))
    ours = {field.metadata["env"] for field in dataclasses.fields(Settings)}
    servers = {f"HEADRACE_SERVER_{name.upper()}" for name in ServerSettings.model_fields} | {"HEADRACE_DATABASE_URL"}
    assert named
    assert named <= ours | servers


def test_what_is_imported_is_there() -> None:
    imports = re.findall(r"from (headrace[\w.]*) import ([\w, ]+)", GUIDE)
    assert len(imports) >= 4
    for module, names in imports:
        for name in names.split(","):
            assert hasattr(importlib.import_module(module), name.strip()), f"{module}.{name}"


def test_the_ported_flow_runs() -> None:
    [script] = re.findall(r"^```python\n(.*?)^```", GUIDE, re.DOTALL | re.MULTILINE)
    with local_runs():
        exec(compile(script, "guide", "exec"), {"__name__": "__main__"})
