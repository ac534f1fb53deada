"""A kind of import contract that import-linter does not bring: what of a package some modules may see."""

from __future__ import annotations

from typing import Any

import grimp
from importlinter import Contract, ContractCheck, fields, output


class VisibleContract(Contract):
    """Some modules import of a package only the parts that are named; new parts are out of their sight by default.

    Options: `importers` (packages), `package`, `visible` (modules of the package, each with what is below it).
    """

    type_name = "visible"

    importers = fields.ListField(subfield=fields.StringField())
    package = fields.StringField()
    visible = fields.ListField(subfield=fields.StringField())

    def check(self, graph: grimp.ImportGraph, verbose: bool) -> ContractCheck:
        """Find the direct imports of what is not visible."""
        package, visible = str(self.package), [str(name) for name in self._names(self.visible)]
        hidden = [name for name in _within(graph, package) if not any(_is_below(name, allowed) for allowed in visible)]
        importers = {name for root in self._names(self.importers) for name in _within(graph, root)}
        broken = sorted(
            (importer, imported)
            for imported in hidden
            for importer in graph.find_modules_that_directly_import(imported)
            if importer in importers
        )
        return ContractCheck(kept=not broken, metadata={"broken": broken})

    def render_broken_contract(self, check: ContractCheck) -> None:
        """Print each import that is not allowed."""
        for importer, imported in check.metadata["broken"]:
            output.print_error(f"- {importer} is not allowed to see {imported}")
        output.new_line()

    @staticmethod
    def _names(field: Any) -> list[str]:
        return list(field)


def _within(graph: grimp.ImportGraph, package: str) -> list[str]:
    return [package, *graph.find_descendants(package)]


def _is_below(name: str, package: str) -> bool:
    return name == package or name.startswith(f"{package}.")
