"""The project's own kind of import contract: importers see of a package only what is named."""

from __future__ import annotations

import grimp
import pytest
from tools.import_contracts import VisibleContract


def contract() -> VisibleContract:
    return VisibleContract(
        name="sight",
        session_options={"root_packages": ["kit", "user"]},
        contract_options={"importers": ["user"], "package": "kit", "visible": ["kit.open"]},
    )


def graph_with(importer: str, imported: str) -> grimp.ImportGraph:
    graph = grimp.ImportGraph()
    for module in ("kit", "kit.open", "kit.open.part", "kit.closed", "user", "user.code", "stranger"):
        graph.add_module(module)
    graph.add_import(importer=importer, imported=imported)
    return graph


@pytest.mark.parametrize("imported", ["kit.open", "kit.open.part"])
def test_what_is_named_may_be_imported_with_all_below_it(imported: str) -> None:
    assert contract().check(graph_with("user.code", imported), verbose=False).kept


@pytest.mark.parametrize("imported", ["kit", "kit.closed"])
def test_what_is_not_named_may_not_be_imported(imported: str) -> None:
    check = contract().check(graph_with("user.code", imported), verbose=False)
    assert not check.kept
    assert check.metadata["broken"] == [("user.code", imported)]


def test_who_is_not_an_importer_is_not_judged() -> None:
    assert contract().check(graph_with("stranger", "kit.closed"), verbose=False).kept
