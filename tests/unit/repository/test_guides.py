"""What guides show can be typed: Python is Python, and commands and their options are there."""

from __future__ import annotations

import ast
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from headrace.cli.root import root

ROOT = Path(__file__).resolve().parents[3]
PAGES = sorted([ROOT / "README.md", *ROOT.glob("docs/*.md")])
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
SHELL = {"", "sh", "shell", "bash"}


def blocks(page: Path, *languages: str) -> list[str]:
    return [text for language, text in BLOCK.findall(page.read_text()) if language in languages]


def commands(page: Path) -> Iterator[list[str]]:
    """Yield the words of each call of `headrace` in the shell blocks of a page."""
    for block in blocks(page, *SHELL):
        for line in block.replace("\\\n", " ").splitlines():
            found = re.match(r"\s*(?:[A-Z_]+=\S+ )*headrace (.*)", line)
            if found is not None:
                # Up to what the shell makes of it.
                yield shlex.split(re.split(r"[|<>;&]|\$\(", found[1])[0], comments=True)


def wrong(words: list[str]) -> str:
    """Return what is wrong with a call, nothing if it could be typed."""
    command: click.Command = root
    name = "headrace"
    left = list(words)
    while isinstance(command, click.Group) and left and not left[0].startswith("-"):
        word = left.pop(0)
        child = command.get_command(click.Context(command, info_name=name), word)
        if child is None:
            return f"there is no {name} {word}"
        command, name = child, f"{name} {word}"
    known = {option for each in command.params for option in (*each.opts, *each.secondary_opts)} | {"--help", "-h"}
    unknown = [word for word in left if re.match(r"--[a-z]", word) and word.partition("=")[0] not in known]
    return f"{name} knows no {', '.join(unknown)}" if unknown else ""


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_python_is_python(page: Path) -> None:
    for block in blocks(page, "python"):
        compile(block, page.name, "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_are_commands(page: Path) -> None:
    assert [fault for words in commands(page) if (fault := wrong(words))] == []


def test_a_wrong_command_would_be_found() -> None:
    assert wrong(["flow-run", "lst"]) == "there is no headrace flow-run lst"
    assert wrong(["flow-run", "ls", "--stat", "FAILED"]) == "headrace flow-run ls knows no --stat"
    assert sum(len(list(commands(page))) for page in PAGES) > 50
