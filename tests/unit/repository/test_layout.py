"""The shape of the repository: where code may stand, what it may be called, and how long a module may get."""

from __future__ import annotations

import re
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[3]
SOURCE_ROOTS = ("sdk", "services", "gateway", "migrations")
LONGEST_MODULE = 500
GENERATED = re.compile(r"(_pb2(_grpc)?\.pyi?|\.gen\.tsx?|\.d\.ts)$|/generated/")
NAMES_THAT_SAY_NOTHING = {"common", "helper", "helpers", "misc", "shared", "util", "utils"}


def tracked_files(*suffixes: str) -> list[Path]:
    listing = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    paths = [Path(line) for line in listing.stdout.splitlines() if line.endswith(suffixes)]
    return [path for path in paths if (ROOT / path).is_file()]


def handwritten(*suffixes: str) -> list[Path]:
    return [path for path in tracked_files(*suffixes) if not GENERATED.search(path.as_posix())]


@pytest.fixture(scope="module")
def project() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text())


def test_no_module_is_longer_than_can_be_read() -> None:
    lengths = {path: len((ROOT / path).read_bytes().splitlines()) for path in handwritten(".py", ".ts", ".tsx", ".sql")}
    assert lengths
    assert {path.as_posix(): length for path, length in lengths.items() if length > LONGEST_MODULE} == {}


def test_no_module_has_a_name_that_says_nothing() -> None:
    paths = handwritten(".py", ".ts", ".tsx")
    assert [path.as_posix() for path in paths if {*path.parts[:-1], path.stem} & NAMES_THAT_SAY_NOTHING] == []


@pytest.mark.parametrize("root", SOURCE_ROOTS)
def test_a_source_root_holds_only_packages_of_ours(root: str) -> None:
    tops = {path.parts[1] for path in tracked_files(".py") if path.parts[0] == root}
    assert tops
    assert {name for name in tops if not name.startswith("headrace")} == set()


def test_the_wheel_takes_every_package(project: dict[str, Any]) -> None:
    packaged = set(project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"])
    present = {path.parent.as_posix() for path in tracked_files("__init__.py") if len(path.parts) == 3}
    assert packaged == {name for name in present if name.split("/")[0] in SOURCE_ROOTS}


def test_the_import_rules_know_every_package(project: dict[str, Any]) -> None:
    packaged = {name.split("/")[1] for name in project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]}
    assert set(project["tool"]["importlinter"]["root_packages"]) == packaged


def test_every_statement_file_names_its_purpose_first() -> None:
    statements = [path for path in tracked_files(".sql") if path.parts[0] == "services"]
    assert [path.as_posix() for path in statements if not (ROOT / path).read_text().startswith("-- ")] == []


def test_no_statement_selects_columns_that_it_does_not_name() -> None:
    starred = re.compile(r"(select|returning)\s+(\w+\.)?\*", re.IGNORECASE)
    statements = [path for path in tracked_files(".sql") if path.parts[0] == "services"]
    assert [path.as_posix() for path in statements if starred.search((ROOT / path).read_text())] == []


def test_make_help_documents_every_word_of_the_guide() -> None:
    answer = subprocess.run(["make", "help"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    words = {line.split()[0] for line in answer.splitlines() if line.strip()}
    assert words >= {"setup", "demo", "test", "check", "protos", "lock", "bench", "up", "ui", "clean"}
