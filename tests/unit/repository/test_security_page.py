"""The table of docs/security.md: each control names tests that there are."""

from __future__ import annotations

import ast
import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parents[3]
PAGE = ROOT / "docs" / "security.md"
NAMED = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")
ASKED = [f"API{number}" for number in range(1, 11)]
ASKED += ["8.2.1", "8.2.2", "8.2.3", "8.3.2", "8.3.3", "8.4.1", "4.1.3", "4.4", "16.2", "16.3", "16.4", "16.5.1"]


def rows() -> list[str]:
    table = PAGE.read_text(encoding="utf-8").partition("| asked by |")[2]
    return [line for line in table.splitlines()[2:] if line.startswith("|")]


def test_every_test_that_is_named_exists() -> None:
    named = [match for row in rows() for match in NAMED.findall(row)]
    assert len(named) > 40
    missing = []
    for path, function in named:
        file = ROOT / path
        tree = ast.parse(file.read_text(encoding="utf-8")) if file.exists() else ast.Module([], [])
        if not any(
            isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name == function for node in tree.body
        ):
            missing.append(f"{path}::{function}")
    assert missing == []


def test_every_control_has_a_row_and_every_row_a_test() -> None:
    found = rows()
    assert [row for row in found if not NAMED.search(row)] == []
    first_cells = [row.split("|")[1] for row in found]
    assert [asked for asked in ASKED if not any(re.search(rf"\b{re.escape(asked)}\b", c) for c in first_cells)] == []
