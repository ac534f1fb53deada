from __future__ import annotations

import pathlib
import sys

import pytest

from headrace_chassis.statements import Statements


@pytest.fixture
def statements(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> Statements:
    package = tmp_path / "headrace_example"
    (package / "sql").mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "sql" / "claim_due.sql").write_text("-- Take what is due.\nselect 1\n")
    (package / "sql" / "append.sql").write_text("select 'ü'\n", encoding="utf-8")
    (package / "sql" / "notes.txt").write_text("not a statement")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "headrace_example", raising=False)
    return Statements("headrace_example.sql")


def test_a_statement_is_an_attribute_named_in_its_text(statements: Statements) -> None:
    assert statements.claim_due == "/* example.claim_due */\n-- Take what is due.\nselect 1"
    assert statements.append.endswith("select 'ü'")


def test_all_statements_are_listed_by_name(statements: Statements) -> None:
    assert [name for name, _ in statements] == ["append", "claim_due"]
    assert len(statements) == 2


def test_a_missing_statement_names_its_file(statements: Statements) -> None:
    with pytest.raises(AttributeError, match=r"headrace_example.sql has no statement notes.sql"):
        _ = statements.notes


def test_a_missing_folder_is_said(statements: Statements) -> None:
    with pytest.raises(FileNotFoundError, match=r"headrace_example\.queries"):
        Statements("headrace_example.queries")
